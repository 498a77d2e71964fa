import type { PrivacyOperations, StoredPrivacyItem, StoredPrivacyList } from '../operations/privacy.ts';
import type { StoreArgs, StoreResult } from '../operations.ts';
import {
  block,
  defaultList,
  type PrivacyShelf,
  removeList,
  setDefault,
  setList,
  unblock,
} from '../privacy-shelf.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';

interface Row {
  readonly name: string;
  readonly items: string;
}

/** Privacy lists in their tables. */
export class PrivacyLists {
  readonly #get;
  readonly #put;
  readonly #delete;
  readonly #all;
  readonly #count;
  readonly #getDefault;
  readonly #setDefault;
  readonly #deleteDefault;
  readonly #removals;

  constructor(db: Sqlite) {
    this.#get = db.prepare<[string, string, string], Row>(
      'SELECT name, items FROM privacy_list WHERE server = ? AND username = ? AND name = ?',
    );
    this.#put = db.prepare<[string, string, string, string]>(
      'INSERT OR REPLACE INTO privacy_list (server, username, name, items) VALUES (?, ?, ?, ?)',
    );
    this.#delete = db.prepare<[string, string, string]>(
      'DELETE FROM privacy_list WHERE server = ? AND username = ? AND name = ?',
    );
    this.#all = db.prepare<[string, string], Row>(
      'SELECT name, items FROM privacy_list WHERE server = ? AND username = ? ORDER BY name',
    );
    this.#count = db.prepare<[string, string], { count: number }>(
      'SELECT count(*) AS count FROM privacy_list WHERE server = ? AND username = ?',
    );
    this.#getDefault = db.prepare<[string, string], { name: string }>(
      'SELECT name FROM privacy_default_list WHERE server = ? AND username = ?',
    );
    this.#setDefault = db.prepare<[string, string, string]>(
      'INSERT OR REPLACE INTO privacy_default_list (server, username, name) VALUES (?, ?, ?)',
    );
    this.#deleteDefault = db.prepare<[string, string]>(
      'DELETE FROM privacy_default_list WHERE server = ? AND username = ?',
    );
    this.#removals = {
      user: db.prepare<[string, string]>('DELETE FROM privacy_list WHERE server = ? AND username = ?'),
      domain: db.prepare<[string]>('DELETE FROM privacy_list WHERE server = ?'),
      domainDefaults: db.prepare<[string]>('DELETE FROM privacy_default_list WHERE server = ?'),
    };
  }

  /** What the store offers of this. */
  operations(): OperationTable<PrivacyOperations> {
    return {
      privacy_names: (domain, username) => this.names(domain, username),
      privacy_list: (...args) => this.list(...args),
      privacy_set: (domain, username, list, listsMax) =>
        setList(this.#shelf(domain, username), list, listsMax),
      privacy_remove: (domain, username, name) => removeList(this.#shelf(domain, username), name),
      privacy_set_default: (domain, username, name) => setDefault(this.#shelf(domain, username), name),
      privacy_block: (domain, username, jids, itemsMax, listsMax) =>
        block(this.#shelf(domain, username), jids, itemsMax, listsMax),
      privacy_unblock: (domain, username, jids) => unblock(this.#shelf(domain, username), jids),
      privacy_export: (domain, username) => ({
        lists: this.#all.all(domain, username).map(listOf),
        default: this.#getDefault.get(domain, username)?.name ?? null,
      }),
      privacy_remove_user: (domain, username) => {
        this.#deleteDefault.run(domain, username);
        return this.#removals.user.run(domain, username).changes;
      },
      privacy_remove_domain: (domain) => {
        this.#removals.domainDefaults.run(domain);
        return this.#removals.domain.run(domain).changes;
      },
    };
  }

  names(...[domain, username]: StoreArgs<'privacy_names'>): StoreResult<'privacy_names'> {
    return {
      names: this.#all.all(domain, username).map(({ name }) => name),
      default: this.#getDefault.get(domain, username)?.name ?? null,
    };
  }

  list(...[domain, username, name]: StoreArgs<'privacy_list'>): StoreResult<'privacy_list'> {
    const shelf = this.#shelf(domain, username);
    return (name === null ? defaultList(shelf) : shelf.get(name)) ?? null;
  }

  #shelf(domain: string, username: string): PrivacyShelf {
    const [get, put, remove, count] = [this.#get, this.#put, this.#delete, this.#count];
    const [getDefault, set, reset] = [this.#getDefault, this.#setDefault, this.#deleteDefault];
    return {
      get: (name) => {
        const row = get.get(domain, username, name);
        return row === undefined ? undefined : listOf(row);
      },
      put: ({ name, items }) => put.run(domain, username, name, JSON.stringify(items)),
      delete: (name) => remove.run(domain, username, name).changes === 1,
      count: () => count.get(domain, username)!.count,
      get default() {
        return getDefault.get(domain, username)?.name;
      },
      set default(name) {
        if (name === undefined) reset.run(domain, username);
        else set.run(domain, username, name);
      },
    };
  }
}

function listOf({ name, items }: Row): StoredPrivacyList {
  return { name, items: JSON.parse(items) as StoredPrivacyItem[] };
}
