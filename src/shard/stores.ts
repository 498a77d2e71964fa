import type { StoreReplyFrame } from '../frame/kinds.ts';
import { PartitionedStore } from '../store/partitions/partitioned-store.ts';
import type { RemoteStore } from '../store/remote.ts';
import type { Store } from '../store/store.ts';

/** Writes of a shard that are kept until the stores have done them (`store/kept-writes.ts`), of all stores together. */
export interface KeptCounts {
  readonly count: number;
  readonly bytes: number;
  readonly isStalled: boolean;
  readonly retries: number;
  readonly refused: number;
}

/** The store threads as a shard sees them: the one of the database, and those of further partitions of the archive. */
export class Stores {
  /** What everybody asks. */
  readonly store: Store;
  readonly #all: readonly RemoteStore[];

  /** `layouts`: among how many partitions conversations were distributed, earlier and (the last number) now. `open` makes the way to a partition. */
  constructor(layouts: readonly number[], open: (partition: number) => RemoteStore) {
    this.#all = Array.from({ length: Math.max(...layouts) }, (_unused, partition) => open(partition));
    this.store = this.#all.length === 1 ? this.#all[0]! : new PartitionedStore(this.#all, layouts);
  }

  get pendingCount(): number {
    return this.#sum((store) => store.pendingCount);
  }

  get kept(): KeptCounts {
    return {
      count: this.#sum(({ kept }) => kept.count),
      bytes: this.#sum(({ kept }) => kept.bytes),
      isStalled: this.#all.some(({ kept }) => kept.isStalled),
      retries: this.#sum(({ kept }) => kept.retries),
      refused: this.#sum(({ kept }) => kept.refused),
    };
  }

  /** An answer has come from one of them. */
  answered(partition: number, frame: StoreReplyFrame): void {
    this.#all[partition]!.answered(frame);
  }

  /** The thread of one of them is there (again). */
  up(partition: number): void {
    this.#all[partition]!.up();
  }

  /** It is gone. */
  down(partition: number): void {
    this.#all[partition]!.down();
  }

  /** What was to be written in this turn leaves with it. */
  flush(): void {
    for (const store of this.#all) store.kept.flush();
  }

  /** Called about once a second. */
  expire(): void {
    for (const store of this.#all) store.expire();
  }

  /** Nothing is tried any more. */
  stop(): void {
    for (const store of this.#all) store.kept.stop();
  }

  #sum(count: (store: RemoteStore) => number): number {
    return this.#all.reduce((sum, store) => sum + count(store), 0);
  }
}
