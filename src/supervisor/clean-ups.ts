import type { Logger } from '../observe/log.ts';
import type { LostShard } from '../shard/clean-up.ts';
import { type ShardHandle, ShardLostError } from './shard-handle.ts';

type Cleaner = Pick<ShardHandle, 'isReady' | 'request'>;

/** After a shard has died another one cleans up for it: any that is ready. If that dies, too, before it has done so, the next one does it, from the beginning. */
export class CleanUps {
  readonly #shards: readonly Cleaner[];
  readonly #log: Pick<Logger, 'error'>;
  /** For these nobody was there. */
  #waiting: LostShard[] = [];

  constructor(shards: readonly Cleaner[], log: Pick<Logger, 'error'>) {
    this.#shards = shards;
    this.#log = log;
  }

  /** A shard has died. It is not ready any more. */
  after(lost: LostShard): void {
    this.#waiting.push(lost);
    this.shardReady();
  }

  /** There may be one now to do what is waiting. */
  shardReady(): void {
    const cleaner = this.#shards.find(({ isReady }) => isReady);
    if (cleaner === undefined) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const lost of waiting) void this.#by(cleaner, lost);
  }

  async #by(cleaner: Cleaner, lost: LostShard): Promise<void> {
    try {
      await cleaner.request('clean_up', { lost });
    } catch (cause) {
      if (cause instanceof ShardLostError) this.after(lost);
      else this.#log.error({ err: cause, what: 'clean_up_failed', shard: lost.shard }, 'not cleaned up');
    }
  }
}
