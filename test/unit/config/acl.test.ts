import { describe, expect, it } from 'vitest';
import { matchAcl, matchNumber, matchRule } from '../../../src/config/acl.ts';
import { parseJid } from '../../../src/xmpp/jid.ts';
import { loaded } from './helpers.ts';

const BASE = '[general]\nhosts = ["a.example", "b.example"]\n';

function jid(text: string) {
  return parseJid(text)!;
}

/** Whether an address is on a list with these patterns, asked for a.example. */
function isOn(patterns: string, address: string): boolean {
  const config = loaded(`${BASE}[acl]\nx = [${patterns}]`);
  return matchAcl('x', jid(address), {
    domain: 'a.example',
    hostTypeConfig: config.hostTypes.get('a.example')!,
  });
}

describe('a list', () => {
  // pattern, addresses on it, addresses that are not
  it.each<[string, string[], string[]]>([
    ['{}', ['juliet@a.example', 'a.example', 'juliet@a.example/x'], ['juliet@b.example', 'juliet@x.example']],
    ['{match = "current_domain"}', ['juliet@a.example'], ['juliet@b.example']],
    [
      '{match = "any_hosted_domain"}',
      ['juliet@a.example', 'juliet@b.example'],
      ['juliet@x.example', 'x@sub.a.example'],
    ],
    ['{match = "all"}', ['juliet@a.example', 'juliet@x.example', 'x.example'], []],
    ['{match = "none"}', [], ['juliet@a.example', 'a.example']],
    ['{match = "none", user = "juliet"}', [], ['juliet@a.example']],
    [
      '{user = "Juliet"}',
      ['juliet@a.example', 'juliet@a.example/x'],
      ['romeo@a.example', 'juliet@b.example', 'a.example'],
    ],
    ['{server = "a.example"}', ['juliet@a.example'], ['juliet@b.example']],
    ['{server = "b.example"}', [], ['juliet@b.example', 'juliet@a.example']],
    ['{match = "all", server = "B.example"}', ['juliet@b.example'], ['juliet@a.example']],
    ['{resource = "phone"}', ['juliet@a.example/phone'], ['juliet@a.example/Phone', 'juliet@a.example']],
    ['{user_regexp = "^ju.*t$"}', ['juliet@a.example'], ['xjuliet@a.example']],
    ['{user_regexp = "lie"}', ['juliet@a.example'], ['romeo@a.example']],
    ['{user_regexp = ""}', ['juliet@a.example', 'a.example'], ['juliet@b.example']],
    [
      '{match = "all", server_regexp = "^[ab]\\\\."}',
      ['juliet@a.example', 'juliet@b.example'],
      ['juliet@c.example'],
    ],
    [
      '{resource_regexp = "^run[0-9]+$"}',
      ['juliet@a.example/run12'],
      ['juliet@a.example/run', 'juliet@a.example'],
    ],
    ['{user_glob = "ju*"}', ['juliet@a.example'], ['xju@a.example']],
    ['{match = "all", server_glob = "?.example"}', ['x@a.example', 'x@c.example'], ['x@aa.example']],
    ['{resource_glob = "p[a-h]*"}', ['juliet@a.example/phone'], ['juliet@a.example/pz']],
    // All keys of a pattern must match, but any pattern of a list is enough.
    [
      '{user = "juliet", resource = "phone"}',
      ['juliet@a.example/phone'],
      ['juliet@a.example/x', 'romeo@a.example/phone'],
    ],
    ['{user = "juliet", user_glob = "j*", user_regexp = "t$"}', ['juliet@a.example'], ['julie@a.example']],
    ['{user = "juliet"}, {user = "romeo"}', ['juliet@a.example', 'romeo@a.example'], ['nurse@a.example']],
    ['', [], ['juliet@a.example']],
  ])('[%s]', (patterns, on, off) => {
    for (const address of on) expect(isOn(patterns, address), address).toBe(true);
    for (const address of off) expect(isOn(patterns, address), address).toBe(false);
  });

  it('takes the domain that it is asked for as the current one', () => {
    const hostTypeConfig = loaded(`${BASE}[acl]\nx = [{user = "juliet"}]`).hostTypes.get('a.example')!;
    expect(matchAcl('x', jid('juliet@b.example'), { domain: 'b.example', hostTypeConfig })).toBe(true);
    expect(matchAcl('x', jid('juliet@a.example'), { domain: 'b.example', hostTypeConfig })).toBe(false);
  });

  it('knows dynamic domains when told', () => {
    const hostTypeConfig = loaded(`${BASE}[acl]\nx = [{match = "any_hosted_domain"}]`).hostTypes.get(
      'a.example',
    )!;
    const context = {
      domain: 'a.example',
      hostTypeConfig,
      isDynamicDomain: (name: string) => name === 'd.example',
    };
    expect(matchAcl('x', jid('juliet@d.example'), context)).toBe(true);
    expect(matchAcl('x', jid('juliet@e.example'), context)).toBe(false);
  });

  it('always exists as all and none; one that does not exist is empty', () => {
    const hostTypeConfig = loaded(BASE).hostTypes.get('a.example')!;
    const context = { domain: 'a.example', hostTypeConfig };
    expect(matchAcl('all', jid('x@y.example'), context)).toBe(true);
    expect(matchAcl('none', jid('x@a.example'), context)).toBe(false);
    expect(matchAcl('nobody', jid('x@a.example'), context)).toBe(false);
    expect(matchAcl('__proto__', jid('x@a.example'), context)).toBe(false);
  });
});

