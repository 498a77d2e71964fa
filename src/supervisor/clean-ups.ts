import type { Logger } from '../observe/log.ts';
import type { LostShard } from '../shard/clean-up.ts';
import { type ShardHandle, ShardLostError } from './shard-handle.ts';

type Cleaner = Pick<ShardHandle, 'isReady' | 'request'>;

interface CleanUp {
  readonly lost: LostShard;
  /** Shards that have died at it. */
  readonly deaths: number;
}

/** Of so many deaths the cleaning may be the cause: it must not take one shard after the other. */
const DEATHS_MAX = 5;

/**
 * After a shard has died another one cleans up for it: any that is ready. If that dies, too, before it has done so, the next one does it, from the beginning; but not for ever.
 */
export class CleanUps {
  readonly #shards: readonly Cleaner[];
  readonly #log: Pick<Logger, 'error'>;
  /** For these nobody was there. */
  #waiting: CleanUp[] = [];

  constructor(shards: readonly Cleaner[], log: Pick<Logger, 'error'>) {
    this.#shards = shards;
    this.#log = log;
  }

  /** A shard has died. It is not ready any more. */
  after(lost: LostShard): void {
    this.#add({ lost, deaths: 0 });
  }

  /** There may be one now to do what is waiting. */
  shardReady(): void {
    const cleaner = this.#shards.find(({ isReady }) => isReady);
    if (cleaner === undefined) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const cleanUp of waiting) void this.#by(cleaner, cleanUp);
  }

  #add(cleanUp: CleanUp): void {
    this.#waiting.push(cleanUp);
    this.shardReady();
  }

  async #by(cleaner: Cleaner, { lost, deaths }: CleanUp): Promise<void> {
    try {
      await cleaner.request('clean_up', { lost });
    } catch (cause) {
      if (cause instanceof ShardLostError && deaths + 1 < DEATHS_MAX) this.#add({ lost, deaths: deaths + 1 });
      else this.#log.error({ err: cause, what: 'clean_up_failed', shard: lost.shard }, 'not cleaned up');
    }
  }
}
