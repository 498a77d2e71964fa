import { StoreUnavailableError } from './failure.ts';
import type { KeptWrites } from './kept-writes.ts';

/** How often in a row work may fail while the stores do other things. */
const STRIKES_MAX = 3;

/**
 * Does something that asks stores more than once, behind all that is kept for them: until it succeeds. Rejects if it cannot be done, or if a store does not do it though all take
 * writes.
 */
export async function keepTrying(all: readonly KeptWrites[], work: () => Promise<unknown>): Promise<void> {
  for (let strikes = 1; ; strikes++) {
    for (const kept of all) if (kept.isBehind) await kept.settled();
    try {
      await work();
      return;
    } catch (cause) {
      const isToBlame = !(cause instanceof StoreUnavailableError) || cause.failure === 'fault';
      if (isToBlame || strikes === STRIKES_MAX) throw cause;
    }
    // A write to each that is tried until it works again.
    await Promise.all(all.map((kept) => kept.add(['write_probe', []], { bytes: 0, isLetIn: true })));
  }
}
