import type { StoreArgs, StoreDriver, StoreOperation, StoreResult } from '../operations.ts';
import { Archive } from './archive.ts';
import { openPartition } from './archive-files.ts';
import type { Durability, Sqlite } from './database.ts';
import { WriteBatches } from './write-batches.ts';

type Operation = (...args: readonly unknown[]) => unknown;

/** A partition of the archive other than the first: a file that has nothing else in it, written by the thread that owns this. */
export class ArchiveDriver implements StoreDriver {
  readonly #db: Sqlite;
  readonly #archive: Archive;
  readonly #operations: ReadonlyMap<string, Operation>;

  constructor(directory: string, partition: number, durability: Durability) {
    const db = openPartition(directory, partition, durability);
    this.#db = db;
    this.#archive = new Archive(db);
    const operations = {
      ...this.#archive.operations(),
      ...new WriteBatches(db, (operation, args) => this.#runAny(operation, args)).operations(),
      ping: () => null,
    };
    this.#operations = new Map(Object.entries(operations) as [string, Operation][]);
  }

  run<O extends StoreOperation>(operation: O, args: StoreArgs<O>): StoreResult<O> {
    try {
      return this.#runAny(operation, args) as StoreResult<O>;
    } catch (cause) {
      // It may have undone everything before it, too.
      this.#archive.forget();
      throw cause;
    }
  }

  #runAny(operation: string, args: readonly unknown[]): unknown {
    const run = this.#operations.get(operation);
    if (run === undefined) throw new RangeError(`a partition of the archive has no operation ${operation}`);
    return run(...args);
  }

  begin(): void {
    this.#db.exec('BEGIN IMMEDIATE');
  }

  get isOpen(): boolean {
    return this.#db.inTransaction;
  }

  commit(): void {
    try {
      this.#db.exec('COMMIT');
    } catch (cause) {
      this.#undo();
      throw cause;
    }
  }

  get hasWork(): boolean {
    return this.#archive.hasWork;
  }

  work(): void {
    this.begin();
    try {
      this.#archive.work();
    } catch (cause) {
      this.#undo();
      throw cause;
    }
    this.commit();
  }

  #undo(): void {
    this.#archive.forget();
    if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
  }

  close(): void {
    this.#db.close();
  }
}
