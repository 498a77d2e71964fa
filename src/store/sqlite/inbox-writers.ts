import type { Sqlite } from './database.ts';

/** Writers that are remembered; each shard has a new one after each start. */
const WRITERS_MAX = 10_000;

/** Who has written what so far: so that a request that is tried again, because nobody knows whether it was done, is not done twice. */
export class InboxWriters {
  readonly #number;
  readonly #add;
  readonly #advance;
  readonly #forget;

  constructor(db: Sqlite) {
    this.#number = db.prepare<[string], { number: number }>('SELECT number FROM inbox_writer WHERE name = ?');
    this.#add = db.prepare<[string]>('INSERT INTO inbox_writer (name, number) VALUES (?, 1)');
    this.#advance = db.prepare<[number, string]>('UPDATE inbox_writer SET number = ? WHERE name = ?');
    this.#forget = db.prepare<[number | bigint]>('DELETE FROM inbox_writer WHERE id <= ?');
  }

  /** Whether the request was done before. If not, it counts as done with the transaction. Throws if its predecessor was not. */
  wasDone(writer: string, number: number): boolean {
    const last = this.#number.get(writer)?.number ?? 0;
    if (number <= last) return true;
    if (number > last + 1) throw new RangeError(`request ${number} came before ${last + 1}`);
    if (number > 1) this.#advance.run(number, writer);
    else this.#forget.run(Number(this.#add.run(writer).lastInsertRowid) - WRITERS_MAX);
    return false;
  }
}
