/**
 * Archives of users' messages (XEP-0313). A message is one row, which its sender's archive and its recipient's share: each side has a bit. What one side
 * removes stays for the other; the row goes when no side has it.
 *
 * The id of a message has 64 bits: microseconds since the epoch above eight bits of the shard that made it (`xmpp/stable-id.ts`). Owners and peers are bare JIDs
 * in prepared form.
 */

/** Whose archives have a message. */
export const ArchiveSide = { SENDER: 1, RECIPIENT: 2 } as const;

/** A message to be archived. Repeated with the same id, it adds to the sides that have it already. */
export interface ArchiveRecord {
  readonly micros: number;
  readonly shard: number;
  /** Bits of {@link ArchiveSide}. */
  readonly sides: number;
  /** Full JIDs. A message to oneself has the sender's side alone. */
  readonly from: string;
  readonly to: string;
  /** The stanza without addresses. */
  readonly packet: Uint8Array;
  /** What its sender called it (`<origin-id/>`), for retractions. */
  readonly originId: string | null;
  readonly isGroupchat: boolean;
  /** Whether the words of its bodies can be searched for: indexing them costs more than the rest. Left out: no. */
  readonly isSearchable?: boolean | undefined;
}

/** An archived message. */
export interface ArchivedMessage {
  readonly id: bigint;
  readonly from: string;
  readonly to: string;
  readonly packet: Buffer;
}

/** Which messages of an archive are meant. What is not said may be left out or undefined (which arrives as null: `archive-query.ts`). */
export interface ArchiveFilter {
  readonly owner: string;
  /** Ids between which they lie, themselves excluded, or included. */
  readonly afterId?: bigint | undefined;
  readonly beforeId?: bigint | undefined;
  readonly fromId?: bigint | undefined;
  readonly toId?: bigint | undefined;
  /** Times, included; microseconds since the epoch. */
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  /**
   * Messages after this time (microseconds since the epoch) are left out: others of their time may still come. Unless there are some of a minute later, or more: then
   * clocks have been set back, and nobody can tell.
   */
  readonly until?: number | undefined;
  /** The other side of the conversation: any of its resources, or exactly one. */
  readonly with?: { readonly bare: string; readonly resource?: string | undefined } | undefined;
  /** Words that all occur in the body, as `util/search-words.ts` makes them from a text (they are made so once more). Empty: no such condition. */
  readonly words?: readonly string[] | undefined;
  /** Group chats are left out if false. */
  readonly includeGroupchat: boolean;
}

export interface ArchivePageQuery extends ArchiveFilter {
  /** Of the messages meant, the page lies behind this one, or ends before it (neither: it starts with the first, or ends with the last). */
  readonly pageAfter?: bigint | undefined;
  readonly pageBefore?: bigint | undefined;
  /** The page is the last `limit` of what lies before, rather than the first of what lies behind. */
  readonly isBackward: boolean;
  /** Position of the first message, among all that are meant, instead of `pageAfter`. */
  readonly index?: number | undefined;
  readonly limit: number;
  /** Whether `total` and `offset` are wanted: they cost a look at each index entry. */
  readonly isCounted: boolean;
}

export interface ArchivedPage {
  /** Oldest first. */
  readonly messages: readonly ArchivedMessage[];
  /** How many are meant in all, and how many of them come before the first of the page (null if there is none on it, or it was not asked for). */
  readonly total: number | null;
  readonly offset: number | null;
  /** Whether there is more in the direction of the page. */
  readonly hasMore: boolean;
  /**
   * `unknown`: the archive lacks a message of `pageAfter`, `pageBefore`, `afterId` or `beforeId` (XEP-0313 §4.1.4, §4.3: item-not-found). `fromId` and `toId` may be any.
   */
  readonly anchor: 'known' | 'unknown';
}

/** How its owner wants a message retracted (XEP-0424): the newest one of his to the peer that has this id. */
export interface ArchiveRetraction {
  readonly from: string;
  readonly to: string;
  /** `origin_id`: what the sender called it; `stanza_id`: its id here. */
  readonly by: 'origin_id' | 'stanza_id';
  readonly id: string;
}

export type ArchiveMode = 'always' | 'never' | 'roster';

/** Preferences (XEP-0441): JIDs bare or full. */
export interface StoredArchivePrefs {
  readonly defaultMode: ArchiveMode;
  readonly always: readonly string[];
  readonly never: readonly string[];
}

/** How far work in steps has come. */
export interface ArchiveSweep {
  /** Messages that left an archive. */
  readonly removed: number;
  /** For the next step; null: everything is done. A step may remove nothing and still not be the last. */
  readonly cursor: string | null;
}

export interface ArchiveOperations {
  /** Archives messages, in this order: all or none. */
  archive_append: { args: [records: readonly ArchiveRecord[]]; result: null };
  archive_page: { args: [query: ArchivePageQuery]; result: ArchivedPage };
  /** The messages of these ids, as far as the archive has them, in the order of time. */
  archive_get: { args: [owner: string, ids: readonly bigint[]]; result: readonly ArchivedMessage[] };
  /** Id of the oldest and of the newest message. */
  archive_range: { args: [owner: string]; result: { first: bigint; last: bigint } | null };
  archive_size: { args: [owner: string]; result: number };
  /** The message that a retraction means, as both sides have it. */
  archive_find_retracted: { args: [retraction: ArchiveRetraction]; result: ArchivedMessage | null };
  /** Puts something else in place of a message, for both sides; nobody finds its words any more. False if it is gone. */
  archive_replace: { args: [id: bigint, packet: Uint8Array]; result: boolean };
  archive_get_prefs: { args: [owner: string]; result: StoredArchivePrefs | null };
  archive_set_prefs: { args: [owner: string, prefs: StoredArchivePrefs]; result: null };
  /** Messages sent before this moment to an account that was removed must not be archived for whoever has its name next. Preferences go, too. */
  archive_remove_user: { args: [owner: string]; result: null };
  /** All archives of a domain's users, and their preferences, in steps of at most about `limit` messages. `cursor`: empty for the first step, then what the last one gave. */
  archive_remove_domain: { args: [domain: string, limit: number, cursor: string]; result: ArchiveSweep };
  /** Retention: messages older than this time leave the archives of a domain's users. In steps, too: `limit` messages are looked at, the oldest first. */
  archive_remove_before: {
    args: [domain: string, micros: number, limit: number, cursor: string];
    result: ArchiveSweep;
  };
  /** Retention: users keep their newest `keep` messages. In steps, too. */
  archive_trim: {
    args: [domain: string, keep: number, limit: number, cursor: string];
    result: ArchiveSweep;
  };
  /** For exports: messages behind an id, oldest first; no more than `limit`, and {@link ARCHIVE_EXPORT_BYTES} of them. There are more until the answer is empty. */
  archive_export: {
    args: [owner: string, afterId: bigint, limit: number];
    result: readonly ArchivedMessage[];
  };
}

/** What an answer of `archive_export` holds of messages, if it is more than one: it has to go through a ring. */
export const ARCHIVE_EXPORT_BYTES = 1_048_576;

export const ARCHIVE_READS = [
  'archive_page',
  'archive_get',
  'archive_range',
  'archive_size',
  'archive_find_retracted',
  'archive_get_prefs',
  'archive_export',
] as const satisfies readonly (keyof ArchiveOperations)[];
