import {
  VCARD_FIELDS,
  type VcardCondition,
  type VcardField,
  type VcardOperations,
} from '../operations/vcard.ts';
import type { StoreArgs, StoreResult } from '../operations.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';

type Row = { username: string; shown: string } & Record<`l${VcardField}`, string>;

const COLUMNS = VCARD_FIELDS.map((field) => `l${field}`);

/** No text goes beyond its prefix followed by this: it is no character, and nobody's text has it. */
const LAST_CHARACTER = '\u{10ffff}';

/** vCards (XEP-0054), and the search over them (XEP-0055). */
export class Vcards {
  readonly #get;
  readonly #set;
  readonly #setSearch;
  /** For each field the accounts with a text in a range: the text itself, or all that begin with it. */
  readonly #find = new Map<VcardCondition['field'], ReturnType<typeof rangeOf>>();
  readonly #removals;

  constructor(db: Sqlite) {
    this.#get = db.prepare<[string, string], { vcard: string }>(
      'SELECT vcard FROM vcard WHERE server = ? AND username = ?',
    );
    this.#set = db.prepare<[string, string, string, number]>(
      'INSERT OR REPLACE INTO vcard (server, username, vcard, created_at) VALUES (?, ?, ?, ?)',
    );
    this.#setSearch = db.prepare<string[]>(
      `INSERT OR REPLACE INTO vcard_search (server, username, shown, ${COLUMNS.join(', ')})
       VALUES (?, ?, ?, ${COLUMNS.map(() => '?').join(', ')})`,
    );
    for (const field of VCARD_FIELDS) this.#find.set(field, rangeOf(db, `l${field}`));
    this.#find.set('user', rangeOf(db, 'username'));
    this.#removals = ['vcard', 'vcard_search'].map((table) => ({
      user: db.prepare<[string, string]>(`DELETE FROM ${table} WHERE server = ? AND username = ?`),
      domain: db.prepare<[string]>(`DELETE FROM ${table} WHERE server = ?`),
    }));
  }

  /** What the store offers of this. */
  operations(): OperationTable<VcardOperations> {
    return {
      vcard_get: (domain, username) => this.#get.get(domain, username)?.vcard ?? null,
      vcard_set: (...args) => this.set(...args),
      vcard_search: (...args) => this.search(...args),
      vcard_remove_user: (domain, username) =>
        Math.max(...this.#removals.map(({ user }) => user.run(domain, username).changes)),
      vcard_remove_domain: (name) =>
        Math.max(...this.#removals.map(({ domain }) => domain.run(name).changes)),
    };
  }

  set(...[domain, username, xml, folded, shown, now]: StoreArgs<'vcard_set'>): null {
    this.#set.run(domain, username, xml, now);
    this.#setSearch.run(domain, username, JSON.stringify(shown), ...folded);
    return null;
  }

  /**
   * One condition is looked up, the one that promises fewest; the others are checked on what it finds. So a search has a bound, whatever the
   * conditions are: the store does nothing else meanwhile.
   */
  search(
    ...[domain, conditions, limit, looksMax, bytesMax]: StoreArgs<'vcard_search'>
  ): StoreResult<'vcard_search'> {
    const [first, ...others] = conditions.toSorted(
      (a, b) => Number(a.isPrefix) - Number(b.isPrefix) || b.value.length - a.value.length,
    );
    if (first === undefined) return [];
    const found: { username: string; shown: string[] }[] = [];
    let [looks, bytes] = [0, 0];
    const { field, value, isPrefix } = first;
    const end = isPrefix ? value + LAST_CHARACTER : value;
    for (const row of this.#find.get(field)!.iterate(domain, value, end)) {
      if (++looks > looksMax || found.length === limit) break;
      if (!others.every((condition) => meets(row, condition))) continue;
      bytes += row.shown.length;
      if (bytes > bytesMax) break;
      found.push({ username: row.username, shown: JSON.parse(row.shown) as string[] });
    }
    return found.sort((a, b) => (a.username < b.username ? -1 : 1));
  }
}

function rangeOf(db: Sqlite, column: string) {
  return db.prepare<[string, string, string], Row>(
    `SELECT username, shown, ${COLUMNS.join(', ')} FROM vcard_search
     WHERE server = ? AND ${column} >= ? AND ${column} <= ? AND ${column} <> ''`,
  );
}

function meets(row: Row, { field, value, isPrefix }: VcardCondition): boolean {
  const text = field === 'user' ? row.username : row[`l${field}`];
  return text !== '' && (isPrefix ? text.startsWith(value) : text === value);
}
