import { SEARCH_TERMS_MAX, SEARCH_WORDS_MAX } from '../../limits.ts';
import { searchWords } from '../../util/search-words.ts';
import { bodyText } from '../body-text.ts';
import type { ArchiveIndexing } from './archive-indexing.ts';
import type { Sqlite } from './database.ts';
import { MessageQueue } from './message-queue.ts';

/** Between the number of an owner and a word: a character that is in no word, and that the tokenizer takes for a letter. */
const OF = '·';
/** Messages whose words are indexed in one go. */
const STEP = 128;

type Row = [sent: number | null, received: number | null, packet: Buffer];

/**
 * Which messages have which words (`mam_search`). A word is indexed once for each archive that has the message, together with the number of the owner: so a search for
 * a word that everybody uses looks at the owner's messages only. Indexing is put off until the store has little else to do; what is not indexed yet is
 * found in another way (`archive-unindexed.ts`).
 */
export class ArchiveSearch {
  readonly #indexing: ArchiveIndexing;
  readonly #queue: MessageQueue;
  readonly #queueMax: number;
  readonly #row;
  readonly #insert;
  readonly #delete;

  constructor(db: Sqlite, indexing: ArchiveIndexing, queueMax: number) {
    this.#queueMax = queueMax;
    this.#indexing = indexing;
    this.#queue = new MessageQueue(db, 'mam_search_queue');
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

  get hasWork(): boolean {
    return this.#queue.waiting > 0;
  }

  /** Messages that were archived: pairs of microseconds and shard. */
  enqueue(messages: readonly number[]): void {
    this.#queue.add(messages);
    while (this.#queue.waiting > this.#queueMax) this.index(STEP);
  }

  /** Indexes the words of about so many messages, those that wait for longest. */
  index(messages = STEP): void {
    // Whose words they are is told by the indexes.
    this.#indexing.flush();
    for (let done = 0; done < messages; ) {
      const ids = this.#queue.take();
      if (ids === undefined) return;
      for (const id of ids) this.#indexOne(id);
      done += ids.length;
    }
  }

  /** Nobody is to find this message any more. */
  remove(id: bigint): void {
    this.#delete.run(id);
  }

  /** No message before this id waits for being indexed; undefined if none waits at all. */
  get firstWaiting(): bigint | undefined {
    return this.hasWork ? this.#queue.first() : undefined;
  }

  /** A transaction was undone. */
  forget(): void {
    this.#queue.forget();
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

/** Words as searches have them. */
export function termsOf(words: readonly string[]): string[] {
  return searchWords(words.join(' '), SEARCH_TERMS_MAX);
}

/** The words as FTS5 wants them, for the messages of one owner. */
export function matchOf(owner: number, terms: readonly string[]): string {
  return terms.map((word) => `"${owner}${OF}${word.replaceAll('"', '""')}"`).join(' AND ');
}

/** The different words of a message's bodies. */
export function wordsOf(packet: Buffer): string[] {
  try {
    return searchWords(bodyText(packet), SEARCH_WORDS_MAX);
  } catch {
    // An archive must not stand still because of one message that cannot be read.
    return [];
  }
}
