import { describe, expect, it } from 'vitest';
import { reloadPlan } from '../../../src/config/reload.ts';
import { loaded } from './helpers.ts';

const BASE = `
[general]
hosts = ["a.example"]
loglevel = "info"
[[listen.c2s]]
port = 5222
[listen.c2s.tls]
password = "old"
[shaper.slow]
max_rate = 10
[acl]
staff = [{user = "root"}]
[modules.mod_ping]
ping_interval = 60
`;

function plan(before: string, after: string): string[] {
  return reloadPlan(loaded(before), loaded(after)).map(({ path, effect }) => `${path}: ${effect}`);
}

describe('reloadPlan', () => {
  it('is empty when nothing changed, however it is written', () => {
    expect(plan(BASE, BASE)).toEqual([]);
    expect(
      plan(
        BASE,
        `# a comment\n${BASE.replace('port = 5222', 'port = 5222\nip_version = 4\nbacklog = 1024')}`,
      ),
    ).toEqual([]);
  });

  it.each([
    ['a live option', 'loglevel = "info"', 'loglevel = "debug"', ['general.loglevel: live']],
    ['a new domain', '["a.example"]', '["a.example", "b.example"]', ['general.hosts: live']],
    ['a port', 'port = 5222', 'port = 5223', ['listen.c2s[0].port: restart']],
    [
      'an option of a listener',
      'port = 5222',
      'port = 5222\nshaper = "fast"\naccess = "none"',
      ['listen.c2s[0].shaper: new connections', 'listen.c2s[0].access: live'],
    ],
    ['a listener', '[shaper.slow]', '[[listen.c2s]]\nport = 1\n[shaper.slow]', ['listen.c2s[1]: restart']],
    [
      'TLS, without its secrets',
      'password = "old"',
      'password = "new"',
      ['listen.c2s[0].tls.password: new connections'],
    ],
    ['a rate', 'max_rate = 10', 'max_rate = 11', ['shaper.slow.max_rate: new connections']],
    [
      'a shaper',
      '[shaper.slow]',
      '[shaper.other]',
      ['shaper.slow: new connections', 'shaper.other: new connections'],
    ],
    ['a list', '{user = "root"}', '{user = "admin"}', ['acl.staff[0].user: live']],
    [
      'an option of a module',
      'ping_interval = 60',
      'ping_interval = 61',
      ['modules.mod_ping.ping_interval: live'],
    ],
    ['a module', '[modules.mod_ping]', '[modules.mod_time]\n[modules.mod_ping]', ['modules.mod_time: live']],
    [
      'what is stored where',
      '[shaper.slow]',
      '[storage]\ndurability = "normal"\n[shaper.slow]',
      ['storage.durability: restart'],
    ],
    [
      'a section of one host',
      '[shaper.slow]',
      '[[host_config]]\nhost = "a.example"\n[host_config.auth]\n[shaper.slow]',
      ['host_config[0]: live'],
    ],
  ])('tells how %s takes effect', (_name, search, replacement, expected) => {
    expect(BASE).toContain(search);
    expect(plan(BASE, BASE.replace(search, replacement))).toEqual(expected);
  });

  it('tells the parts of a host_config apart', () => {
    const host = `${BASE}[[host_config]]\nhost = "a.example"\n`;
    const before = `${host}[host_config.general]\nreplaced_wait_timeout = 1\n[host_config.auth.internal]\n`;
    const after = `${host}[host_config.general]\nreplaced_wait_timeout = 2\n[host_config.auth.anonymous]\n`;
    expect(plan(before, after)).toEqual([
      'host_config[0].general.replaced_wait_timeout: live',
      'host_config[0].auth.internal: new connections',
      'host_config[0].auth.anonymous: new connections',
    ]);
  });
});
