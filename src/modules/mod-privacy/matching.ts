import type { ContactInfo, Jid, PrivacyDecision, PrivacyItem, PrivacyList } from '../module.ts';

/** The stanzas that an item can name (XEP-0016 §2.1); `other`: those that only an item for all stanzas matches. */
export type StanzaClass = 'message' | 'iq' | 'presence-in' | 'presence-out' | 'other';

/**
 * Which class a stanza is of, for a list's owner. Messages and requests are filtered by kind only when they come in. Subscriptions and probes are no
 * notifications of presence. Errors answer something that the owner was allowed to send: an item that names messages does not keep them away, one that
 * blocks the sender altogether does (XEP-0191 §3.3).
 */
export function classOf(name: string, type: string | undefined, dir: 'in' | 'out'): StanzaClass {
  if (name === 'presence') {
    const isNotification = type === undefined || type === 'available' || type === 'unavailable';
    return isNotification ? (dir === 'in' ? 'presence-in' : 'presence-out') : 'other';
  }
  if (dir === 'out') return 'other';
  if (name === 'iq') return 'iq';
  return name === 'message' && type !== 'error' ? 'message' : 'other';
}

/** A list in the form in which it is asked: items about a JID are found by it, however many there are. */
export class CompiledList {
  /** Whether the roster must be asked about the other side first. */
  readonly needsRoster: boolean;
  readonly #byJid = new Map<string, PrivacyItem[]>();
  /** The other items, in order. */
  readonly #others: PrivacyItem[] = [];

  constructor({ items }: PrivacyList) {
    for (const item of items) {
      if (item.type !== 'jid') this.#others.push(item);
      else {
        const same = this.#byJid.get(item.value);
        if (same === undefined) this.#byJid.set(item.value, [item]);
        else same.push(item);
      }
    }
    this.needsRoster = this.#others.some(({ type }) => type !== undefined);
  }

  /** What the first item that matches says; `allow` if none does. `contact` is what the roster says of the other side. */
  decide(kind: StanzaClass, peer: Jid, contact: ContactInfo | undefined): PrivacyDecision {
    let best: PrivacyItem | undefined;
    if (this.#byJid.size > 0) {
      best = this.#better(best, kind, peer.full);
      if (!peer.isBare) {
        best = this.#better(best, kind, peer.bare);
        if (peer.local !== '') best = this.#better(best, kind, `${peer.domain}/${peer.resource}`);
      }
      if (peer.local !== '') best = this.#better(best, kind, peer.domain);
    }
    for (const item of this.#others) {
      if (best !== undefined && best.order < item.order) break;
      if (isAbout(item, kind) && isOf(item, contact)) return item.action;
    }
    return best?.action ?? 'allow';
  }

  #better(best: PrivacyItem | undefined, kind: StanzaClass, jid: string): PrivacyItem | undefined {
    const item = this.#byJid.get(jid)?.find((one) => isAbout(one, kind));
    return item !== undefined && (best === undefined || item.order < best.order) ? item : best;
  }
}

function isAbout(item: PrivacyItem, kind: StanzaClass): boolean {
  if (item.matchAll) return true;
  switch (kind) {
    case 'message':
      return item.matchMessage;
    case 'iq':
      return item.matchIq;
    case 'presence-in':
      return item.matchPresenceIn;
    case 'presence-out':
      return item.matchPresenceOut;
    default:
      return false;
  }
}

function isOf({ type, value }: PrivacyItem, contact: ContactInfo | undefined): boolean {
  if (type === undefined) return true;
  if (type === 'subscription') return (contact?.subscription ?? 'none') === value;
  return contact?.groups.includes(value) ?? false;
}
