import {
  Element,
  type Jid,
  type ModuleContext,
  NS_CLIENT,
  parseElementText,
  type RosterItem,
  Stanza,
  StanzaError,
  type StoredContact,
  serialize,
} from '../module.ts';
import { EXTRA_BYTES_MAX, GROUPS_MAX, MESSAGE_BYTES_MAX, NAME_BYTES_MAX } from './options.ts';

export const NS_ROSTER = 'jabber:iq:roster';

/** What a client asks for in a roster set. */
export type Edit =
  | { readonly kind: 'remove'; readonly jid: Jid }
  | {
      readonly kind: 'set';
      readonly jid: Jid;
      /** Null: stays as it is. */
      readonly name: string | null;
      readonly groups: readonly string[];
      /** Serialised. */
      readonly extra: string;
    };

/** Reads a roster set (RFC 6121 §2.3.3 and §2.5.3 name the errors). Contacts are bare JIDs. */
export function readEdit(context: ModuleContext, user: Jid, query: Element): Edit | StanzaError {
  const items = query.elements();
  const [item] = items;
  if (query.name !== 'query' || items.length !== 1 || item?.name !== 'item' || item.ns !== NS_ROSTER) {
    return new StanzaError('bad-request', 'A roster set has exactly one item');
  }
  const address = item.attribute('jid');
  if (address === undefined) return new StanzaError('bad-request', 'The item has no address');
  const jid = context.jid(address)?.bareJid;
  if (jid === undefined) return new StanzaError('jid-malformed');
  if (item.attribute('subscription') === 'remove') return { kind: 'remove', jid };
  if (jid.bare === user.bare) return new StanzaError('not-allowed', 'Nobody is a contact of his own');
  const name = item.attribute('name') ?? null;
  if (name !== null && Buffer.byteLength(name) > NAME_BYTES_MAX) return tooMuch('The name is too long');
  const groups = readGroups(item);
  if (groups instanceof StanzaError) return groups;
  const extra = item
    .elements()
    .filter(({ ns }) => ns !== NS_ROSTER)
    .map((child) => serialize(child))
    .join('');
  if (Buffer.byteLength(extra) > EXTRA_BYTES_MAX) return tooMuch('The item is too large');
  return { kind: 'set', jid, name, groups, extra };
}

function readGroups(item: Element): string[] | StanzaError {
  const groups: string[] = [];
  for (const child of item.elements()) {
    if (child.name !== 'group' || child.ns !== NS_ROSTER) continue;
    const group = child.text();
    if (group === '') return tooMuch('A group has no name');
    if (Buffer.byteLength(group) > NAME_BYTES_MAX) return tooMuch('The name of a group is too long');
    groups.push(group);
  }
  if (groups.length > GROUPS_MAX) return tooMuch('The contact is in too many groups');
  if (new Set(groups).size < groups.length) return new StanzaError('bad-request', 'A group is there twice');
  return groups;
}

function tooMuch(text: string): StanzaError {
  return new StanzaError('not-acceptable', text);
}

/** The `<item/>` (RFC 6121 §2.1.2). */
export function itemElement(item: RosterItem): Element {
  const isAsking = item.ask === 'out' || item.ask === 'both';
  const element = Element.of('item', NS_ROSTER, {
    jid: item.jid.bare,
    name: item.name === '' ? undefined : item.name,
    subscription: item.subscription,
    ask: isAsking ? 'subscribe' : undefined,
    approved: item.isApproved ? 'true' : undefined,
  });
  for (const group of item.groups) element.children.push(Element.of('group', NS_ROSTER, {}, group));
  element.children.push(...item.extra);
  return element;
}

/** A `<query/>` with these items; `ver` is left out where it is undefined. */
export function queryElement(items: readonly RosterItem[], ver: string | undefined): Element {
  return Element.of('query', NS_ROSTER, { ver }, ...items.map(itemElement));
}

export function itemOf(context: ModuleContext, contact: StoredContact): RosterItem {
  const { jid, name, subscription, ask, isApproved, groups, askMessage, extra } = contact;
  return {
    jid: context.trustedJid(jid),
    name,
    subscription,
    ask,
    isApproved,
    groups,
    askMessage,
    extra: extra === '' ? [] : parseElementText(`<x>${extra}</x>`).elements(),
  };
}

/** What clients are told of a contact that was removed. */
export function removedItem(jid: Jid): RosterItem {
  return {
    jid,
    name: '',
    subscription: 'remove',
    ask: 'none',
    isApproved: false,
    groups: [],
    askMessage: '',
    extra: [],
  };
}

/** A presence about a subscription, of the server's own. */
export function subscriptionPresence(type: string, message = '', from?: string): Stanza {
  const element = Element.of('presence', NS_CLIENT, { type, from });
  if (message !== '') element.children.push(Element.of('status', NS_CLIENT, {}, message));
  return Stanza.of(element);
}

/** The text of a request, cut off where it is too long. */
export function clipped(message: string): string {
  if (Buffer.byteLength(message) <= MESSAGE_BYTES_MAX) return message;
  let bytes = 0;
  let end = 0;
  for (const character of message) {
    bytes += Buffer.byteLength(character);
    if (bytes > MESSAGE_BYTES_MAX) break;
    end += character.length;
  }
  return message.slice(0, end);
}
