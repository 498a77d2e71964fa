import type { StoreArgs, StoreDriver, StoreOperation, StoreResult } from '../operations.ts';
import type { Archive } from './archive.ts';
import type { Sqlite } from './database.ts';
import type { OfflineMessages } from './offline-messages.ts';
import { WriteBatches } from './write-batches.ts';

type Operation = (...args: readonly unknown[]) => unknown;

/** What is in a file. */
export interface FileContents {
  readonly archive: Archive;
  /** Left out: there are none in it. */
  readonly offline?: OfflineMessages;
  /** What it does, beside its archive, batches of writes and `ping`. */
  readonly operations: object;
}

/**
 * One SQLite file, written by the thread that owns this: its operations and its transactions. Some of its tables know in memory what they have written; when a transaction is undone they are
 * told to forget it, whichever file they are in.
 */
export class FileDriver implements StoreDriver {
  readonly #db: Sqlite;
  readonly #archive: Archive;
  readonly #offline: OfflineMessages | undefined;
  readonly #batches: WriteBatches;
  readonly #operations: ReadonlyMap<string, Operation>;

  constructor(db: Sqlite, { archive, offline, operations }: FileContents) {
    this.#db = db;
    this.#archive = archive;
    this.#offline = offline;
    this.#batches = new WriteBatches(db, (operation, args) => this.#runAny(operation, args));
    const all = { ...operations, ...archive.operations(), ...this.#batches.operations(), ping: () => null };
    this.#operations = new Map(Object.entries(all) as [string, Operation][]);
  }

  run<O extends StoreOperation>(operation: O, args: StoreArgs<O>): StoreResult<O> {
    const mark = this.#offline?.mark ?? 0;
    try {
      return this.#runAny(operation, args) as StoreResult<O>;
    } catch (cause) {
      // It may have undone everything before it, too.
      this.#undo(this.isOpen ? mark : 0);
      throw cause;
    }
  }

  #runAny(operation: string, args: readonly unknown[]): unknown {
    const run = this.#operations.get(operation);
    if (run === undefined) throw new RangeError(`there is no operation ${operation}`);
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
      this.#offline?.committed();
    } catch (cause) {
      this.#rollBack();
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
      this.#rollBack();
      throw cause;
    }
    this.commit();
  }

  #rollBack(): void {
    this.#undo(0);
    if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
  }

  /** Nothing is known of the tables any more: a transaction was undone, or may have been, since `mark` of the offline messages. */
  #undo(mark: number): void {
    this.#offline?.undo(mark);
    this.#archive.forget();
    this.#batches.forget();
  }

  close(): void {
    this.#db.close();
  }
}
