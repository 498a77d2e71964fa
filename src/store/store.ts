import type { StoreArgs, StoreOperation, StoreResult } from './operations.ts';

/** The store as a shard sees it. */
export interface Store {
  /** Whether many requests of this shard wait already: those that come from a client should hold that client up. */
  readonly isBusy: boolean;
  /**
   * Asks for an operation. Resolves when it is done, and durable if it writes. Rejects with
   * {@link import('./operations.ts').StoreUnavailableError} when it was not done.
   */
  request<O extends StoreOperation>(operation: O, ...args: StoreArgs<O>): Promise<StoreResult<O>>;
}
