import { archiveId } from './archive-ids.ts';
import type { Sqlite } from './database.ts';

const BYTES_EACH = 2 * Float64Array.BYTES_PER_ELEMENT;

interface Batch {
  readonly id: number;
  readonly messages: Buffer;
}

/** Archived messages that something has still to be done for, in a table: a row for those that were archived together. */
export class MessageQueue {
  readonly #insert;
  readonly #first;
  readonly #oldest;
  readonly #all;
  readonly #bytes;
  readonly #delete;
  readonly #clear;
  /** How many messages wait. Undefined: not counted yet. */
  #waiting: number | undefined;

  /** `table` has a number, the lowest id and the messages of a batch: `id`, `first`, `messages`. */
  constructor(db: Sqlite, table: 'mam_index_queue' | 'mam_search_queue') {
    this.#insert = db.prepare<[bigint, Uint8Array]>(`INSERT INTO ${table} (first, messages) VALUES (?, ?)`);
    this.#first = db
      .prepare<[], bigint | null>(`SELECT min(first) FROM ${table}`)
      .safeIntegers(true)
      .pluck(true);
    this.#oldest = db.prepare<[], Batch>(`SELECT id, messages FROM ${table} ORDER BY id LIMIT 1`);
    this.#all = db.prepare<[], Buffer>(`SELECT messages FROM ${table} ORDER BY id`).pluck(true);
    this.#bytes = db.prepare<[], number>(`SELECT total(length(messages)) FROM ${table}`).pluck(true);
    this.#delete = db.prepare<[number]>(`DELETE FROM ${table} WHERE id = ?`);
    this.#clear = db.prepare<[]>(`DELETE FROM ${table}`);
  }

  get waiting(): number {
    this.#waiting ??= this.#bytes.get()! / BYTES_EACH;
    return this.#waiting;
  }

  /** Adds messages: pairs of microseconds and shard. */
  add(messages: readonly number[]): void {
    const before = this.waiting;
    this.#insert.run(firstOf(messages), new Uint8Array(Float64Array.from(messages).buffer));
    this.#waiting = before + messages.length / 2;
  }

  /** Takes those that were added first, or undefined when there are none. */
  take(): bigint[] | undefined {
    const batch = this.#oldest.get();
    if (batch === undefined) return undefined;
    const before = this.waiting;
    this.#delete.run(batch.id);
    const ids = idsOf(batch.messages);
    this.#waiting = before - ids.length;
    return ids;
  }

  /** The lowest id of all that wait. */
  first(): bigint | undefined {
    return this.#first.get() ?? undefined;
  }

  /** All that wait, in the order they came. */
  list(): bigint[] {
    return this.#all.all().flatMap(idsOf);
  }

  clear(): void {
    this.#clear.run();
    this.#waiting = 0;
  }

  /** A transaction was undone. */
  forget(): void {
    this.#waiting = undefined;
  }
}

function firstOf(messages: readonly number[]): bigint {
  let at = 0;
  for (let i = 2; i < messages.length; i += 2) if (messages[i]! < messages[at]!) at = i;
  // Whatever the shard.
  return archiveId(messages[at]!, 0);
}

function idsOf(messages: Buffer): bigint[] {
  const ids: bigint[] = [];
  for (let at = 0; at + BYTES_EACH <= messages.length; at += BYTES_EACH) {
    ids.push(archiveId(messages.readDoubleLE(at), messages.readDoubleLE(at + 8)));
  }
  return ids;
}
