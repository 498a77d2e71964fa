import type { Element } from '../xml/element.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import type { StanzaError } from '../xmpp/stanza-error.ts';
import type { Ask, Subscription } from '../xmpp/subscription.ts';
import type { Accumulator } from './accumulator.ts';
import type { HostType } from './host-type.ts';
import type { SessionId } from './session.ts';

/**
 * The values that hooks fold over, and the records among their parameters. All are read-only: a handler returns a changed
 * copy, so that a chain can go on with the old value when the handler fails.
 *
 * A whole stanza is a `Stanza`, whose tree is built only if somebody looks inside; a piece of XML is an `Element`.
 */

/** The accumulator of a hook that only announces something: there is no value to pass on. */
export type Nothing = undefined;

/** Something did not work; `error` is a short name of the cause. */
export interface Failed {
  readonly error: string;
  /** The same in words. */
  readonly text?: string;
}

export type Outcome = 'ok' | Failed;

export type Permission = 'allow' | 'deny';

/** Children of `<stream:features/>`, or of a feature that has features of its own. */
export type Features = readonly Element[];

// Sessions

export interface SessionRecord {
  readonly jid: Jid;
  readonly sid: SessionId;
}

/** How an event that is none of the session's own reached it. */
export type ForeignEventType = 'cast' | 'call' | 'timeout' | 'info';

/** What was cleaned up, by module; only for the log. */
export type CleanupReport = Readonly<Record<string, string>>;

/** How the deletion of a domain goes: the modules whose data could not be deleted. */
export interface DomainRemoval {
  readonly failed: readonly string[];
  /** What goes on behind the hook's back; whoever runs it waits for all of them. Each rejects if it fails, which its module has logged. */
  readonly rest?: readonly { readonly module: string; readonly done: Promise<void> }[];
}

/** A handler failed without saying so; the log has which. */
export const REMOVAL_FAILED: DomainRemoval = Object.freeze({
  failed: Object.freeze(['a handler that failed']),
});

// Service discovery (XEP-0030, XEP-0128)

/** A discovery request while it is being answered. `result` is undefined until somebody adds to it. */
export interface DiscoAcc<T> {
  readonly hostType: HostType | undefined;
  readonly from: Jid;
  readonly to: Jid;
  /** Empty when the request names none. */
  readonly node: string;
  readonly lang: string;
  readonly result: readonly T[] | undefined;
}

export interface Identity {
  readonly category: string;
  readonly type: string;
  readonly name?: string;
}

export interface DiscoItem {
  readonly jid: Jid;
  readonly node?: string;
  readonly name?: string;
}

/** Extended information of a service: becomes a data form with `ns` as its FORM_TYPE. */
export interface InfoForm {
  readonly ns: string;
  readonly fields: readonly InfoField[];
}

export interface InfoField {
  readonly name: string;
  readonly type?: string;
  readonly label?: string;
  readonly values: readonly string[];
}

/** The forms of one service while they are collected. */
export interface DiscoInfoAcc {
  readonly hostType: HostType | undefined;
  /** The module whose service is asked about. */
  readonly module: string;
  readonly node: string;
  readonly lang: string;
  readonly result: readonly InfoForm[] | undefined;
}

// Requests

/** An IQ of type get or set, as far as handlers need it. */
export interface IqInfo {
  readonly id: string;
  readonly type: 'get' | 'set';
  readonly payload: Element;
  readonly lang: string;
}

/** An ad-hoc command (XEP-0050). */
export interface AdhocRequest {
  readonly node: string;
  /** `execute`, `next`, `prev`, `complete`, `cancel`; empty when the request names none. */
  readonly action: string;
  readonly sessionId: string;
  readonly lang: string;
  /** The submitted data form, if there is one. */
  readonly form: Element | undefined;
}

/** The answer to a command: its `<command/>`, an error, or deliberately none. Undefined while nobody knows the command. */
export type AdhocAnswer = Element | StanzaError | 'ignore' | undefined;

// Rosters (RFC 6121 §2)

export type { Ask, Subscription, SubscriptionType } from '../xmpp/subscription.ts';

export interface RosterItem {
  readonly jid: Jid;
  readonly name: string;
  readonly subscription: Subscription | 'remove';
  /** Requests not yet answered: by the contact (`out`), by the user (`in`). */
  readonly ask: Ask;
  /** The user has granted the contact's next request in advance (RFC 6121 §3.4). */
  readonly isApproved: boolean;
  readonly groups: readonly string[];
  /** The text that came with a subscription request. */
  readonly askMessage: string;
  /** Further children that clients put into the item. */
  readonly extra: readonly Element[];
}

/** What a roster says about one contact. */
export interface ContactInfo {
  readonly subscription: Subscription;
  readonly groups: readonly string[];
}

/** What presence needs to know of a roster (key `roster/subscription_lists`). */
export interface SubscriptionLists {
  /** Contacts who see the user’s presence. */
  readonly from: readonly Jid[];
  /** Contacts whose presence the user sees. */
  readonly to: readonly Jid[];
  /** Subscription requests that the user has not answered. */
  readonly pending: readonly Stanza[];
  /**
   * The version of the roster that the lists are of. Then changes follow as events, each with the version before and after it, and the lists need
   * not be asked for again. Without it they are asked for at every presence.
   */
  readonly version?: number;
}

