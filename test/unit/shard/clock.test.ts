import { describe, expect, it, vi } from 'vitest';
import { Clock } from '../../../src/shard/clock.ts';
import { monotonicMs } from '../../../src/util/monotonic.ts';

const offset = (): number => Date.now() * 1_000 - monotonicMs() * 1_000;

describe('the clocks of shards', () => {
  it('tell the time, to the microsecond, and never the same one twice', () => {
    const clock = new Clock(offset());
    const before = Date.now();
    const times = Array.from({ length: 10_000 }, () => clock.timestamp());
    expect(Math.abs(times[0]! / 1_000 - before)).toBeLessThan(1_000);
    for (let n = 1; n < times.length; n++) expect(times[n]!).toBeGreaterThan(times[n - 1]!);
    expect(times.every(Number.isSafeInteger)).toBe(true);
  });

  it('agree with each other: what comes later has a higher number, whichever says so', () => {
    const shared = offset();
    const clocks = [new Clock(shared), new Clock(shared)];
    let last = 0;
    for (let n = 0; n < 200; n++) {
      // As long as it takes from one shard to another.
      const until = performance.now() + 0.02;
      while (performance.now() < until);
      const time = clocks[n % 2]!.timestamp();
      expect(time).toBeGreaterThan(last);
      last = time;
    }
  });

  it('follow when somebody sets the wall clock', () => {
    const clock = new Clock(offset());
    const before = clock.timestamp();
    const now = vi.spyOn(Date, 'now').mockReturnValue(before / 1_000 + 3_600_000);
    const looked = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 2_000);
    expect(clock.timestamp() - before).toBeGreaterThan(3_599_000_000);
    now.mockRestore();
    looked.mockRestore();
  });
});
