import type { KeptState } from './kept-state.ts';
import type { KeptWrite } from './kept-write.ts';
import type { StoreArgs, StoreOperation, StoreResult } from './operations.ts';

/** The store as a shard sees it. */
export interface Store {
  /** Whether many requests or writes of this shard wait already: those that come from a client should hold that client up. */
  readonly isBusy: boolean;
  /**
   * Asks for an operation. Resolves when it is done, and durable if it writes. Rejects with
   * {@link import('./operations.ts').StoreUnavailableError} when it was not done.
   */
  request<O extends StoreOperation>(operation: O, ...args: StoreArgs<O>): Promise<StoreResult<O>>;

  /**
   * Asks for a write that must not be lost: while the store is gone, slow, or its disk is full it is kept in this shard, and tried until it is done, in the order of
   * these calls. Resolves when it is durable; to undefined if `isSettled` said that it need not be written any more. Rejects with
   * {@link import('./operations.ts').StoreUnavailableError} only if it can never be done. Returns undefined when too much is kept already: then it was not asked for.
   */
  write<O extends StoreOperation>(
    operation: O,
    args: StoreArgs<O>,
    kept: KeptWrite,
  ): Promise<StoreResult<O> | undefined> | undefined;

  /** How it is with the writes of this shard that are kept until they are done, where those of this operation are. */
  keptFor(operation: StoreOperation): KeptState;
}
