import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Restarts } from '../../../src/supervisor/restarts.ts';

/** Threat T58: a thread that dies is started again, one that keeps dying with growing pauses. */

let logged: number;
let starts: number[];
let restarts: Restarts;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  logged = 0;
  starts = [];
  restarts = new Restarts({
    error: () => {
      logged++;
    },
  });
});

afterEach(() => {
  vi.useRealTimers();
});

const start = (thread: number) => async (): Promise<void> => {
  starts.push(thread);
};

/** How long after its death a thread is started. */
async function pauseOf(thread: number): Promise<number> {
  const from = performance.now();
  const before = starts.length;
  restarts.again(thread, start(thread));
  while (starts.length === before) await vi.advanceTimersByTimeAsync(10);
  return Math.round((performance.now() - from) / 100) * 100;
}

describe('restarts', () => {
  it('come at once the first time, then after growing pauses, at most five seconds', async () => {
    const pauses: number[] = [];
    for (let i = 0; i < 7; i++) pauses.push(await pauseOf(0));
    expect(pauses).toEqual([0, 100, 500, 1_000, 5_000, 5_000, 5_000]);
  });

  it('of one thread do not hold up another', async () => {
    for (let i = 0; i < 4; i++) await pauseOf(0);
    expect(await pauseOf(1)).toBe(0);
  });

  it('come at once again for a thread that lived for a minute', async () => {
    for (let i = 0; i < 4; i++) await pauseOf(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await pauseOf(0)).toBe(0);
  });

  it('are tried again, with pauses, when the thread cannot be started', async () => {
    let tries = 0;
    restarts.again(0, async () => {
      if (++tries < 4) throw new Error('no memory');
    });
    await vi.advanceTimersByTimeAsync(1_700);
    expect(tries).toBe(4);
    expect(logged).toBe(3);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(tries).toBe(4);
  });

  it('end when the server stops', async () => {
    restarts.again(0, start(0));
    restarts.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(starts).toEqual([]);
  });
});
