import { StoreUnavailableError } from './failure.ts';
import type { KeptWrites } from './kept-writes.ts';

/** The writes that work comes behind. */
export type KeptBefore = Pick<KeptWrites, 'isBehind' | 'settled' | 'add'>;

/** How often in a row work may fail while the store does other things. */
const STRIKES_MAX = 3;

/**
 * Does something that asks the store more than once, behind all that is kept: until it succeeds. Rejects if it cannot be done, or if the store does not do it though it takes
 * writes.
 */
export async function keepTrying(kept: KeptBefore, work: () => Promise<unknown>): Promise<void> {
  for (let strikes = 1; ; strikes++) {
    if (kept.isBehind) await kept.settled();
    try {
      await work();
      return;
    } catch (cause) {
      const isToBlame = !(cause instanceof StoreUnavailableError) || cause.failure === 'fault';
      if (isToBlame || strikes === STRIKES_MAX) throw cause;
    }
    // A write that is tried until the store works again.
    await kept.add(['write_probe', []], { bytes: 0, isLetIn: true });
  }
}
