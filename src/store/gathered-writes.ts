import { KEPT_PER_BATCH_BYTES_MAX, KEPT_PER_BATCH_MAX } from '../limits.ts';
import type { KeptState } from './kept-state.ts';
import type { StoreArgs, StoreOperation, StoreResult } from './operations.ts';
import type { Store } from './store.ts';

/** Operations that write a list of things. */
export type ListOperation = {
  [O in StoreOperation]: StoreArgs<O> extends readonly [readonly unknown[]] ? O : never;
}[StoreOperation];

export type ListEntry<O extends ListOperation> =
  StoreArgs<O> extends readonly [readonly (infer Entry)[]] ? Entry : never;

/** What its owner says of writes, and wants to know. */
export interface GatheringHost<O extends ListOperation> {
  readonly store: Store;
  /** Calls back at the end of the present turn, before what it led to leaves. */
  atTurnEnd(callback: () => void): void;
  /** Entries are stored, those excepted that are {@link lost}. */
  stored?(result: StoreResult<O>, count: number): void;
  /** One of them was given up: it cannot be stored, others can. */
  lost(entry: ListEntry<O>, cause: unknown): void;
}

/** Entries that go together. */
interface Open<Entry> {
  readonly entries: Entry[];
  bytes: number;
  readonly stored: Promise<void>;
  readonly resolve: () => void;
}

/**
 * One operation's writes of a turn of the loop: they are one write, and one promise. From there on the shard keeps it until it is done (`kept-writes.ts`), also
 * if the module that began it ends.
 */
export class GatheredWrites<O extends ListOperation> {
  readonly #host: GatheringHost<O>;
  readonly #operation: O;
  readonly #atTurnEnd = (): void => this.#handOver();
  #open: Open<ListEntry<O>> | undefined;

  constructor(operation: O, host: GatheringHost<O>) {
    this.#operation = operation;
    this.#host = host;
  }

  /** How it is with what this shard has to write; what is being gathered here is not in it yet. */
  get kept(): KeptState {
    return this.#host.store.keptFor(this.#operation);
  }

  /** What is being gathered: entries of it may still be changed, see {@link grew}. */
  get gathering(): readonly ListEntry<O>[] | undefined {
    return this.#open?.entries;
  }

  /** Adds an entry that holds so many bytes. The promise, which never rejects, is the same for all that go together: it resolves when they are stored. */
  add(entry: ListEntry<O>, bytes: number): Promise<void> {
    const former = this.#open;
    const isTooMuch =
      former !== undefined &&
      (former.entries.length >= KEPT_PER_BATCH_MAX || former.bytes + bytes > KEPT_PER_BATCH_BYTES_MAX);
    if (isTooMuch) this.#handOver();
    this.#open ??= this.#begin();
    this.#open.entries.push(entry);
    return this.grew(bytes);
  }

  /** What is being gathered holds so many bytes more. */
  grew(bytes: number): Promise<void> {
    const open = this.#open!;
    open.bytes += bytes;
    return open.stored;
  }

  /** Sends what was gathered so far: whatever else is asked of the store now comes behind it, unless writes are behind (`KeptState`). */
  flush(): void {
    this.#handOver();
    this.kept.flush(true);
  }

  /** Resolves when all that was added so far is stored, or given up; undefined if it is. */
  settled(): Promise<void> | undefined {
    this.#handOver();
    return this.kept.settled();
  }

  #begin(): Open<ListEntry<O>> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#host.atTurnEnd(this.#atTurnEnd);
    return { entries: [], bytes: 0, stored: promise, resolve };
  }

  #handOver(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    void this.#write(open);
  }

  async #write({ entries, bytes, resolve }: Open<ListEntry<O>>): Promise<void> {
    const { store, stored, lost } = this.#host;
    let lostCount = 0;
    const result = await store.write(this.#operation, [entries] as unknown as StoreArgs<O>, {
      bytes,
      isLetIn: true,
      lost: (entry, cause) => {
        lostCount++;
        lost(entry as ListEntry<O>, cause);
      },
    });
    if (lostCount < entries.length) stored?.(result as StoreResult<O>, entries.length - lostCount);
    resolve();
  }
}
