import {
  Element,
  type Jid,
  type ModuleContext,
  NS_BLOCKING,
  NS_PIE_MEERKAT,
  NS_PRIVACY,
  type PortableEntry,
  type PortableOutcome,
  type PortablePage,
  type PrivacyChange,
  StanzaError,
  type StoredPrivacyItem,
  type StoredPrivacyList,
  serialize,
} from '../module.ts';
import { announceChange } from './change.ts';
import { ITEMS_MAX, LISTS_MAX } from './limits.ts';
import { listElement, readItems, readName } from './list-xml.ts';

/** On a denial: that it comes from the blocking command. Privacy lists have no other place for it. */
const BY_COMMAND = `{${NS_PIE_MEERKAT}}by`;
const DIFFERS: PortableOutcome = { code: 'differs', text: 'there is another one, which stays' };
const FULL: PortableOutcome = { code: 'full', text: 'the account has as many lists or items as it may have' };

/** Privacy lists in files that servers exchange (XEP-0227); and block lists, which some write as such, and which are part of a privacy list here. */
export function registerPortable(context: ModuleContext): void {
  context.portable({
    name: 'query',
    ns: NS_PRIVACY,
    isContainer: true,
    read: (user) => readLists(context, user),
    write: (user, entries) => each(entries, (element) => takeLists(context, user, element)),
  });
  context.portable({
    name: 'blocklist',
    ns: NS_BLOCKING,
    isContainer: false,
    read: async () => ({ entries: [], next: null }),
    write: (user, entries) => each(entries, (element) => takeBlocks(context, user, element)),
  });
}

async function readLists(context: ModuleContext, { domain, local }: Jid): Promise<PortablePage> {
  const all = await context.store.request('privacy_export', domain, local);
  const entries = all.lists.map((list) => {
    const element = listElement(list);
    for (const [i, item] of element.elements().entries())
      if (list.items[i]![2] === 'b') item.attributes.set(BY_COMMAND, 'command');
    return serialize(element, NS_PRIVACY);
  });
  if (all.default !== null)
    entries.push(serialize(Element.of('default', NS_PRIVACY, { name: all.default }), NS_PRIVACY));
  return { entries, next: null };
}

async function each(
  entries: readonly PortableEntry[],
  take: (element: Element) => Promise<PortableOutcome>,
): Promise<PortableOutcome[]> {
  const outcomes: PortableOutcome[] = [];
  for (const { element } of entries) outcomes.push(await take(element));
  return outcomes;
}

async function takeLists(context: ModuleContext, user: Jid, element: Element): Promise<PortableOutcome> {
  if (element.name === 'active') return invalid('an active list belongs to a session');
  if (element.ns !== NS_PRIVACY || (element.name !== 'list' && element.name !== 'default'))
    return invalid(`there is no ${element.name}`);
  const name = readName(element);
  if (name instanceof StanzaError) return invalid(name.text);
  return element.name === 'list' ? takeList(context, user, name, element) : takeDefault(context, user, name);
}

async function takeList(
  context: ModuleContext,
  user: Jid,
  name: string,
  element: Element,
): Promise<PortableOutcome> {
  const read = readItems(element, (text) => context.jid(text));
  if (read instanceof StanzaError) return invalid(read.text);
  const commanded = new Set(
    element
      .elements()
      .filter((item) => item.attribute(BY_COMMAND) === 'command')
      .map((item) => Number(item.attribute('order'))),
  );
  const items = read.map((item): StoredPrivacyItem => {
    const [type, value, action, order, kinds] = item;
    const isBlock = type === 'j' && action === 'd' && kinds === 0 && commanded.has(order);
    return isBlock ? [type, value, 'b', order, kinds] : item;
  });
  const { domain, local } = user;
  const own = await context.store.request('privacy_list', domain, local, name);
  if (own !== null) return isSame(own, items) ? 'known' : DIFFERS;
  const list = { name, items };
  const change = await context.store.request('privacy_set', domain, local, list, LISTS_MAX);
  return change === 'too_many' ? FULL : await told(context, user, change, name);
}

async function takeDefault(context: ModuleContext, user: Jid, name: string): Promise<PortableOutcome> {
  const { domain, local } = user;
  const { default: own } = await context.store.request('privacy_names', domain, local);
  if (own !== null) return own === name ? 'known' : DIFFERS;
  const change = await context.store.request('privacy_set_default', domain, local, name);
  return change === null ? invalid(`there is no list ${name}`) : await told(context, user, change, undefined);
}

/** What is blocked in either is blocked afterwards. */
async function takeBlocks(context: ModuleContext, user: Jid, element: Element): Promise<PortableOutcome> {
  const { domain, local } = user;
  const jids = element.elements().map((item) => context.jid(item.attribute('jid') ?? ''));
  const wanted = jids.filter((jid) => jid !== undefined).map((jid) => jid.full);
  if (wanted.length < jids.length) return invalid('it has an item without an address');
  if (wanted.length === 0) return 'known';
  const change = await context.store.request('privacy_block', domain, local, wanted, ITEMS_MAX, LISTS_MAX);
  if (change === 'too_many') return FULL;
  return change.blocked.length === 0 ? 'known' : await told(context, user, change, change.list);
}

async function told(
  context: ModuleContext,
  user: Jid,
  change: PrivacyChange,
  list: string | undefined,
): Promise<PortableOutcome> {
  await announceChange(context, user.bare, change, list);
  return 'taken';
}

/** Whoever made a denial, it is the same. */
function isSame({ items }: StoredPrivacyList, others: readonly StoredPrivacyItem[]): boolean {
  const plain = (all: readonly StoredPrivacyItem[]): string =>
    JSON.stringify(
      all.map(([type, value, action, ...rest]) => [type, value, action === 'a' ? 'a' : 'd', ...rest]),
    );
  return plain(items) === plain(others);
}

function invalid(text = 'it cannot be understood'): PortableOutcome {
  return { code: 'invalid', text };
}
