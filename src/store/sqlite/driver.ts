import type { StoreArgs, StoreDriver, StoreOperation, StoreResult } from '../operations.ts';
import { Accounts } from './accounts.ts';
import { Archive } from './archive.ts';
import { AuthTokens } from './auth-tokens.ts';
import { Blocklist } from './blocklist.ts';
import { type Durability, openDatabase, type Sqlite } from './database.ts';
import { FastTokens } from './fast-tokens.ts';
import { Inboxes } from './inbox.ts';
import { LastActivities } from './last-activity.ts';
import { ModuleValues } from './module-values.ts';
import { OfflineMarkers } from './offline-markers.ts';
import { OfflineMessages } from './offline-messages.ts';
import { PrivacyLists } from './privacy-lists.ts';
import { PrivateStorage } from './private-storage.ts';
import { PushSubscriptions } from './push-subscriptions.ts';
import { Rosters } from './rosters.ts';
import { SmartMarkers } from './smart-markers.ts';
import { Vcards } from './vcards.ts';
import { WriteBatches } from './write-batches.ts';

type Table = { [O in StoreOperation]: (...args: StoreArgs<O>) => StoreResult<O> };

/** The embedded store: one SQLite file, written by the thread that owns this. */
export class SqliteDriver implements StoreDriver {
  readonly #db: Sqlite;
  readonly #archive: Archive;
  readonly #offline: OfflineMessages;
  readonly #batches: WriteBatches;
  readonly #operations: Table;

  constructor(directory: string, durability: Durability) {
    const db = openDatabase(directory, durability);
    const accounts = new Accounts(db);
    const offline = new OfflineMessages(db);
    const archive = new Archive(db);
    const authTokens = new AuthTokens(db);
    const fastTokens = new FastTokens(db);
    const values = new ModuleValues(db);
    const markers = new SmartMarkers(db);
    this.#db = db;
    this.#batches = new WriteBatches(db, (operation, args) => this.#runAny(operation, args));
    this.#archive = archive;
    this.#offline = offline;
    this.#operations = {
      ...accounts.operations(),
      ...archive.operations(),
      ...authTokens.operations(),
      ...fastTokens.operations(),
      ...offline.operations(),
      ...new Rosters(db).operations(),
      ...values.operations(),
      ...new LastActivities(db).operations(),
      ...new PrivateStorage(db).operations(),
      ...new Vcards(db).operations(),
      ...new PrivacyLists(db).operations(),
      ...new Blocklist(db).operations(),
      ...this.#batches.operations(),
      ...new Inboxes(db).operations(),
      ...markers.operations(),
      ...new OfflineMarkers(db, markers).operations(),
      ...new PushSubscriptions(db).operations(),
      release_shard: (...args) => offline.claims.releaseShard(...args),
      ping: () => null,
    };
  }

  run<O extends StoreOperation>(operation: O, args: StoreArgs<O>): StoreResult<O> {
    const offline = this.#offline;
    const { mark } = offline;
    try {
      return this.#runAny(operation, args) as StoreResult<O>;
    } catch (cause) {
      // It may have undone everything before it, too.
      this.#undo(this.isOpen ? mark : 0);
      throw cause;
    }
  }

  #runAny(operation: string, args: readonly unknown[]): unknown {
    const run = this.#operations[operation as StoreOperation] as
      | ((...args: readonly unknown[]) => unknown)
      | undefined;
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
      this.#offline.committed();
    } catch (cause) {
      this.#undo(0);
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
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
      this.#undo(0);
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw cause;
    }
    this.commit();
  }

  /** Nothing is known of the tables any more: a transaction was undone, or may have been, since `mark` of the offline messages. */
  #undo(mark: number): void {
    this.#offline.undo(mark);
    this.#archive.forget();
    this.#batches.forget();
  }

  close(): void {
    this.#db.close();
  }
}
