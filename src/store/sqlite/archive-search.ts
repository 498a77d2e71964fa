import { SEARCH_QUEUE_MAX, SEARCH_TERMS_MAX, SEARCH_WORDS_MAX } from '../../limits.ts';
import { searchWords } from '../../util/search-words.ts';
import { bodyText } from '../body-text.ts';
import { archiveId } from './archive-ids.ts';
import type { Sqlite } from './database.ts';

/** Between the number of an owner and a word: a character that is in no word, and that the tokenizer takes for a letter. */
const OF = '·';
/** Messages whose words are indexed in one go. */
const STEP = 512;

interface Queued {
  readonly id: number;
  readonly messages: Buffer;
}

type Row = [sent: number | null, received: number | null, packet: Buffer];

/**
 * Which messages have which words (`mam_search`). A word is indexed once for each archive that has the message, together with the number of the owner: so a search for
 * a word that everybody uses looks at the owner's messages only. Indexing is put off until the store has nothing else to do, or must (a search, a long queue).
 */
export class ArchiveSearch {
  readonly #db: Sqlite;
  readonly #enqueue;
  readonly #queued;
  readonly #queuedBytes;
  readonly #dequeue;
  readonly #row;
  readonly #insert;
  readonly #delete;
  /** Messages in the queue. Undefined: not counted yet. */
  #waiting: number | undefined;

  constructor(db: Sqlite) {
    this.#db = db;
    this.#enqueue = db.prepare<[Uint8Array]>('INSERT INTO mam_search_queue (messages) VALUES (?)');
    this.#queued = db.prepare<[], Queued>('SELECT id, messages FROM mam_search_queue ORDER BY id LIMIT 1');
    this.#queuedBytes = db
      .prepare<[], number>('SELECT total(length(messages)) FROM mam_search_queue')
      .pluck(true);
    this.#dequeue = db.prepare<[number]>('DELETE FROM mam_search_queue WHERE id = ?');
    this.#row = db
      .prepare<[bigint], Row>(
        'SELECT sent, received, packet FROM mam_message WHERE id = ? AND is_searchable = 1',
      )
      .raw(true);
    // A message may come again, for another archive.
    this.#insert = db.prepare<[bigint, string]>(
      'INSERT OR REPLACE INTO mam_search (rowid, words) VALUES (?, ?)',
    );
    this.#delete = db.prepare<[bigint]>('DELETE FROM mam_search WHERE rowid = ?');
  }

  /** Messages whose words are still to be indexed. */
  get waiting(): number {
    this.#waiting ??= this.#queuedBytes.get()! / BYTES_EACH;
    return this.#waiting;
  }

  /** Messages that were archived: pairs of microseconds and shard. */
  enqueue(messages: readonly number[]): void {
    this.#enqueue.run(new Uint8Array(Float64Array.from(messages).buffer));
    this.#waiting = this.waiting + messages.length / 2;
    while (this.waiting > SEARCH_QUEUE_MAX) this.index(STEP);
  }

  /** Indexes the words of about so many messages, those that wait for longest. */
  index(messages = STEP): void {
    for (let done = 0; done < messages; ) {
      const queued = this.#queued.get();
      if (queued === undefined) {
        this.#waiting = 0;
        return;
      }
      const ids = idsOf(queued.messages);
      for (const id of ids) this.#indexOne(id);
      this.#dequeue.run(queued.id);
      this.#waiting = Math.max(0, this.waiting - ids.length);
      done += ids.length;
    }
  }

  /** Nobody is to find this message any more. */
  remove(id: bigint): void {
    this.#delete.run(id);
  }

  /** The words as FTS5 wants them, for the messages of one owner; undefined if there are none. Indexes what waits: what was archived can be found. */
  matching(owner: number, words: readonly string[]): string | undefined {
    const terms = searchWords(words.join(' '), SEARCH_TERMS_MAX);
    if (terms.length === 0) return undefined;
    if (this.waiting > 0) {
      // A search writes nothing by itself: there may be no transaction yet.
      if (this.#db.inTransaction) this.index(this.waiting);
      else this.#db.transaction(() => this.index(this.waiting)).immediate();
    }
    return terms.map((word) => `"${owner}${OF}${word.replaceAll('"', '""')}"`).join(' AND ');
  }

  /** A transaction was undone. */
  forget(): void {
    this.#waiting = undefined;
  }

  #indexOne(id: bigint): void {
    const row = this.#row.get(id);
    if (row === undefined) return;
    const [sent, received, packet] = row;
    const words = wordsOf(packet);
    if (words.length === 0) return;
    const terms: string[] = [];
    for (const owner of [sent, received]) {
      if (owner !== null) for (const word of words) terms.push(`${owner}${OF}${word}`);
    }
    this.#insert.run(id, terms.join(' '));
  }
}

const BYTES_EACH = 2 * Float64Array.BYTES_PER_ELEMENT;

function idsOf(messages: Buffer): bigint[] {
  const ids: bigint[] = [];
  for (let at = 0; at + BYTES_EACH <= messages.length; at += BYTES_EACH) {
    ids.push(archiveId(messages.readDoubleLE(at), messages.readDoubleLE(at + 8)));
  }
  return ids;
}

function wordsOf(packet: Buffer): string[] {
  try {
    return searchWords(bodyText(packet), SEARCH_WORDS_MAX);
  } catch {
    // An archive must not stand still because of one message that cannot be read.
    return [];
  }
}
