import { type Element, TestClient } from '../../helpers/client.ts';
import type { TestServer } from '../../helpers/server.ts';

/** What scenarios of archives have in common. */

export const NS_MAM = 'urn:xmpp:mam:2';
export const NS_RSM = 'http://jabber.org/protocol/rsm';
const NS_FORWARD = 'urn:xmpp:forward:0';

/** One message of an answer. */
export interface Result {
  readonly id: string;
  readonly queryId: string | undefined;
  readonly stamp: string;
  readonly message: Element;
  readonly body: string | undefined;
}

/** The answer to a query. */
export interface Page {
  readonly results: readonly Result[];
  readonly bodies: readonly (string | undefined)[];
  readonly ids: readonly string[];
  readonly fin: Element;
  readonly isComplete: boolean;
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly index: string | undefined;
  readonly count: string | undefined;
}

export interface QueryOptions {
  /** Fields of the form. */
  readonly fields?: Readonly<Record<string, string | readonly string[]>>;
  /** Children of `<set/>`; none: no set. */
  readonly set?: string;
  /** Other children of the query. */
  readonly more?: string;
  readonly to?: string;
  readonly ns?: string;
  readonly queryId?: string;
}

export function queryXml({ fields, set, more = '', ns = NS_MAM, queryId }: QueryOptions = {}): string {
  const values = Object.entries(fields ?? {}).map(([name, value]) => {
    const all = typeof value === 'string' ? [value] : value;
    return `<field var='${name}'>${all.map((one) => `<value>${one}</value>`).join('')}</field>`;
  });
  const form =
    fields === undefined
      ? ''
      : `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>${ns}</value></field>${values.join('')}</x>`;
  const rsm = set === undefined ? '' : `<set xmlns='${NS_RSM}'>${set}</set>`;
  const id = queryId === undefined ? '' : ` queryid='${queryId}'`;
  return `<query xmlns='${ns}'${id}>${form}${rsm}${more}</query>`;
}

let queries = 0;

/** Asks an archive; the answer is an error stanza or a page. Nothing but results may come before the end; other messages are dropped. */
export async function ask(client: TestClient, options: QueryOptions = {}): Promise<Element | Page> {
  const id = `mam${++queries}`;
  const to = options.to === undefined ? '' : ` to='${options.to}'`;
  client.send(`<iq type='set' id='${id}'${to}>${queryXml(options)}</iq>`);
  const results: Result[] = [];
  for (;;) {
    const element = await client.element();
    if (element.name === 'message') {
      const result = resultIn(element, options.ns);
      if (result !== undefined) results.push(result);
    } else if (element.name === 'iq' && element.attribute('id') === id) {
      return element.attribute('type') === 'error' ? element : pageOf(results, element, options.ns);
    }
  }
}

/** The same, for a page. */
export async function page(client: TestClient, options: QueryOptions = {}): Promise<Page> {
  const answer = await ask(client, options);
  if (!('results' in answer)) throw new Error(`an error: ${answer.child('error')?.elements()[0]?.name}`);
  return answer;
}

/** The same, for the condition of an error. */
export async function refusal(client: TestClient, options: QueryOptions = {}): Promise<string | undefined> {
  const answer = await ask(client, options);
  if ('results' in answer) throw new Error(`a page of ${answer.results.length}`);
  return answer.child('error')?.elements()[0]?.name;
}

function resultIn(message: Element, ns = NS_MAM): Result | undefined {
  const result = message.child('result', ns);
  if (result === undefined) return undefined;
  const forwarded = result.child('forwarded', NS_FORWARD)!;
  const archived = forwarded.child('message', 'jabber:client')!;
  return {
    id: result.attribute('id')!,
    queryId: result.attribute('queryid'),
    stamp: forwarded.child('delay', 'urn:xmpp:delay')!.attribute('stamp')!,
    message: archived,
    body: archived.childText('body'),
  };
}

function pageOf(results: readonly Result[], iq: Element, ns = NS_MAM): Page {
  const fin = iq.child('fin', ns)!;
  const set = fin.child('set', NS_RSM)!;
  return {
    results,
    bodies: results.map(({ body }) => body),
    ids: results.map(({ id }) => id),
    fin,
    isComplete: fin.attribute('complete') === 'true',
    first: set.childText('first'),
    last: set.childText('last'),
    index: set.child('first')?.attribute('index'),
    count: set.childText('count'),
  };
}

/** Sends chats and waits for all of them at the other side; returns what arrived. */
export async function talk(
  from: TestClient,
  to: TestClient,
  bodies: readonly string[],
): Promise<readonly Element[]> {
  for (const body of bodies) from.send(`<message to='${to.jid}' type='chat'><body>${body}</body></message>`);
  const arrived: Element[] = [];
  for (const _ of bodies) arrived.push(await to.message());
  return arrived;
}

/** `count` bodies: `PREFIX 1`, … */
export function numbered(count: number, prefix = 'message'): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix} ${n + 1}`);
}

/** The id that an archive gave a message, as its recipient is told. */
export function stanzaId(message: Element, by: string): string | undefined {
  return message
    .elements()
    .find((child) => child.name === 'stanza-id' && child.attribute('by') === by)
    ?.attribute('id');
}

/** Logs in, with a cleanup that the test calls. */
export async function login(server: TestServer, jid: string): Promise<TestClient> {
  return await TestClient.login(server.port(), jid);
}
