import { decodeValue, encodeValue } from '../../frame/value.ts';
import type { ValueOperations } from '../operations/values.ts';
import type { StoreArgs, StoreResult } from '../operations.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';

/** What modules keep for themselves. */
export class ModuleValues {
  readonly #get;
  readonly #set;
  readonly #delete;
  readonly #list;
  readonly #removeScope;
  readonly #removeDomain;

  constructor(db: Sqlite) {
    this.#get = db.prepare<[string, string, string], { value: Buffer }>(
      'SELECT value FROM module_value WHERE module = ? AND scope = ? AND key = ?',
    );
    this.#set = db.prepare<[string, string, string, Uint8Array]>(
      'INSERT OR REPLACE INTO module_value (module, scope, key, value) VALUES (?, ?, ?, ?)',
    );
    this.#delete = db.prepare<[string, string, string]>(
      'DELETE FROM module_value WHERE module = ? AND scope = ? AND key = ?',
    );
    this.#list = db.prepare<[string, string, string, number], { key: string; value: Buffer }>(
      'SELECT key, value FROM module_value WHERE module = ? AND scope = ? AND key > ? ORDER BY key LIMIT ?',
    );
    this.#removeScope = db.prepare<[string]>('DELETE FROM module_value WHERE scope = ?');
    // What follows the first @, or all of a scope without one: a domain, or the domain of a bare JID.
    this.#removeDomain = db.prepare<[string]>(
      "DELETE FROM module_value WHERE substr(scope, instr(scope, '@') + 1) = ?",
    );
  }

  /** What the store offers of this. */
  operations(): OperationTable<ValueOperations> {
    return {
      value_get: (...args) => this.get(...args),
      value_set: (...args) => this.set(...args),
      value_delete: (...args) => this.delete(...args),
      value_list: (...args) => this.list(...args),
      value_remove_domain: (...args) => this.removeDomain(...args),
      value_remove_scope: (...args) => this.removeScope(...args),
    };
  }

  get(...[module, scope, key]: StoreArgs<'value_get'>): unknown {
    const row = this.#get.get(module, scope, key);
    return row === undefined ? null : decodeValue(row.value);
  }

  set(...[module, scope, key, value]: StoreArgs<'value_set'>): null {
    this.#set.run(module, scope, key, encodeValue(value));
    return null;
  }

  delete(...[module, scope, key]: StoreArgs<'value_delete'>): boolean {
    return this.#delete.run(module, scope, key).changes === 1;
  }

  list(...[module, scope, after, limit]: StoreArgs<'value_list'>): StoreResult<'value_list'> {
    return this.#list
      .all(module, scope, after, limit)
      .map((row): [string, unknown] => [row.key, decodeValue(row.value)]);
  }

  removeDomain(domain: string): number {
    return this.#removeDomain.run(domain).changes;
  }

  removeScope(scope: string): number {
    return this.#removeScope.run(scope).changes;
  }
}
