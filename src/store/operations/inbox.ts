/** What a user may change of a conversation, and what others of his clients are told of. */
export interface InboxProperties {
  /** `inbox`, `archive`, `bin`, or a name of the configuration. */
  readonly box: string;
  /** Microseconds since the epoch; 0: not muted. */
  readonly mutedUntil: number;
  readonly unread: number;
}

/** A conversation of a user, with its last message. */
export interface StoredConversation extends InboxProperties {
  /** The other side: a bare JID. */
  readonly peer: string;
  /** The id that the message's sender gave it; empty if none. */
  readonly msgId: string;
  /** The message with its addresses, as one can forward it. */
  readonly content: Uint8Array;
  readonly timestamp: number;
}

/**
 * What happens to one conversation of one user:
 * - `message`: there is a newer message. `isRead`: the user has read all before it; `incoming`: how many he has not.
 * - `read`: everything is read, if the last message is `msgId`, or none that is younger than `until`. It may come before the message that it is about.
 * - `remove`: it is gone.
 */
export type InboxChange =
  | readonly [
      kind: 'message',
      domain: string,
      username: string,
      peer: string,
      timestamp: number,
      msgId: string,
      content: Uint8Array,
      isRead: boolean,
      incoming: number,
    ]
  | readonly [
      kind: 'read',
      domain: string,
      username: string,
      peer: string,
      timestamp: number,
      msgId: string,
      until: number,
    ]
  | readonly [kind: 'remove', domain: string, username: string, peer: string, timestamp: number];

/** A conversation that a message has brought back into the inbox. */
export interface ReturnedConversation extends InboxProperties {
  readonly domain: string;
  readonly username: string;
  readonly peer: string;
}

/** A place in an inbox: conversations are in the order of their times, and at the same time of their JIDs. */
export type InboxPlace = readonly [timestamp: number, peer: string];

/** Which conversations are wanted. */
export interface InboxQuery {
  /** Between these places, which are excluded themselves. */
  readonly above: InboxPlace;
  readonly below: InboxPlace;
  /** Null: all but the bin. */
  readonly box: string | null;
  readonly isUnreadOnly: boolean;
  readonly isAscending: boolean;
  readonly limit: number;
  /** No more messages once they have so many bytes together. */
  readonly bytesMax: number;
}

/** Inboxes: for each user the conversations, each with its last message and how many are unread. */
export interface InboxOperations {
  /** Makes changes in their order. Asked for twice, they count twice: whoever does not know whether they are done asks in batches (`writes.ts`). */
  inbox_write: { args: [changes: readonly InboxChange[]]; result: ReturnedConversation[] };
  inbox_page: {
    args: [domain: string, username: string, query: InboxQuery];
    result: { readonly conversations: StoredConversation[]; readonly hasMore: boolean };
  };
  inbox_get: { args: [domain: string, username: string, peer: string]; result: StoredConversation | null };
  /** Changes what is not null. `isRead` false: one message counts as unread, if none does. Null when there is no such conversation. */
  inbox_set: {
    args: [
      domain: string,
      username: string,
      peer: string,
      box: string | null,
      mutedUntil: number | null,
      isRead: boolean | null,
    ];
    result: InboxProperties | null;
  };
  /** Deletes what a user has in the bin with a last message before this time; or (null) all of a domain, then at most `limit` at a time. Returns how many. */
  inbox_empty_bin: {
    args: [domain: string, username: string | null, before: number, limit: number];
    result: number;
  };
  inbox_remove_user: { args: [domain: string, username: string]; result: number };
  /** Deletes at most `limit`. Returns how many. */
  inbox_remove_domain: { args: [domain: string, limit: number]; result: number };
}

/** Those that write nothing. */
export const INBOX_READS = ['inbox_page', 'inbox_get'] as const satisfies readonly (keyof InboxOperations)[];

/** Conversations of one user. With more, those with the oldest messages go. */
export const CONVERSATIONS_MAX = 10_000;
