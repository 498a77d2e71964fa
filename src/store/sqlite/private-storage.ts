import type { PrivateOperations } from '../operations/private.ts';
import type { StoreArgs, StoreResult } from '../operations.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';

interface Row {
  namespace: string;
  data: string;
}

/** Private XML storage (XEP-0049). */
export class PrivateStorage {
  readonly #get;
  readonly #set;
  readonly #list;
  readonly #others;
  readonly #removeUser;
  readonly #removeDomain;

  constructor(db: Sqlite) {
    this.#get = db.prepare<[string, string, string], Row>(
      'SELECT namespace, data FROM private_storage WHERE server = ? AND username = ? AND namespace = ?',
    );
    this.#set = db.prepare<[string, string, string, string]>(
      'INSERT OR REPLACE INTO private_storage (server, username, namespace, data) VALUES (?, ?, ?, ?)',
    );
    this.#list = db.prepare<[string, string], Row>(
      'SELECT namespace, data FROM private_storage WHERE server = ? AND username = ? ORDER BY namespace',
    );
    // What stays beside the namespaces that are to be replaced.
    this.#others = db.prepare<[string, string, string], { count: number; bytes: number }>(
      `SELECT count(*) AS count, total(octet_length(namespace) + octet_length(data)) AS bytes FROM private_storage
       WHERE server = ? AND username = ? AND namespace NOT IN (SELECT value FROM json_each(?))`,
    );
    this.#removeUser = db.prepare<[string, string]>(
      'DELETE FROM private_storage WHERE server = ? AND username = ?',
    );
    this.#removeDomain = db.prepare<[string]>('DELETE FROM private_storage WHERE server = ?');
  }

  /** What the store offers of this. */
  operations(): OperationTable<PrivateOperations> {
    return {
      private_get: (...args) => this.get(...args),
      private_set: (...args) => this.set(...args),
      private_list: (...args) => this.list(...args),
      private_remove_user: (domain, username) => this.#removeUser.run(domain, username).changes,
      private_remove_domain: (domain) => this.#removeDomain.run(domain).changes,
    };
  }

  get(...[domain, username, namespaces]: StoreArgs<'private_get'>): StoreResult<'private_get'> {
    const rows = namespaces.map((namespace) => this.#get.get(domain, username, namespace));
    return rows.filter((row) => row !== undefined).map(entryOf);
  }

  set(
    ...[domain, username, entries, namespacesMax, bytesMax]: StoreArgs<'private_set'>
  ): StoreResult<'private_set'> {
    const names = JSON.stringify(entries.map(([namespace]) => namespace));
    const { count, bytes } = this.#others.get(domain, username, names)!;
    if (count + entries.length > namespacesMax) return 'full';
    const more = entries.reduce(
      (sum, texts) => sum + Buffer.byteLength(texts[0]) + Buffer.byteLength(texts[1]),
      0,
    );
    if (bytes + more > bytesMax) return 'full';
    for (const [namespace, xml] of entries) this.#set.run(domain, username, namespace, xml);
    return 'stored';
  }

  list(...[domain, username]: StoreArgs<'private_list'>): StoreResult<'private_list'> {
    return this.#list.all(domain, username).map(entryOf);
  }
}

function entryOf({ namespace, data }: Row): [string, string] {
  return [namespace, data];
}
