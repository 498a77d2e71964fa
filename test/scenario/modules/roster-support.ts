import { serialize } from '../../../src/xml/writer.ts';
import type { Element, TestClient } from '../../helpers/client.ts';
import { LAB } from './support.ts';

/** What scenarios of rosters have in common. */

export const NS_ROSTER = 'jabber:iq:roster';

export const ROSTER_MODULES = `[modules.mod_roster]\n[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_register]\n${LAB}`;

/** A roster item in one line: `jid "name" subscription ask approved groups`, what is not there left out. */
export function itemText(item: Element): string {
  const groups = item
    .elements()
    .filter(({ name }) => name === 'group')
    .map((group) => `[${group.text()}]`);
  const name = item.attribute('name');
  return [
    item.attribute('jid'),
    name === undefined ? '' : `"${name}"`,
    item.attribute('subscription'),
    item.attribute('ask') === undefined ? '' : `ask=${item.attribute('ask')}`,
    item.attribute('approved') === undefined ? '' : 'approved',
    ...groups,
  ]
    .filter((part) => part !== '')
    .join(' ');
}

/** Asks for the roster; its items in order. */
export async function roster(client: TestClient): Promise<string[]> {
  const result = await client.iq('get', undefined, `<query xmlns='${NS_ROSTER}'/>`);
  return result.child('query', NS_ROSTER)!.elements().map(itemText).sort();
}

/** The items of a roster push, or undefined if it is none. */
export function pushed(element: Element): string | undefined {
  const query =
    element.name === 'iq' && element.attribute('type') === 'set'
      ? element.child('query', NS_ROSTER)
      : undefined;
  return query === undefined ? undefined : query.elements().map(itemText).join(', ');
}

/** The next roster push; everything else on the way is dropped. */
export async function push(client: TestClient): Promise<string> {
  return pushed(await client.until((element) => pushed(element) !== undefined))!;
}

/** Sends a roster set; its answer, which pushes may come before. */
export function setItem(client: TestClient, item: string): Promise<Element> {
  return client.iq('set', undefined, `<query xmlns='${NS_ROSTER}'>${item}</query>`);
}

/** One thing that was heard, in a few words: pushes as `push ITEM`, presence as `TYPE from JID`. */
export function inWords(element: Element): string {
  const push = pushed(element);
  if (push !== undefined) return `push ${push}`;
  if (element.name === 'presence') {
    return `${element.attribute('type') ?? 'available'} from ${element.attribute('from')}`;
  }
  return serialize(element);
}

let questions = 0;

/** All that a client has heard before the answer to a question that it asks now, in words. */
export async function heard(client: TestClient): Promise<string[]> {
  const id = `heard${++questions}`;
  client.send(`<iq type='get' id='${id}'><nothing xmlns='urn:test:nothing'/></iq>`);
  const all: string[] = [];
  for (;;) {
    const element = await client.element();
    if (element.attribute('id') === id) return all;
    all.push(inWords(element));
  }
}

/** The next `count` things that a client hears, in words. */
export async function next(client: TestClient, count: number): Promise<string[]> {
  const all: string[] = [];
  while (all.length < count) all.push(inWords(await client.element()));
  return all;
}

/** Both users see each other's presence: each asks, the other agrees. Both have sent presence. */
export async function befriend(a: TestClient, b: TestClient): Promise<void> {
  const [jidA, jidB] = [bare(a), bare(b)];
  a.send(`<presence to='${jidB}' type='subscribe'/>`);
  await b.until((e) => e.attribute('type') === 'subscribe');
  b.send(`<presence to='${jidA}' type='subscribed'/><presence to='${jidA}' type='subscribe'/>`);
  await a.until((e) => e.attribute('type') === 'subscribe');
  a.send(`<presence to='${jidB}' type='subscribed'/>`);
  for (const [client, contact] of [
    [a, jidB],
    [b, jidA],
  ] as const) {
    while (!(await push(client)).startsWith(`${contact} both`));
  }
}

export function bare(client: TestClient): string {
  return client.jid.split('/')[0]!;
}
