/** A batch of writes: the shard that asks, since when that one lives (microseconds), and which of its batches it is, counted from 1. */
export type WriteBatchId = readonly [shard: number, since: number, number: number];

/** A write in a batch: the name of an operation, and its arguments. */
export type BatchedWrite = readonly [operation: string, args: readonly unknown[]];

/** Writes that are made exactly once, however often they are asked for. */
export interface WriteOperations {
  /**
   * All of them or none. Whoever does not know whether a batch was written asks for the same one again: it is not written a second time, and the answer is the
   * first one. Of a shard the last {@link import('../../limits.ts').KEPT_BATCHES_REMEMBERED} are remembered. The result has what each write returned.
   *
   * Batches are in order: one whose predecessor is not done is `undone`. If a write of it cannot be done (`fault`), whatever else is in the same transaction may be undone with it, unless
   * it `isSuspect`: that costs more.
   */
  write_all: {
    args: [batch: WriteBatchId, writes: readonly BatchedWrite[], isSuspect: boolean];
    result: unknown[];
  };
  /** Writes something of no consequence: whether the disk takes it is known after the commit. */
  write_probe: { args: []; result: null };
}