describe('a rule', () => {
  const hostTypeConfig = loaded(`${BASE}[acl]
bots = [{user_glob = "bot-*"}]
banned = [{user = "mallory"}]
[access]
c2s = [{acl = "banned", value = "deny"}, {acl = "all", value = "allow"}]
max_user_sessions = [{acl = "bots", value = 1}, {acl = "banned", value = "infinity"}, {acl = "none", value = 7}]
shaping = [{acl = "bots", value = "fast"}, {acl = "all", value = "none"}]
empty = []
`).hostTypes.get('a.example')!;
  const context = { domain: 'a.example', hostTypeConfig };

  it.each([
    ['c2s', 'juliet@a.example', 'allow'],
    ['c2s', 'mallory@a.example', 'deny'],
    ['c2s', 'mallory@b.example', 'allow'],
    ['max_user_sessions', 'bot-1@a.example', 1],
    ['max_user_sessions', 'mallory@a.example', Number.POSITIVE_INFINITY],
    ['max_user_sessions', 'juliet@a.example', 'deny'],
    ['shaping', 'bot-1@a.example', 'fast'],
    ['shaping', 'juliet@a.example', 'none'],
    ['empty', 'juliet@a.example', 'deny'],
    ['undefined', 'juliet@a.example', 'deny'],
    ['all', 'juliet@x.example', 'allow'],
    ['none', 'juliet@a.example', 'deny'],
  ])('%s gives %s the value of its first clause that matches: %s', (rule, address, value) => {
    expect(matchRule(rule, jid(address), context)).toBe(value);
  });

  it('that does not exist gives what the caller wants', () => {
    expect(matchRule('undefined', jid('juliet@a.example'), context, 'allow')).toBe('allow');
    expect(matchRule('empty', jid('juliet@a.example'), context, 'allow')).toBe('deny');
  });

  it('gives a number, or else what the caller wants', () => {
    expect(matchNumber('max_user_sessions', jid('bot-1@a.example'), context, 100)).toBe(1);
    expect(matchNumber('max_user_sessions', jid('juliet@a.example'), context, 100)).toBe(100);
    expect(matchNumber('shaping', jid('juliet@a.example'), context, 100)).toBe(100);
    expect(matchNumber('undefined', jid('juliet@a.example'), context, 100)).toBe(100);
  });

  it('gives the same on another thread', () => {
    const there = { domain: 'a.example', hostTypeConfig: structuredClone(hostTypeConfig) };
    expect(matchRule('max_user_sessions', jid('bot-1@a.example'), there)).toBe(1);
    expect(matchRule('c2s', jid('mallory@a.example'), there)).toBe('deny');
  });
});
