import type { ArchiveRecord } from '../operations/archive.ts';
import { ArchiveSide } from '../operations/archive.ts';
import type { Removed } from '../removed.ts';
import { archiveId, originHash } from './archive-ids.ts';
import { type ArchiveJids, bareOf, partsOf, resourceOf } from './archive-jids.ts';
import type { ArchiveOwners } from './archive-owners.ts';
import type { ArchiveSearch } from './archive-search.ts';
import type { Sqlite } from './database.ts';

type Insert = [
  micros: number,
  shard: number,
  sender: number,
  recipient: number,
  sent: number | null,
  received: number | null,
  isGroupchat: number,
  isSearchable: number,
  originHash: number | null,
  senderResource: string | null,
  recipientResource: string | null,
  originId: string | null,
  packet: Uint8Array,
];

/** Archiving messages. */
export class ArchiveAppend {
  readonly #db: Sqlite;
  readonly #jids: ArchiveJids;
  readonly #owners: ArchiveOwners;
  readonly #search: ArchiveSearch;
  readonly #removed: Removed;
  readonly #purge: (owner: number) => void;
  readonly #insert;

  /** `purge` deletes what is hidden of an owner's archive. */
  constructor(
    db: Sqlite,
    jids: ArchiveJids,
    owners: ArchiveOwners,
    search: ArchiveSearch,
    removed: Removed,
    purge: (owner: number) => void,
  ) {
    this.#db = db;
    this.#jids = jids;
    this.#owners = owners;
    this.#search = search;
    this.#removed = removed;
    this.#purge = purge;
    // The id is put together by SQLite: numbers are bound as doubles, which cannot hold it. What comes again adds an archive.
    this.#insert = db.prepare<Insert>(
      `INSERT INTO mam_message (id, sender, recipient, sent, received, is_groupchat, is_searchable,
         origin_hash, sender_resource, recipient_resource, origin_id, packet)
       VALUES ((? << 8) | ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET sent = coalesce(sent, excluded.sent),
         received = coalesce(received, excluded.received)
       WHERE sender = excluded.sender AND recipient = excluded.recipient`,
    );
  }

  /** See `archive_append`. */
  append(records: readonly ArchiveRecord[]): null {
    const searchable: number[] = [];
    try {
      for (const record of records) this.#one(record, searchable);
      if (searchable.length > 0) this.#search.enqueue(searchable);
    } catch (cause) {
      // All or none. A savepoint would copy each page before it is changed, in case.
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw cause;
    }
    return null;
  }

  #one(record: ArchiveRecord, searchable: number[]): void {
    const { micros, shard, from, to, originId } = record;
    const senderBare = bareOf(from);
    const recipientBare = bareOf(to);
    const sides = this.#sidesLeft(record, senderBare, recipientBare);
    if (sides === 0) return;
    const sender = this.#jids.number(senderBare);
    const recipient = senderBare === recipientBare ? sender : this.#jids.number(recipientBare);
    const sent = (sides & ArchiveSide.SENDER) === 0 ? null : sender;
    const received = (sides & ArchiveSide.RECIPIENT) === 0 ? null : recipient;
    if (this.#owners.hidden.size > 0) this.#unhide(archiveId(micros, shard), sent, received);
    const isSearchable = record.isSearchable === true ? 1 : 0;
    this.#insert.run(
      micros,
      shard,
      sender,
      recipient,
      sent,
      received,
      record.isGroupchat ? 1 : 0,
      isSearchable,
      originId === null ? null : originHash(originId),
      resourceOf(from),
      resourceOf(to),
      originId,
      record.packet,
    );
    if (isSearchable === 1) searchable.push(micros, shard);
  }

  /** A message to oneself is one that was sent. Whose account was removed after it was sent has no archive for it. */
  #sidesLeft({ sides, micros }: ArchiveRecord, sender: string, recipient: string): number {
    let left = sender === recipient && sides !== 0 ? ArchiveSide.SENDER : sides;
    if (this.#removed.isEmpty) return left;
    if (this.#removed.covers(...partsOf(sender), micros)) left &= ~ArchiveSide.SENDER;
    if (this.#removed.covers(...partsOf(recipient), micros)) left &= ~ArchiveSide.RECIPIENT;
    return left;
  }

  /** An account of a name that was removed gets old messages (they were imported): what is hidden must be gone before. */
  #unhide(id: bigint, ...owners: (number | null)[]): void {
    for (const owner of owners) {
      if (owner === null) continue;
      const upTo = this.#owners.hidden.get(owner);
      if (upTo !== undefined && id <= upTo) this.#purge(owner);
    }
  }
}
