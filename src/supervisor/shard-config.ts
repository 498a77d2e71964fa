import type { Config } from '../config/config.ts';
import type { Logger } from '../observe/log.ts';
import { type ShardHandle, ShardLostError } from './shard-handle.ts';

/** Brings shards to a changed configuration: all of them, or none. */
export class ShardConfig {
  readonly #log: Logger;
  readonly #shards: readonly ShardHandle[];
  /** Shards that take over a configuration which the others have. */
  readonly #catchingUp = new Set<Promise<unknown>>();

  /** `shards` is looked at anew each time. */
  constructor(log: Logger, shards: readonly ShardHandle[]) {
    this.#log = log;
    this.#shards = shards;
  }

  /**
   * Changes the configuration in all shards; `taken` is called when all have started what is new, before anything is taken away from anybody. Rejects
   * when one of them could not: then all are as they were.
   */
  async change(config: Config, taken: () => void): Promise<void> {
    await Promise.all(this.#catchingUp);
    const ready = this.#shards.filter((shard) => shard.isReady);
    const results = await Promise.allSettled(ready.map((shard) => shard.request('reload', { config })));
    const failure = results.find((result) => result.status === 'rejected');
    if (failure === undefined) taken();
    await Promise.all(ready.map((shard) => this.#settle(shard, failure === undefined)));
    if (failure !== undefined) throw failure.reason;
    // Those that became ready meanwhile, with the configuration of before.
    for (const shard of this.#shards)
      if (shard.isReady && !ready.includes(shard)) this.catchUp(shard, config);
  }

  /** The configuration was changed while this shard started. The others have taken it over, so it can be. */
  catchUp(shard: ShardHandle, config: Config): void {
    const change = shard
      .request('reload', { config })
      .then(() => shard.request('settle', { isKept: true }))
      .catch((cause: unknown) => this.#cannotFollow(shard, cause))
      .finally(() => this.#catchingUp.delete(change));
    this.#catchingUp.add(change);
  }

  /** A shard that cannot even do this is replaced, and starts with what is in force. */
  async #settle(shard: ShardHandle, isKept: boolean): Promise<void> {
    try {
      await shard.request('settle', { isKept });
    } catch (cause) {
      if (!(cause instanceof ShardLostError)) this.#cannotFollow(shard, cause);
    }
  }

  #cannotFollow(handle: ShardHandle, cause: unknown): void {
    this.#log.error(
      { err: cause, what: 'catch_up_failed', shard: handle.shard },
      'a shard could not take over the configuration; it is replaced',
    );
    void handle.kill();
  }
}
