import {
  Element,
  type Jid,
  NS_PRIVACY,
  type PrivacyItem,
  type PrivacyList,
  StanzaError,
  type StoredPrivacyItem,
  type StoredPrivacyList,
} from '../module.ts';
import { ITEMS_MAX, NAME_BYTES_MAX, ORDER_MAX } from './limits.ts';

/** Privacy lists between XML (XEP-0016 §2.1), the store, and the form in which hooks see them. */

const KINDS = ['message', 'iq', 'presence-in', 'presence-out'] as const;
const SUBSCRIPTIONS = ['none', 'to', 'from', 'both'];

/** The items of a `<list/>` in order, or what is wrong with one of them: then none counts. */
export function readItems(
  list: Element,
  jid: (text: string) => Jid | undefined,
): StoredPrivacyItem[] | StanzaError {
  const elements = list.elements();
  if (elements.length > ITEMS_MAX)
    return new StanzaError('resource-constraint', `more than ${ITEMS_MAX} items`);
  const items: StoredPrivacyItem[] = [];
  const orders = new Set<number>();
  for (const element of elements) {
    const item = readItem(element, jid);
    if (item instanceof StanzaError) return item;
    if (orders.has(item[3])) return badRequest(`two items have the order ${item[3]}`);
    orders.add(item[3]);
    items.push(item);
  }
  return items.sort((a, b) => a[3] - b[3]);
}

function readItem(element: Element, jid: (text: string) => Jid | undefined): StoredPrivacyItem | StanzaError {
  if (element.name !== 'item' || element.ns !== NS_PRIVACY) return badRequest('a list consists of items');
  const action = element.attribute('action');
  if (action !== 'allow' && action !== 'deny') return badRequest('an item needs an action: allow or deny');
  const text = element.attribute('order') ?? '';
  const order = /^[0-9]{1,10}$/.test(text) ? Number(text) : -1;
  if (order < 0 || order > ORDER_MAX) return badRequest('an item needs an order: a number from 0');
  let kinds = 0;
  for (const child of element.elements()) {
    const kind = KINDS.findIndex((name) => child.name === name && child.ns === NS_PRIVACY);
    if (kind < 0) return badRequest(`an item has no ${child.name}`);
    kinds |= 1 << kind;
  }
  // All four kinds are not all stanzas: subscriptions are none of them.
  const value = readValue(element.attribute('type'), element.attribute('value'), jid);
  return value instanceof StanzaError ? value : [...value, action === 'allow' ? 'a' : 'd', order, kinds];
}

function readValue(
  type: string | undefined,
  value: string | undefined,
  jid: (text: string) => Jid | undefined,
): ['j' | 'g' | 's' | 'n', string] | StanzaError {
  if (type === undefined) return value === undefined ? ['n', ''] : badRequest('a value needs a type');
  if (value === undefined) return badRequest('a type needs a value');
  switch (type) {
    case 'jid': {
      const address = jid(value.trim());
      return address === undefined
        ? badRequest('a value of type jid must be an address')
        : ['j', address.full];
    }
    case 'group':
      if (Buffer.byteLength(value) > NAME_BYTES_MAX) return tooLong('the name of a group');
      return ['g', value];
    case 'subscription':
      return SUBSCRIPTIONS.includes(value) ? ['s', value] : badRequest('no such subscription');
    default:
      return badRequest(`no such type of items: ${type}`);
  }
}

/** The `name` of a list, or what is wrong with it. */
export function readName(element: Element): string | StanzaError {
  const name = element.attribute('name') ?? '';
  if (name === '') return badRequest('a list needs a name');
  return Buffer.byteLength(name) > NAME_BYTES_MAX ? tooLong('the name of a list') : name;
}

export function badRequest(text: string): StanzaError {
  return new StanzaError('bad-request', text);
}

function tooLong(what: string): StanzaError {
  return new StanzaError('not-acceptable', `${what} is too long`);
}

const TYPES = { j: 'jid', g: 'group', s: 'subscription', n: undefined } as const;

/** A stored list as a `<list/>`. A denial by the blocking command is a denial like any other here. */
export function listElement({ name, items }: StoredPrivacyList): Element {
  const list = Element.of('list', NS_PRIVACY, { name });
  for (const [type, value, action, order, kinds] of items) {
    const item = Element.of('item', NS_PRIVACY, {
      type: TYPES[type],
      value: type === 'n' ? undefined : value,
      action: action === 'a' ? 'allow' : 'deny',
      order: String(order),
    });
    for (const kind of kindsOf(kinds)) item.children.push(new Element(kind, NS_PRIVACY));
    list.children.push(item);
  }
  return list;
}

/** The names of the stanzas in a stored item; none stands for all. */
export function kindsOf(kinds: number): string[] {
  return KINDS.filter((_kind, i) => (kinds & (1 << i)) !== 0);
}

const ACTIONS = { a: 'allow', d: 'deny', b: 'block' } as const;

/** A stored list as hooks see it. */
export function privacyList({ name, items }: StoredPrivacyList): PrivacyList {
  return { name, items: items.map(privacyItem) };
}

function privacyItem([type, value, action, order, kinds]: StoredPrivacyItem): PrivacyItem {
  return {
    type: TYPES[type],
    value,
    action: ACTIONS[action],
    order,
    matchAll: kinds === 0,
    matchMessage: (kinds & 1) !== 0,
    matchIq: (kinds & 2) !== 0,
    matchPresenceIn: (kinds & 4) !== 0,
    matchPresenceOut: (kinds & 8) !== 0,
  };
}
