import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LOG_LINES_MAX, LOG_WINDOW_MS } from '../../../src/limits.ts';
import { createLimitedLog, createLog } from '../../../src/observe/log.ts';

interface Line {
  readonly level: string;
  readonly what?: string;
  readonly kind?: string;
  readonly count?: number;
  readonly seconds?: number;
  readonly module?: string;
  readonly n?: number;
}

let lines: Line[];
const stream = { write: (line: string) => void lines.push(JSON.parse(line) as Line) };
const output = { stream, isTerminal: false };

beforeEach(() => {
  lines = [];
  vi.useFakeTimers({ now: 0 });
});

afterEach(() => {
  vi.useRealTimers();
});

function warnings(log: ReturnType<typeof createLog>, count: number, what = 'routing_loop'): void {
  for (let n = 0; n < count; n++) log.warn({ what, n }, 'again');
}

describe('a limited log', () => {
  it('writes so many lines of a kind, and tells how many more there were when the time is over', () => {
    const log = createLimitedLog('warning', 'shard 0', output);
    warnings(log, LOG_LINES_MAX);
    vi.advanceTimersByTime(LOG_WINDOW_MS / 2);
    warnings(log, 1_000);
    expect(lines.map(({ n }) => n)).toEqual(Array.from({ length: LOG_LINES_MAX }, (_unused, n) => n));
    lines = [];
    vi.advanceTimersByTime(LOG_WINDOW_MS / 2 - 1);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        what: 'log_suppressed',
        kind: 'routing_loop',
        count: 1_000,
        seconds: 60,
      }),
    ]);
  });

  it('begins anew in the next window, and tells nothing when there is nothing to tell', () => {
    const log = createLimitedLog('warning', 'shard 0', output);
    warnings(log, LOG_LINES_MAX + 1);
    vi.advanceTimersByTime(LOG_WINDOW_MS);
    warnings(log, LOG_LINES_MAX);
    vi.advanceTimersByTime(10 * LOG_WINDOW_MS);
    warnings(log, 1);
    expect(lines).toHaveLength(2 * LOG_LINES_MAX + 2);
    expect(lines.filter(({ what }) => what === 'log_suppressed')).toHaveLength(1);
  });

  it('counts each kind, each module and each log made from it for itself', () => {
    const log = createLimitedLog('warning', 'shard 0', output);
    const child = log.child({ module: 'mod_a' });
    warnings(log, LOG_LINES_MAX + 5);
    warnings(log, 1, 'other');
    warnings(child, 1);
    for (const module of ['mod_a', 'mod_b'])
      for (let n = 0; n < LOG_LINES_MAX + 5; n++) log.error({ what: 'hook_failed', module }, 'failed');
    expect(lines).toHaveLength(3 * LOG_LINES_MAX + 2);
    vi.advanceTimersByTime(LOG_WINDOW_MS);
    const kinds = lines.flatMap(({ kind, count }) => (kind === undefined ? [] : [[kind, count]]));
    expect(kinds).toEqual([
      ['routing_loop', 5],
      ['hook_failed of mod_a', 5],
      ['hook_failed of mod_b', 5],
    ]);
  });

  it('takes the message for the kind where there is no other, and limits the number of kinds', () => {
    const log = createLimitedLog('warning', 'shard 0', output);
    for (let n = 0; n < 1_000; n++) log.warn(`from the wire: ${n}`);
    expect(lines).toHaveLength(256 + LOG_LINES_MAX);
    vi.advanceTimersByTime(LOG_WINDOW_MS);
    expect(lines.at(-1)).toMatchObject({ kind: 'others', count: 1_000 - 256 - LOG_LINES_MAX });
  });

  it('leaves notices, and what ends the process, alone', () => {
    const log = createLimitedLog('info', 'shard 0', output);
    for (let n = 0; n < 100; n++) log.info({ what: 'auth_failed' }, 'no');
    for (let n = 0; n < 100; n++) log.fatal({ what: 'end' }, 'no');
    expect(lines).toHaveLength(200);
  });
});

describe('another log', () => {
  it('writes what it is told', () => {
    warnings(createLog('warning', 'main', output), 100);
    expect(lines).toHaveLength(100);
  });
});
