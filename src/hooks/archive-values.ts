import type { Jid } from '../xmpp/jid.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import type { Accumulator } from './accumulator.ts';
import type { HostType } from './host-type.ts';
import type { Failed } from './values.ts';

/**
 * Values of the hooks around archives, the inbox, pushes and rooms; `values.ts` has the others. Message ids have 64 bits,
 * more than a number holds.
 */

// Message archives (XEP-0313, XEP-0441, XEP-0424)

/** A message about to be archived in one archive. */
export interface ArchiveMessage {
  readonly messageId: bigint;
  readonly archiveId: number | undefined;
  /** Whose archive: the user, or the room. */
  readonly localJid: Jid;
  /** The other side. */
  readonly remoteJid: Jid;
  /** Who is shown as the sender. */
  readonly sourceJid: Jid;
  /** The id that the sender’s client chose (`<origin-id/>`). */
  readonly originId: string | undefined;
  readonly direction: 'incoming' | 'outgoing';
  readonly packet: Stanza;
  readonly isGroupchat: boolean;
  /** The number of the sender’s archive; rooms only. */
  readonly senderId: number | undefined;
}

export type ArchiveBehaviour = 'always' | 'never' | 'roster';

export interface ArchivePrefs {
  readonly defaultMode: ArchiveBehaviour;
  readonly always: readonly Jid[];
  readonly never: readonly Jid[];
}

/** Limits by message id: pages cannot leave them. */
export interface ArchiveBorders {
  readonly afterId: bigint | undefined;
  readonly beforeId: bigint | undefined;
  readonly fromId: bigint | undefined;
  readonly toId: bigint | undefined;
}

/** The part of a result that is wanted (XEP-0059). */
export interface PageRequest {
  readonly direction: 'after' | 'before' | undefined;
  /** The row that the page starts behind, or ends before. */
  readonly id: bigint | undefined;
  readonly index: number | undefined;
  readonly max: number | undefined;
}

export interface ArchiveQuery {
  readonly archiveId: number | undefined;
  readonly ownerJid: Jid;
  readonly borders: ArchiveBorders | undefined;
  readonly rsm: PageRequest | undefined;
  /** Times are microseconds since the epoch. */
  readonly startTs: number | undefined;
  readonly endTs: number | undefined;
  readonly now: number;
  readonly withJid: Jid | undefined;
  readonly searchText: string | undefined;
  readonly pageSize: number;
  /** Whether the client gave a limit itself. */
  readonly limitPassed: boolean;
  readonly maxResultLimit: number;
  /** Without total and offset. */
  readonly isSimple: boolean;
  readonly includeGroupchat: boolean;
  /** Set when exactly this message is wanted. */
  readonly messageId: bigint | undefined;
}

export interface ArchiveRow {
  readonly id: bigint;
  readonly sourceJid: Jid;
  /** With its addresses, in bytes of its own. */
  readonly packet: Stanza;
}

/** A page of an archive; `total` and `offset` are undefined for a simple query. */
export interface ArchivePage {
  readonly total: number | undefined;
  readonly offset: number | undefined;
  readonly rows: readonly ArchiveRow[];
  /** Whether there is more in the direction of the page; undefined if that follows from total and offset. */
  readonly hasMore?: boolean;
}

export type ArchiveResult = ArchivePage | Failed;

/** A message that is about to be replaced by its tombstone. */
export interface Retraction {
  /** How the sender named the message. */
  readonly retractOn: 'origin_id' | 'stanza_id';
  readonly id: string;
  readonly messageId: bigint;
  readonly originId: string | undefined;
  readonly packet: Stanza;
}

// Inbox, notifications

export interface InboxEntry {
  readonly msgId: string;
  /** The other side: a bare JID, or a room. */
  readonly remoteJid: Jid;
  readonly message: Stanza;
  readonly unreadCount: number;
  /** Microseconds since the epoch. */
  readonly timestamp: number;
  readonly archived: boolean;
  /** Microseconds since the epoch; 0 when not muted. */
  readonly mutedUntil: number;
  readonly box: string;
}

/** What the event pusher tells its receivers. */
export type PushedEvent =
  | { readonly kind: 'user_status'; readonly jid: Jid; readonly status: 'online' | 'offline' }
  | {
      readonly kind: 'chat';
      readonly type: 'chat' | 'groupchat' | 'headline' | 'normal';
      /** `in`: a client has sent it; `out`: it is about to be delivered. */
      readonly direction: 'in' | 'out';
      readonly from: Jid;
      readonly to: Jid;
      readonly packet: Stanza;
    }
  | { readonly kind: 'unack_msg'; readonly to: Jid };

export interface PushEventAcc {
  readonly acc: Accumulator;
  /** Notes of one receiver for those after it. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The fields of a data form: name and value. */
export type FlatForm = Readonly<Record<string, string>>;

// Rooms

export type MucRole = 'none' | 'visitor' | 'participant' | 'moderator';
export type MucAffiliation = 'outcast' | 'none' | 'member' | 'admin' | 'owner';
export type MucLightAffiliation = 'none' | 'member' | 'owner';

export interface RoomUser {
  readonly jid: Jid;
  readonly affiliation: MucAffiliation | MucLightAffiliation;
}

/** Who belongs to a room; `version` changes with the list (MUC Light only). */
export interface RoomAffiliations {
  readonly users: readonly RoomUser[];
  readonly version: string | undefined;
}

/** A message to everybody in a room, for the inboxes of those who belong to it. */
export interface MucInboxUpdate {
  readonly hostType: HostType | undefined;
  readonly roomJid: Jid;
  readonly fromJid: Jid;
  /** The sender as the room shows him: `room/nick`. */
  readonly fromRoomJid: Jid;
  readonly packet: Stanza;
  /** By bare JID. */
  readonly affiliations: ReadonlyMap<string, MucAffiliation>;
}
