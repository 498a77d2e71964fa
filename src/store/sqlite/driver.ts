import type { StoreArgs, StoreDriver, StoreOperation, StoreResult } from '../operations.ts';
import { Accounts } from './accounts.ts';
import { Archive } from './archive.ts';
import { AuthTokens } from './auth-tokens.ts';
import { Blocklist } from './blocklist.ts';
import { type Durability, openDatabase, type Sqlite } from './database.ts';
import { FastTokens } from './fast-tokens.ts';
import { LastActivities } from './last-activity.ts';
import { ModuleValues } from './module-values.ts';
import { OfflineMessages } from './offline-messages.ts';
import { PrivacyLists } from './privacy-lists.ts';
import { PrivateStorage } from './private-storage.ts';
import { Rosters } from './rosters.ts';
import { Vcards } from './vcards.ts';

type Table = { [O in StoreOperation]: (...args: StoreArgs<O>) => StoreResult<O> };

/** The embedded store: one SQLite file, written by the thread that owns this. */
export class SqliteDriver implements StoreDriver {
  readonly #db: Sqlite;
  readonly #archive: Archive;
  readonly #offline: OfflineMessages;
  readonly #operations: Table;

  constructor(directory: string, durability: Durability) {
    const db = openDatabase(directory, durability);
    const accounts = new Accounts(db);
    const offline = new OfflineMessages(db);
    const archive = new Archive(db);
    const authTokens = new AuthTokens(db);
    const fastTokens = new FastTokens(db);
    const values = new ModuleValues(db);
    this.#db = db;
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
      release_shard: (shard) => offline.claims.releaseShard(shard),
      ping: () => null,
    };
  }

  run<O extends StoreOperation>(operation: O, args: StoreArgs<O>): StoreResult<O> {
    const run = this.#operations[operation] as ((...args: StoreArgs<O>) => StoreResult<O>) | undefined;
    if (run === undefined) throw new RangeError(`there is no operation ${operation}`);
    try {
      return run(...args);
    } catch (cause) {
      this.#forget();
      throw cause;
    }
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
      this.#forget();
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
      this.#forget();
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw cause;
    }
    this.commit();
  }

  /** Nothing is known of the tables any more: a transaction was undone, or may have been. */
  #forget(): void {
    this.#offline.forgetTotals();
    this.#archive.forget();
  }

  close(): void {
    this.#db.close();
  }
}
