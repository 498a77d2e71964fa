import type { ArchiveRecord } from '../operations/archive.ts';
import { ArchiveSide } from '../operations/archive.ts';
import type { Removed } from '../removed.ts';
import { archiveId, originHash } from './archive-ids.ts';
import type { ArchiveIndexing } from './archive-indexing.ts';
import { type ArchiveJids, bareOf, partsOf, resourceOf } from './archive-jids.ts';
import type { ArchiveOwners } from './archive-owners.ts';
import type { ArchiveSearch } from './archive-search.ts';
import type { Sqlite } from './database.ts';

type Insert = [
  micros: number,
  shard: number,
  sender: number,
  recipient: number,
  pending: number,
  isGroupchat: number,
  isSearchable: number,
  originHash: number | null,
  senderResource: string | null,
  recipientResource: string | null,
  originId: string | null,
  packet: Uint8Array,
];

/** What was archived: messages as pairs of microseconds and shard. */
interface Batch {
  readonly messages: number[];
  readonly participants: number[];
  readonly searchable: number[];
}

/** Archiving messages. */
export class ArchiveAppend {
  readonly #db: Sqlite;
  readonly #jids: ArchiveJids;
  readonly #owners: ArchiveOwners;
  readonly #indexing: ArchiveIndexing;
  readonly #search: ArchiveSearch;
  readonly #removed: Removed;
  readonly #purge: (owner: number) => void;
  readonly #insert;

  /** `purge` deletes what is hidden of an owner's archive. */
  constructor(
    db: Sqlite,
    jids: ArchiveJids,
    owners: ArchiveOwners,
    indexing: ArchiveIndexing,
    search: ArchiveSearch,
    removed: Removed,
    purge: (owner: number) => void,
  ) {
    this.#db = db;
    this.#jids = jids;
    this.#owners = owners;
    this.#indexing = indexing;
    this.#search = search;
    this.#removed = removed;
    this.#purge = purge;
    // The id is put together by SQLite: numbers are bound as doubles, which cannot hold it. What comes again adds an archive.
    this.#insert = db.prepare<Insert>(
      `INSERT INTO mam_message (id, sender, recipient, pending, is_groupchat, is_searchable, origin_hash,
         sender_resource, recipient_resource, origin_id, packet)
       VALUES ((? << 8) | ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET pending = coalesce(pending, 0) | excluded.pending
       WHERE sender = excluded.sender AND recipient = excluded.recipient`,
    );
  }

  /** See `archive_append`. */
  append(records: readonly ArchiveRecord[]): null {
    const batch: Batch = { messages: [], participants: [], searchable: [] };
    try {
      for (const record of records) this.#one(record, batch);
      if (batch.messages.length > 0) this.#indexing.add(batch.messages, batch.participants);
      if (batch.searchable.length > 0) this.#search.enqueue(batch.searchable);
    } catch (cause) {
      // All or none. A savepoint would copy each page before it is changed, in case.
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw cause;
    }
    return null;
  }

  #one(record: ArchiveRecord, batch: Batch): void {
    const { micros, shard, from, to, originId } = record;
    const senderBare = bareOf(from);
    const recipientBare = bareOf(to);
    const sides = this.#sidesLeft(record, senderBare, recipientBare);
    if (sides === 0) return;
    const sender = this.#jids.number(senderBare);
    const recipient = senderBare === recipientBare ? sender : this.#jids.number(recipientBare);
    if (this.#owners.hidden.size > 0) {
      const id = archiveId(micros, shard);
      if ((sides & ArchiveSide.SENDER) !== 0) this.#unhide(id, sender);
      if ((sides & ArchiveSide.RECIPIENT) !== 0) this.#unhide(id, recipient);
    }
    const isSearchable = record.isSearchable === true ? 1 : 0;
    this.#insert.run(
      micros,
      shard,
      sender,
      recipient,
      sides,
      record.isGroupchat ? 1 : 0,
      isSearchable,
      originId === null ? null : originHash(originId),
      resourceOf(from),
      resourceOf(to),
      originId,
      record.packet,
    );
    batch.messages.push(micros, shard);
    batch.participants.push(sender, recipient);
    if (isSearchable === 1) batch.searchable.push(micros, shard);
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
  #unhide(id: bigint, owner: number): void {
    const upTo = this.#owners.hidden.get(owner);
    if (upTo !== undefined && id <= upTo) this.#purge(owner);
  }
}
