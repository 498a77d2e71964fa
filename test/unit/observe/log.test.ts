import { describe, expect, it } from 'vitest';
import { createLog, setLogLevel } from '../../../src/observe/log.ts';

function logTo(loglevel: string, isTerminal = false) {
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line) };
  return { log: createLog(loglevel, 'shard 1', { stream, isTerminal }), lines };
}

function only(lines: readonly string[]): Record<string, unknown> {
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0]!) as Record<string, unknown>;
}

describe('createLog', () => {
  it('writes one object a line, with level, time, process and thread', () => {
    const { log, lines } = logTo('info');
    log.warn({ what: 'something' }, 'happened');
    expect(only(lines)).toMatchObject({
      level: 'warn',
      pid: process.pid,
      thread: 'shard 1',
      what: 'something',
      msg: 'happened',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });

  it('writes no secret, at the top or one below', () => {
    const { log, lines } = logTo('info');
    log.info({ password: 'a', token: 'b', user: { secret: 'c', pass_details: 'd', name: 'romeo' } }, 'x');
    expect(only(lines)).toMatchObject({
      password: '[hidden]',
      token: '[hidden]',
      user: { secret: '[hidden]', pass_details: '[hidden]', name: 'romeo' },
    });
  });

  it('has a line end only at the end of a line, and no control characters (threat T69)', () => {
    const { log, lines } = logTo('info');
    log.info({ jid: 'a\n{"level":"fatal"}\u001b[2J\u009b\u202e' }, 'x\ny');
    expect(lines[0]!.trimEnd()).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(lines[0]!.endsWith('\n')).toBe(true);
  });

  it.each([
    ['error', 'error', 'warn'],
    ['critical', 'fatal', 'error'],
    ['notice', 'info', 'debug'],
    ['all', 'trace', undefined],
    ['none', undefined, 'fatal'],
  ] as const)('knows MongooseIM’s level %s', (loglevel, written, left) => {
    const { log, lines } = logTo(loglevel);
    if (left !== undefined) log[left]('left out');
    expect(lines).toEqual([]);
    if (written !== undefined) log[written]('written');
    expect(lines).toHaveLength(written === undefined ? 0 : 1);
  });

  it('changes its level, and that of logs made from it', () => {
    const { log, lines } = logTo('error');
    setLogLevel(log, 'info');
    log.info('now');
    setLogLevel(log, 'no such level');
    log.info('still');
    expect(lines).toHaveLength(2);
  });
});
