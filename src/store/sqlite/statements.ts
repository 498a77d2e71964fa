import type { Statement } from 'better-sqlite3';
import type { Sqlite } from './database.ts';

/** Statements whose text is put together from a few pieces, prepared when they are first needed. No text holds a value. */
export class Statements {
  readonly #db: Sqlite;
  readonly #values = new Map<string, Statement>();
  readonly #rows = new Map<string, Statement>();

  constructor(db: Sqlite) {
    this.#db = db;
  }

  /** A statement that gives one column, integers as bigint. */
  values<Parameters extends unknown[], Value>(sql: string): Statement<Parameters, Value> {
    let known = this.#values.get(sql);
    if (known === undefined) {
      known = this.#db.prepare(sql).safeIntegers(true).pluck(true);
      this.#values.set(sql, known);
    }
    return known as Statement<Parameters, Value>;
  }

  /** A statement that gives rows as arrays, integers as bigint. */
  rows<Parameters extends unknown[], Row>(sql: string): Statement<Parameters, Row> {
    let known = this.#rows.get(sql);
    if (known === undefined) {
      known = this.#db.prepare(sql).safeIntegers(true).raw(true);
      this.#rows.set(sql, known);
    }
    return known as Statement<Parameters, Row>;
  }
}
