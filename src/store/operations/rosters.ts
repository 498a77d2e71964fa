import type { SubscriptionState, SubscriptionType } from '../../xmpp/subscription.ts';

/** A contact as it is stored. */
export interface StoredContact extends SubscriptionState {
  /** Bare JID. */
  readonly jid: string;
  readonly name: string;
  readonly groups: readonly string[];
  /** The text of a request that the user has not answered. */
  readonly askMessage: string;
  /** Further children of the item, serialised. */
  readonly extra: string;
  /** False for somebody of whom there is only a request: the user's clients do not see the item (RFC 6121 A.1). */
  readonly isListed: boolean;
}

/** A change that the user's clients are told of. */
export interface StoredChange {
  /** The roster's version after the change, and before it: they rise with every change. */
  readonly version: number;
  readonly previous: number;
  readonly before: StoredContact | null;
  /** Null when the contact was removed. */
  readonly after: StoredContact | null;
  /** The whole roster after the change, if that was asked for. */
  readonly roster: readonly StoredContact[] | null;
}

/** How many contacts a roster may have, and how many requests of others may wait in it. */
export interface RosterLimits {
  readonly contacts: number;
  readonly requests: number;
}

/** A contact as a client sets it. The name stays as it is when it is null. */
export interface ContactDetails {
  readonly jid: string;
  readonly name: string | null;
  readonly groups: readonly string[];
  readonly extra: string;
}

/** A stanza about a subscription, as one side's roster sees it. */
export interface SubscriptionStep {
  /** Bare JID of the contact. */
  readonly jid: string;
  readonly direction: 'in' | 'out';
  readonly type: SubscriptionType;
  /** The text of a request. */
  readonly message: string;
}

/** What a stanza about a subscription has led to. */
export interface SubscriptionResult {
  readonly isPassedOn: boolean;
  readonly reply: 'subscribed' | 'unsubscribed' | null;
  /** Null when the user's clients are told nothing. */
  readonly change: StoredChange | null;
}

/** What came of a contact from elsewhere; `change` where clients see it. */
export interface RosterImport {
  readonly outcome: 'taken' | 'known' | 'differs' | 'full';
  readonly change: StoredChange | null;
}

/** What presence needs of a roster: bare JIDs, one a line, by how they stand with the user. */
export interface StoredLists {
  readonly version: number;
  readonly both: string;
  readonly from: string;
  readonly to: string;
  /** Requests that the user has not answered. */
  readonly requests: readonly (readonly [jid: string, message: string])[];
}

/**
 * Rosters (RFC 6121 §2, §3). Every change is one operation that reads, computes and writes: so changes of one roster follow one another, whichever
 * shards they come from. `wantsRoster` asks for the whole roster as it is after the change.
 */
export interface RosterOperations {
  /** All contacts, those included whom clients do not see. */
  roster_get: {
    args: [domain: string, username: string];
    result: { version: number; contacts: StoredContact[] };
  };
  roster_contact: { args: [domain: string, username: string, jid: string]; result: StoredContact | null };
  roster_lists: { args: [domain: string, username: string]; result: StoredLists };
  /** Adds or changes a contact. `full` when there is no room for another one. */
  roster_set: {
    args: [
      domain: string,
      username: string,
      details: ContactDetails,
      limits: RosterLimits,
      now: number,
      wantsRoster: boolean,
    ];
    result: StoredChange | 'full';
  };
  /** Removes a contact that clients see. Null when there is none. */
  roster_remove: {
    args: [domain: string, username: string, jid: string, now: number, wantsRoster: boolean];
    result: StoredChange | null;
  };
  roster_subscription: {
    args: [
      domain: string,
      username: string,
      step: SubscriptionStep,
      limits: RosterLimits,
      now: number,
      wantsRoster: boolean,
    ];
    result: SubscriptionResult | 'full';
  };
  /**
   * Takes contacts as another server had them. What is there stays: a contact that is there gets at most a request added (`ask` `in`), and one that has only
   * asked so far becomes one. The answers are in the order of the contacts.
   */
  roster_import: {
    args: [
      domain: string,
      username: string,
      contacts: readonly StoredContact[],
      limits: RosterLimits,
      now: number,
    ];
    result: RosterImport[];
  };
  /** Removes a whole roster, and returns who was in it. */
  roster_remove_user: { args: [domain: string, username: string]; result: StoredContact[] };
  roster_remove_domain: { args: [domain: string]; result: number };
}

/** Those that write nothing. */
export const ROSTER_READS = [
  'roster_get',
  'roster_contact',
  'roster_lists',
] as const satisfies readonly (keyof RosterOperations)[];