/** An offline message on its way to the user who came back (in the list under `offline/messages`). */
export interface OfflineRoute {
  /** The message, with its sender and the address it was sent to. */
  readonly acc: Accumulator;
  /** Called when the message has been routed. */
  readonly routed?: () => void;
}

// Privacy lists (XEP-0016, XEP-0191)

/** `block` is a denial that the sender is told about in the words of XEP-0191. */
export type PrivacyDecision = 'allow' | 'deny' | 'block';

export interface PrivacyItem {
  /** What `value` is; undefined for an item that matches everybody. */
  readonly type: 'jid' | 'group' | 'subscription' | undefined;
  readonly value: string;
  readonly action: PrivacyDecision;
  readonly order: number;
  readonly matchAll: boolean;
  readonly matchIq: boolean;
  readonly matchMessage: boolean;
  readonly matchPresenceIn: boolean;
  readonly matchPresenceOut: boolean;
}

export interface PrivacyList {
  readonly name: string;
  /** In the order of checking. */
  readonly items: readonly PrivacyItem[];
}

/** The list of somebody who has none: it allows everything. */
export const NO_PRIVACY_LIST: PrivacyList = Object.freeze({ name: 'none', items: Object.freeze([]) });

/** In place of a list that could not be read: nobody knows what it allows, so it denies everything. It is not remembered. */
export const UNKNOWN_PRIVACY_LIST: PrivacyList = Object.freeze({
  name: 'unknown',
  items: Object.freeze([
    Object.freeze({
      type: undefined,
      value: '',
      action: 'deny',
      order: 0,
      matchAll: true,
      matchIq: false,
      matchMessage: false,
      matchPresenceIn: false,
      matchPresenceOut: false,
    } as const),
  ]),
});

/**
 * What the privacy module tells a session’s other handlers (`foreign_event`, tag `mod_privacy`) after the list in force there has changed:
 * whoever was allowed to see its presence and is no longer gets unavailable presence. `before` is undefined when it is not known any more.
 */
export interface VisibilityChange {
  readonly visibility: {
    readonly before: PrivacyList | undefined;
    readonly after: PrivacyList;
    /** JIDs that the blocking command has given free: they see the presence again, as far as they may (XEP-0191 §3.4). */
    readonly shown: readonly string[];
    /** JIDs that it has blocked: also a single resource of a contact is told (XEP-0191 §3.3). */
    readonly hidden: readonly string[];
  };
}

/** The answer to a privacy IQ (key `hook/result`). */
export type PrivacyIqAnswer =
  | StanzaError
  | {
      readonly children: readonly Element[];
      /** Becomes the session’s active list. */
      readonly newActiveList?: PrivacyList;
    };

// Users

/** Which accounts count as existing: stored ones only, or those of anonymous sessions too. */
export type ExistenceRequest = 'stored' | 'with_anonymous';

/** One kind of data about a user, as it appears in an export. */
export interface PersonalData {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: readonly PersonalRow[];
  /** The table may be longer than what is good to be held at once: behind what the rows go on (`get_personal_data_page`). Null, or missing: these are all. */
  readonly next?: string | null;
  /** How many rows there are in all, if there are more than these. */
  readonly size?: number;
}

/** More rows of a table. */
export interface PersonalPage {
  readonly rows: readonly PersonalRow[];
  /** Behind what they go on; null: these were the last ones. */
  readonly next: string | null;
}

export type PersonalRow = readonly string[];

/** In place of an export: a handler failed, so that something would be missing in it. */
export const DATA_INCOMPLETE: readonly PersonalData[] = Object.freeze([]);
/** In place of a page of it, likewise. */
export const PAGE_INCOMPLETE: PersonalPage = Object.freeze({ rows: [], next: null });

export interface KeyId {
  readonly name: string;
  readonly hostType: string;
}

export interface SecretKey {
  readonly id: KeyId;
  readonly secret: Uint8Array;
}

/** Who a SASL exchange showed the client to be. */
export interface Credentials {
  readonly username: string;
  readonly authMethod: string;
  readonly mechanism: string;
  /** The authorization identity that the client asked for; undefined when it left that open. */
  readonly authzid: string | undefined;
}

// Advanced message processing (XEP-0079)

export interface AmpRule {
  /** `deliver`, `match-resource`, `expire-at`; or another one, which nobody may know. */
  readonly condition: string;
  readonly value: string;
  /** `notify`, `error`, `drop`, `alert`; or another one. */
  readonly action: string;
}

export type AmpEvent =
  | 'initial_check'
  | 'archived'
  | 'mam_failed'
  | 'offline_failed'
  | 'delivered'
  | 'delivery_failed';

/** What is expected to happen with a message; undefined parts are not known. */
export interface AmpStrategy {
  readonly deliver: readonly ('direct' | 'stored' | 'none')[] | undefined;
  readonly matchResource: 'any' | 'exact' | 'other' | undefined;
  readonly expireAt: string | undefined;
}

export type AmpMatch = 'match' | 'no_match' | 'undecided';

export type AmpSupport =
  | { readonly isSupported: true; readonly rule: AmpRule }
  | {
      readonly isSupported: false;
      readonly rule: AmpRule;
      readonly error: 'unsupported-actions' | 'unsupported-conditions';
    };
