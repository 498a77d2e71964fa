import type { StoreArgs, StoreDriver, StoreOperation, StoreResult } from '../operations.ts';
import { Accounts } from './accounts.ts';
import { type Durability, openDatabase, type Sqlite } from './database.ts';
import { ModuleValues } from './module-values.ts';
import { OfflineMessages } from './offline-messages.ts';

type Table = { [O in StoreOperation]: (...args: StoreArgs<O>) => StoreResult<O> };

/** The embedded store: one SQLite file, written by the thread that owns this. */
export class SqliteDriver implements StoreDriver {
  readonly #db: Sqlite;
  readonly #offline: OfflineMessages;
  readonly #operations: Table;

  constructor(directory: string, durability: Durability) {
    const db = openDatabase(directory, durability);
    const accounts = new Accounts(db);
    const offline = new OfflineMessages(db);
    const values = new ModuleValues(db);
    this.#db = db;
    this.#offline = offline;
    this.#operations = {
      account_get: (...args) => accounts.get(...args),
      account_insert: (...args) => accounts.insert(...args),
      account_update: (...args) => accounts.update(...args),
      account_remove: (...args) => accounts.remove(...args),
      account_remove_domain: (...args) => accounts.removeDomain(...args),
      account_exists: (...args) => accounts.exists(...args),
      account_list: (...args) => accounts.list(...args),
      account_count: (...args) => accounts.count(...args),
      offline_append: (...args) => offline.append(...args),
      offline_claim: (...args) => offline.claim(...args),
      offline_confirm: (...args) => offline.confirm(...args),
      offline_release: (...args) => offline.release(...args),
      offline_count: (...args) => offline.count(...args),
      offline_list: (...args) => offline.list(...args),
      offline_remove_user: (...args) => offline.removeUser(...args),
      offline_remove_domain: (...args) => offline.removeDomain(...args),
      offline_remove_expired: (...args) => offline.removeExpired(...args),
      value_get: (...args) => values.get(...args),
      value_set: (...args) => values.set(...args),
      value_delete: (...args) => values.delete(...args),
      value_list: (...args) => values.list(...args),
      value_remove_domain: (...args) => values.removeDomain(...args),
      value_remove_scope: (...args) => values.removeScope(...args),
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
      this.#offline.forgetTotals();
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
      this.#offline.forgetTotals();
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw cause;
    }
  }

  close(): void {
    this.#db.close();
  }
}
