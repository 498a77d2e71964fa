import type { AccountOperations } from '../operations/accounts.ts';
import type { StoreArgs, StoreResult } from '../operations.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';

/** Accounts: name and serialised SCRAM keys. */
export class Accounts {
  readonly #get;
  readonly #created;
  readonly #insert;
  readonly #update;
  readonly #remove;
  readonly #removeDomain;
  readonly #list;
  readonly #count;

  constructor(db: Sqlite) {
    this.#created = db
      .prepare<[string, string], number>('SELECT created_at FROM users WHERE server = ? AND username = ?')
      .pluck();
    this.#get = db.prepare<[string, string], { pass_details: string }>(
      'SELECT pass_details FROM users WHERE server = ? AND username = ?',
    );
    this.#insert = db.prepare<[string, string, string, number]>(
      'INSERT INTO users (server, username, pass_details, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#update = db.prepare<[string, string, string]>(
      'UPDATE users SET pass_details = ? WHERE server = ? AND username = ?',
    );
    this.#remove = db.prepare<[string, string]>('DELETE FROM users WHERE server = ? AND username = ?');
    this.#removeDomain = db.prepare<[string]>('DELETE FROM users WHERE server = ?');
    this.#list = db.prepare<[string, string, number, number], { username: string }>(
      'SELECT username FROM users WHERE server = ? AND username > ? AND created_at <= ? ORDER BY username LIMIT ?',
    );
    this.#count = db.prepare<[string], { count: number }>(
      'SELECT count(*) AS count FROM users WHERE server = ?',
    );
  }

  /** What the store offers of this. */
  operations(): OperationTable<AccountOperations> {
    return {
      account_get: (...args) => this.get(...args),
      account_created: (domain, username) => this.#created.get(domain, username) ?? null,
      account_insert: (...args) => this.insert(...args),
      account_update: (...args) => this.update(...args),
      account_remove: (...args) => this.remove(...args),
      account_remove_domain: (...args) => this.removeDomain(...args),
      account_exists: (...args) => this.exists(...args),
      account_list: (...args) => this.list(...args),
      account_count: (...args) => this.count(...args),
    };
  }

  get(...[domain, username]: StoreArgs<'account_get'>): StoreResult<'account_get'> {
    return this.#get.get(domain, username)?.pass_details ?? null;
  }

  exists(...[domain, username]: StoreArgs<'account_exists'>): boolean {
    return this.#get.get(domain, username) !== undefined;
  }

  insert(...[domain, username, details, now]: StoreArgs<'account_insert'>): StoreResult<'account_insert'> {
    return this.#insert.run(domain, username, details, now).changes === 1 ? 'ok' : 'exists';
  }

  update(...[domain, username, details]: StoreArgs<'account_update'>): boolean {
    return this.#update.run(details, domain, username).changes === 1;
  }

  remove(...[domain, username]: StoreArgs<'account_remove'>): boolean {
    return this.#remove.run(domain, username).changes === 1;
  }

  removeDomain(domain: string): number {
    return this.#removeDomain.run(domain).changes;
  }

  list(...[domain, after, limit, createdMax]: StoreArgs<'account_list'>): string[] {
    const until = createdMax ?? Number.MAX_SAFE_INTEGER;
    return this.#list.all(domain, after, until, limit).map((row) => row.username);
  }

  count(domain: string): number {
    return this.#count.get(domain)!.count;
  }
}
