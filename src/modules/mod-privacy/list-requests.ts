import {
  type Accumulator,
  type C2sParams,
  Element,
  type IqInfo,
  type Jid,
  type ModuleContext,
  NO_PRIVACY_LIST,
  NS_PRIVACY,
  type PrivacyIqAnswer,
  StanzaError,
  type StoredPrivacyItem,
} from '../module.ts';
import { announceChange } from './change.ts';
import { LISTS_MAX } from './limits.ts';
import type { ListUse } from './list-use.ts';
import { badRequest, listElement, privacyList, readItems, readName } from './list-xml.ts';
import type { SessionLists } from './session-lists.ts';

const DONE: PrivacyIqAnswer = { children: [] };

/** Requests of `jabber:iq:privacy` (XEP-0016 §2.3 to §2.8): all answers and all errors. */
export class ListRequests {
  readonly #context: ModuleContext;
  readonly #lists: SessionLists;
  readonly #use: ListUse;

  constructor(context: ModuleContext, lists: SessionLists, use: ListUse) {
    this.#context = context;
    this.#lists = lists;
    this.#use = use;
  }

  async get(from: Jid, { payload }: IqInfo): Promise<PrivacyIqAnswer> {
    this.#context.count('get');
    const children = payload.elements();
    const [list] = children;
    if (payload.name !== 'query') return badRequest('a query is expected');
    if (list === undefined) return await this.#names(from);
    if (children.length > 1) return badRequest('one list at a time');
    if (!isNamed(list, 'list')) return badRequest('only lists can be asked for');
    const name = readName(list);
    if (name instanceof StanzaError) return name;
    const { domain, local } = from;
    const stored = await this.#context.store.request('privacy_list', domain, local, name);
    return stored === null ? unknown() : { children: [query(listElement(stored))] };
  }

  async #names(from: Jid): Promise<PrivacyIqAnswer> {
    const names = await this.#context.store.request('privacy_names', from.domain, from.local);
    const session = this.#context.session(from)?.params;
    const active = session === undefined ? undefined : this.#lists.peek(session)?.active;
    const named = (element: string, name: string): Element => Element.of(element, NS_PRIVACY, { name });
    const children = names.names.map((name) => named('list', name));
    if (names.default !== null) children.unshift(named('default', names.default));
    if (active !== undefined) children.unshift(named('active', active));
    return { children: [query(...children)] };
  }

  async set(acc: Accumulator, from: Jid, { payload }: IqInfo): Promise<PrivacyIqAnswer> {
    const session = this.#context.session(from)?.params;
    const [what, ...more] = payload.elements();
    if (payload.name !== 'query' || what === undefined || more.length > 0 || session === undefined) {
      return badRequest('one thing at a time: a list, the active or the default one');
    }
    if (isNamed(what, 'active')) return await this.#activate(session, what);
    if (isNamed(what, 'default')) return await this.#setDefault(session, what);
    if (!isNamed(what, 'list')) return badRequest(`a query has no ${what.name}`);
    const name = readName(what);
    if (name instanceof StanzaError) return name;
    if (what.elements().length === 0) return await this.#remove(session, name);
    const items = readItems(what, (text) => this.#context.jid(text));
    return items instanceof StanzaError ? items : await this.#replace(acc, from, name, items);
  }

  async #replace(
    acc: Accumulator,
    from: Jid,
    name: string,
    items: readonly StoredPrivacyItem[],
  ): Promise<PrivacyIqAnswer> {
    if (!(await this.#hasGroups(acc, from.bareJid, items))) return unknown('no such group in the roster');
    this.#context.count('set');
    const { domain, local } = from;
    const list = { name, items };
    const change = await this.#context.store.request('privacy_set', domain, local, list, LISTS_MAX);
    if (change === 'too_many') return new StanzaError('resource-constraint', `more than ${LISTS_MAX} lists`);
    await announceChange(this.#context, from.bare, change, name);
    return DONE;
  }

  /** XEP-0016 §2.1: the groups that a list names must be there. */
  async #hasGroups(acc: Accumulator, owner: Jid, items: readonly StoredPrivacyItem[]): Promise<boolean> {
    const wanted = items.filter(([type]) => type === 'g').map(([, value]) => value);
    if (wanted.length === 0) return true;
    const params = { acc, showFullRoster: false, jid: owner };
    const roster = await this.#context.foldHook('roster_get', [], params);
    const groups = new Set(roster.flatMap((item) => item.groups));
    return wanted.every((group) => groups.has(group));
  }

  async #remove(session: C2sParams, name: string): Promise<PrivacyIqAnswer> {
    const { domain, local, bare } = session.jid!;
    const { names, default: standard } = await this.#context.store.request('privacy_names', domain, local);
    if (!names.includes(name)) return unknown();
    if (await this.#use.isElsewhere(session, name, name === standard)) return inUse();
    this.#context.count('set');
    const change = await this.#context.store.request('privacy_remove', domain, local, name);
    if (change === null) return unknown();
    await announceChange(this.#context, bare, change, name);
    return DONE;
  }

  async #activate(session: C2sParams, element: Element): Promise<PrivacyIqAnswer> {
    this.#context.count('set_active');
    if (element.attribute('name') === undefined) return { children: [], newActiveList: NO_PRIVACY_LIST };
    const name = readName(element);
    if (name instanceof StanzaError) return name;
    const { domain, local } = session.jid!;
    const stored = await this.#context.store.request('privacy_list', domain, local, name);
    return stored === null ? unknown() : { children: [], newActiveList: privacyList(stored) };
  }

  async #setDefault(session: C2sParams, element: Element): Promise<PrivacyIqAnswer> {
    const isNone = element.attribute('name') === undefined;
    const name = isNone ? null : readName(element);
    if (name instanceof StanzaError) return name;
    const { domain, local, bare } = session.jid!;
    const { names, default: old } = await this.#context.store.request('privacy_names', domain, local);
    if (name !== null && !names.includes(name)) return unknown();
    if (name === old) return DONE;
    if (old !== null && (await this.#use.isElsewhere(session, undefined, true))) return inUse();
    this.#context.count('set_default');
    const change = await this.#context.store.request('privacy_set_default', domain, local, name);
    if (change === null) return unknown();
    await announceChange(this.#context, bare, change, undefined);
    return DONE;
  }
}

function isNamed({ name, ns }: Element, wanted: string): boolean {
  return name === wanted && ns === NS_PRIVACY;
}

function query(...children: Element[]): Element {
  return Element.of('query', NS_PRIVACY, {}, ...children);
}

function unknown(text?: string): StanzaError {
  return new StanzaError('item-not-found', text);
}

function inUse(): StanzaError {
  return new StanzaError('conflict', 'another resource uses this list');
}
