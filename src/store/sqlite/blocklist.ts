import type { BlocklistEntry, BlocklistOperations } from '../operations/blocklist.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';

/** Users who may not log in. */
export class Blocklist {
  readonly #get;
  readonly #set;
  readonly #remove;
  readonly #count;
  readonly #list;
  readonly #removeDomain;

  constructor(db: Sqlite) {
    this.#get = db.prepare<[string, string], { reason: string }>(
      'SELECT reason FROM blocklist WHERE lserver = ? AND luser = ?',
    );
    this.#set = db.prepare<[string, string, string]>(
      'INSERT OR REPLACE INTO blocklist (lserver, luser, reason) VALUES (?, ?, ?)',
    );
    this.#remove = db.prepare<[string, string]>('DELETE FROM blocklist WHERE lserver = ? AND luser = ?');
    this.#count = db.prepare<[string], { count: number }>(
      'SELECT count(*) AS count FROM blocklist WHERE lserver = ?',
    );
    this.#list = db.prepare<[string, number, number], BlocklistEntry>(
      'SELECT luser AS username, reason FROM blocklist WHERE lserver = ? ORDER BY luser LIMIT ? OFFSET ?',
    );
    this.#removeDomain = db.prepare<[string]>('DELETE FROM blocklist WHERE lserver = ?');
  }

  /** What the store offers of this. */
  operations(): OperationTable<BlocklistOperations> {
    return {
      blocklist_get: (domain, username) => this.#get.get(domain, username)?.reason ?? null,
      blocklist_set: (domain, username, reason) => {
        this.#set.run(domain, username, reason);
        return null;
      },
      blocklist_remove: (domain, username) => this.#remove.run(domain, username).changes === 1,
      blocklist_count: (domain) => this.#count.get(domain)!.count,
      blocklist_list: (domain, index, limit) => this.#list.all(domain, limit, index),
      blocklist_remove_domain: (domain) => this.#removeDomain.run(domain).changes,
    };
  }
}
