import type { LastActivity, LastOperations } from '../operations/last.ts';
import type { StoreArgs } from '../operations.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';

/** Last activity of accounts (XEP-0012). */
export class LastActivities {
  readonly #get;
  readonly #set;
  readonly #replace;
  readonly #list;
  readonly #removeUser;
  readonly #removeDomain;

  constructor(db: Sqlite) {
    this.#get = db.prepare<[string, string], LastActivity>(
      'SELECT timestamp, status FROM last WHERE server = ? AND username = ?',
    );
    this.#set = db.prepare<[string, string, number, string]>(
      `INSERT INTO last (server, username, timestamp, status) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET timestamp = excluded.timestamp, status = excluded.status
       WHERE excluded.timestamp >= timestamp`,
    );
    this.#replace = db.prepare<[string, string, number, string]>(
      'INSERT OR REPLACE INTO last (server, username, timestamp, status) VALUES (?, ?, ?, ?)',
    );
    this.#list = db.prepare<[string, string, number], { username: string; timestamp: number }>(
      'SELECT username, timestamp FROM last WHERE server = ? AND username > ? ORDER BY username LIMIT ?',
    );
    this.#removeUser = db.prepare<[string, string]>('DELETE FROM last WHERE server = ? AND username = ?');
    this.#removeDomain = db.prepare<[string]>('DELETE FROM last WHERE server = ?');
  }

  /** What the store offers of this. */
  operations(): OperationTable<LastOperations> {
    return {
      last_get: (domain, username) => this.#get.get(domain, username) ?? null,
      last_set: (...args) => this.set(...args),
      last_replace: (...entry) => {
        this.#replace.run(...entry);
        return null;
      },
      last_list: (...range) =>
        this.#list.all(...range).map(({ username, timestamp }) => [username, timestamp]),
      last_remove_user: (domain, username) => this.#removeUser.run(domain, username).changes,
      last_remove_domain: (domain) => this.#removeDomain.run(domain).changes,
    };
  }

  set(...[entries]: StoreArgs<'last_set'>): null {
    for (const entry of entries) this.#set.run(...entry);
    return null;
  }
}
