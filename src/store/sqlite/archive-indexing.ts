import { ARCHIVE_INDEX_QUEUE_MAX } from '../../limits.ts';
import type { ArchiveCounts } from './archive-counts.ts';
import type { Sqlite } from './database.ts';
import { MessageQueue } from './message-queue.ts';

/**
 * Puts new messages into the indexes of their owners and conversations, many at a time. Every entry goes to another place of an index, and a place costs the same for
 * one entry and for ten: with a thousand users, archiving takes half as long as it does if each transaction of 64 messages does it for its own. Whoever reads has it
 * done before.
 */
export class ArchiveIndexing {
  readonly #db: Sqlite;
  readonly #counts: ArchiveCounts;
  readonly #queue: MessageQueue;
  readonly #index;
  readonly #participants;
  /** Who takes part in messages that wait. Undefined: not known. */
  #waiting: Set<number> | undefined;

  constructor(db: Sqlite, counts: ArchiveCounts) {
    this.#counts = counts;
    this.#db = db;
    this.#queue = new MessageQueue(db, 'mam_index_queue');
    this.#index = db.prepare<[string]>(
      `UPDATE mam_message SET sent = CASE WHEN pending & 1 THEN sender ELSE sent END,
         received = CASE WHEN pending & 2 THEN recipient ELSE received END, pending = NULL
       WHERE id IN (SELECT value FROM json_each(?)) AND pending IS NOT NULL`,
    );
    this.#participants = db
      .prepare<[string], [sender: number, recipient: number]>(
        `SELECT sender, recipient FROM mam_message
         WHERE id IN (SELECT value FROM json_each(?)) AND pending IS NOT NULL`,
      )
      .raw(true);
  }

  get hasWork(): boolean {
    return this.#queue.waiting > 0;
  }

  /** Messages (pairs of microseconds and shard) between these users were archived. */
  add(messages: readonly number[], participants: readonly number[]): void {
    const waiting = this.#participantsWaiting();
    this.#queue.add(messages);
    for (const participant of participants) waiting.add(participant);
    if (this.#queue.waiting > ARCHIVE_INDEX_QUEUE_MAX) this.flush();
  }

  /** Before a user's archive is read. */
  ensure(user: number): void {
    if (!this.hasWork || !this.#participantsWaiting().has(user)) return;
    // Reading writes nothing by itself: there may be no transaction yet.
    if (this.#db.inTransaction) this.flush();
    else this.#db.transaction(() => this.flush()).immediate();
  }

  /** Indexes all that waits. */
  flush(): void {
    if (!this.hasWork) return;
    this.#index.run(jsonOf(this.#queue.list()));
    this.#counts.added(this.#queue.first()!);
    this.#queue.clear();
    this.#waiting = undefined;
  }

  /** A transaction was undone. */
  forget(): void {
    this.#queue.forget();
    this.#counts.clear();
    this.#waiting = undefined;
  }

  #participantsWaiting(): Set<number> {
    if (this.#waiting === undefined) {
      this.#waiting = new Set();
      if (this.hasWork) {
        for (const pair of this.#participants.iterate(jsonOf(this.#queue.list())))
          for (const participant of pair) this.#waiting.add(participant);
      }
    }
    return this.#waiting;
  }
}

function jsonOf(ids: readonly bigint[]): string {
  return `[${ids.join(',')}]`;
}
