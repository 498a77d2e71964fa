import { describe, expect, it } from 'vitest';
import { runTraffic, type TrafficReport } from '../helpers/threads/traffic.ts';
import { FUZZ_SEED, FUZZ_TIMEOUT_MS, fuzzRuns } from './settings.ts';

/** Rings, outbox, inbox, loop, doorbell and waker under load, between threads that really run at the same time. */

function check(reports: readonly TrafficReport[]): void {
  for (const to of reports) {
    expect(to.complaints, `seed ${FUZZ_SEED}`).toEqual([]);
    expect(to.corrupt).toBe(0);
    for (const from of reports) {
      if (from.me !== to.me)
        expect(to.got[from.me], `${from.me} to ${to.me}, seed ${FUZZ_SEED}`).toBe(from.sent[to.me]);
    }
  }
}

describe('threads that send each other as much as they can', () => {
  it.each([
    [2, 1_024],
    [3, 1_024],
    [4, 4_096],
  ])(
    'lose nothing and keep the order, though rings overflow in all directions (%i threads, %i bytes)',
    async (threads, ringBytes) => {
      const reports = await runTraffic({
        threads,
        ringBytes,
        overflowBytesMax: 200_000,
        messages: fuzzRuns(20),
        bytesMax: 10_000,
        isCausal: false,
        seed: FUZZ_SEED,
      });
      check(reports);
      for (const { overflowFrames } of reports) expect(overflowFrames).toBeGreaterThan(0);
    },
    FUZZ_TIMEOUT_MS,
  );

  it.each([3, 4])(
    'never see an effect before its cause (%i threads)',
    async (threads) => {
      const reports = await runTraffic({
        threads,
        ringBytes: 65_536,
        overflowBytesMax: 1_000_000,
        messages: fuzzRuns(30),
        bytesMax: 200,
        isCausal: true,
        seed: FUZZ_SEED,
      });
      check(reports);
      for (const { overflowFrames } of reports) expect(overflowFrames).toBe(0);
    },
    FUZZ_TIMEOUT_MS,
  );
});
