import { RETRACTION_SEARCH_MAX } from '../../limits.ts';
import { parseStableId } from '../../xmpp/stable-id.ts';
import type { ArchivedMessage, ArchiveRetraction } from '../operations/archive.ts';
import { originHash } from './archive-ids.ts';
import { type ArchiveJids, bareOf } from './archive-jids.ts';
import type { ArchiveRows } from './archive-rows.ts';
import type { ArchiveSearch } from './archive-search.ts';
import type { Sqlite } from './database.ts';

/** Messages that their senders take back (XEP-0424). */
export class ArchiveRetractions {
  readonly #jids: ArchiveJids;
  readonly #rows: ArchiveRows;
  readonly #search: ArchiveSearch;
  readonly #byOrigin;
  readonly #isExchanged;
  readonly #replace;

  constructor(db: Sqlite, jids: ArchiveJids, rows: ArchiveRows, search: ArchiveSearch) {
    this.#jids = jids;
    this.#rows = rows;
    this.#search = search;
    // The index tells which messages may be meant; only these are looked at.
    this.#byOrigin = db
      .prepare<[number, number, number, number, string], bigint>(
        `SELECT m.id FROM (
           SELECT id, origin_hash FROM mam_message INDEXED BY mam_conversation
           WHERE sender = ? AND recipient = ? ORDER BY id DESC LIMIT ?
         ) AS c CROSS JOIN mam_message AS m ON m.id = c.id
         WHERE c.origin_hash = ? AND m.origin_id = ? ORDER BY c.id DESC LIMIT 1`,
      )
      .safeIntegers(true)
      .pluck(true);
    this.#isExchanged = db
      .prepare<[bigint, number, number], number>(
        'SELECT 1 FROM mam_message WHERE id = ? AND sender = ? AND recipient = ?',
      )
      .pluck(true);
    this.#replace = db
      .prepare<[Uint8Array, bigint], bigint>(
        'UPDATE mam_message SET packet = ?, is_searchable = 0 WHERE id = ? RETURNING id',
      )
      .safeIntegers(true)
      .pluck(true);
  }

  /** See `archive_find_retracted`. */
  find({ from, to, by, id }: ArchiveRetraction): ArchivedMessage | null {
    const sender = this.#jids.find(bareOf(from));
    const recipient = this.#jids.find(bareOf(to));
    if (sender === undefined || recipient === undefined) return null;
    const found =
      by === 'origin_id'
        ? this.#byOrigin.get(sender, recipient, RETRACTION_SEARCH_MAX, originHash(id), id)
        : parseStableId(id);
    if (found === undefined || this.#isExchanged.get(found, sender, recipient) === undefined) return null;
    return this.#rows.get(found) ?? null;
  }

  /** See `archive_replace`. */
  replace(id: bigint, packet: Uint8Array): boolean {
    if (this.#replace.get(packet, id) === undefined) return false;
    this.#search.remove(id);
    return true;
  }
}
