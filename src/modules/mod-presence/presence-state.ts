import { type Jid, Stanza } from '../module.ts';

const TYPES: ReadonlySet<string | undefined> = new Set([
  undefined,
  'available',
  'unavailable',
  'error',
  'probe',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
]);

/** Whether a presence type is one of RFC 6121 §4.7.1; `available` is taken for none. */
export function isKnownType(type: string | undefined): boolean {
  return TYPES.has(type);
}

/** More than this are not remembered as told, and so not told when the session ends. */
const TOLD_MAX = 5_000;

const NOBODY: ReadonlySet<string> = new Set();

/** What a session remembers of its presence. Kept small: every online user has one. */
export class PresenceState {
  /** Bare JIDs of contacts that see our presence, and of those whose presence we see. */
  #from: ReadonlySet<string> = NOBODY;
  #to: ReadonlySet<string> = NOBODY;
  /** Everybody else who was told that we are available: contacts, and receivers of directed presence. Own resources are always told. */
  #told: Map<string, Jid> | undefined = undefined;
  /** The last available presence, in one character a byte; undefined while unavailable. */
  #last: string | undefined = undefined;
  timestamp = 0;
  priority: number | undefined = undefined;

  get isAvailable(): boolean {
    return this.#last !== undefined;
  }

  becomeAvailable(
    stanza: Stanza,
    timestamp: number,
    priority: number,
    from: readonly Jid[],
    to: readonly Jid[],
  ): void {
    this.#last = stanza.toText();
    this.timestamp = timestamp;
    this.priority = priority;
    this.#from = bareSet(from);
    this.#to = bareSet(to);
  }

  becomeUnavailable(): void {
    this.#last = undefined;
    this.priority = undefined;
    this.#told = undefined;
  }

  /** The last available presence. */
  last(): Stanza {
    return Stanza.fromText(this.#last!);
  }

  isSeenBy(bare: string): boolean {
    return this.#from.has(bare);
  }

  sees(bare: string): boolean {
    return this.#to.has(bare);
  }

  told(jid: Jid): void {
    this.#told ??= new Map();
    if (this.#told.size < TOLD_MAX) this.#told.set(jid.full, jid);
  }

  forget(jid: Jid): void {
    this.#told?.delete(jid.full);
  }

  wasTold(jid: Jid): boolean {
    return this.#told !== undefined && (this.#told.has(jid.full) || this.#told.has(jid.bare));
  }

  /** Everybody told but the own resources. The list is the caller's. */
  toldJids(): Jid[] {
    return this.#told === undefined ? [] : [...this.#told.values()];
  }

  contactChanged(contact: Jid, seesUs: boolean, isSeen: boolean): void {
    this.#from = withOrWithout(this.#from, contact.bare, seesUs);
    this.#to = withOrWithout(this.#to, contact.bare, isSeen);
  }
}

function bareSet(jids: readonly Jid[]): ReadonlySet<string> {
  return jids.length === 0 ? NOBODY : new Set(jids.map((jid) => jid.bare));
}

function withOrWithout(set: ReadonlySet<string>, bare: string, isIn: boolean): ReadonlySet<string> {
  if (set.has(bare) === isIn) return set;
  const changed = new Set(set);
  if (isIn) changed.add(bare);
  else changed.delete(bare);
  return changed;
}
