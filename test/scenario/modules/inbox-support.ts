import { expect } from 'vitest';
import type { Element, TestClient } from '../../helpers/client.ts';

/** What scenarios of inboxes have in common. */

export const NS_INBOX = 'erlang-solutions.com:xmpp:inbox:0';
export const NS_CONVERSATION = `${NS_INBOX}#conversation`;
export const NS_RSM = 'http://jabber.org/protocol/rsm';
const NS_FORWARD = 'urn:xmpp:forward:0';

/** Who waits for inboxes to be written: whoever is told that his message was taken, or nobody. */
export const BACKENDS = ['rdbms', 'rdbms_async'] as const;
export type Backend = (typeof BACKENDS)[number];

let ids = 0;

/** A conversation as a client is told of it. */
export interface Shown {
  readonly from: string;
  readonly to: string;
  readonly body: string | undefined;
  readonly unread: number;
  readonly box: string;
  readonly archive: string;
  readonly mute: string;
  readonly stamp: string;
  readonly queryId: string;
  readonly message: Element;
}

export interface Inbox {
  readonly shown: readonly Shown[];
  readonly count: number;
  readonly unread: number;
  readonly active: number;
  readonly first: string | undefined;
  readonly last: string | undefined;
}

export function field(name: string, value: string): string {
  return `<field var='${name}'><value>${value}</value></field>`;
}

/** The question for conversations: fields of the form, and what else is in it. */
export function question(fields: Readonly<Record<string, string>> = {}, more = '', attributes = ''): string {
  const form = Object.entries(fields).map(([name, value]) => field(name, value));
  const x =
    form.length === 0
      ? ''
      : `<x xmlns='jabber:x:data' type='submit'>${field('FORM_TYPE', NS_INBOX)}${form.join('')}</x>`;
  return `<inbox xmlns='${NS_INBOX}' ${attributes}>${x}${more}</inbox>`;
}

export function pages(content: string): string {
  return `<set xmlns='${NS_RSM}'>${content}</set>`;
}

/** Asks for conversations: those that are shown, in order, and the end of the answer. */
export async function inboxOf(client: TestClient, asked = question()): Promise<Inbox> {
  const id = `inbox${++ids}`;
  client.send(`<iq type='set' id='${id}'>${asked}</iq>`);
  const shown: Shown[] = [];
  for (;;) {
    const element = await client.element();
    if (element.name === 'iq' && element.attribute('id') === id) {
      expect(element.attribute('type')).toBe('result');
      const fin = element.child('fin', NS_INBOX)!;
      const number = (name: string): number => Number(fin.childText(name));
      const set = fin.child('set', NS_RSM);
      return {
        shown,
        count: number('count'),
        unread: number('unread-messages'),
        active: number('active-conversations'),
        first: set?.childText('first'),
        last: set?.childText('last'),
      };
    }
    const result = element.child('result', NS_INBOX);
    if (result === undefined) continue;
    expect(element.attribute('to')).toBe(client.jid);
    expect(element.attribute('from')).toBe(client.jid.split('/')[0]);
    const forwarded = result.child('forwarded', NS_FORWARD)!;
    const message = forwarded.child('message', 'jabber:client')!;
    shown.push({
      from: message.attribute('from')!,
      to: message.attribute('to')!,
      body: message.childText('body'),
      unread: Number(result.attribute('unread')),
      box: result.childText('box')!,
      archive: result.childText('archive')!,
      mute: result.childText('mute')!,
      stamp: forwarded.child('delay', 'urn:xmpp:delay')!.attribute('stamp')!,
      queryId: result.attribute('queryid')!,
      message,
    });
  }
}

/** Body and number of unread messages of each conversation, in order. */
export async function bodies(client: TestClient, asked = question()): Promise<string[]> {
  return (await inboxOf(client, asked)).shown.map(({ body, unread }) => `${body} ${unread}`);
}

/** Sends a chat message and waits until its recipient has it. */
export async function say(from: TestClient, to: TestClient, text: string, more = ''): Promise<Element> {
  const id = `m${++ids}`;
  const bare = to.jid.split('/')[0];
  from.send(`<message type='chat' id='${id}' to='${bare}'><body>${text}</body>${more}</message>`);
  return await to.until((element) => element.name === 'message' && element.attribute('id') === id);
}

/** Changes properties of a conversation. */
export function set(client: TestClient, jid: string, properties: string, attributes = ''): Promise<Element> {
  const query = `<query xmlns='${NS_CONVERSATION}' jid='${jid}' ${attributes}>${properties}</query>`;
  return client.iq('set', undefined, query);
}

/** Properties of a conversation, by name. */
export async function properties(client: TestClient, jid: string): Promise<Record<string, string>> {
  const answer = await client.iq('get', undefined, `<query xmlns='${NS_CONVERSATION}' jid='${jid}'/>`);
  return told(answer.child('query', NS_CONVERSATION)!);
}

/** Properties in a query or a message. */
export function told(element: Element): Record<string, string> {
  return Object.fromEntries(
    element
      .elements()
      .filter(({ ns }) => ns === NS_CONVERSATION)
      .map((child) => [child.name, child.text()]),
  );
}

/** The properties that a client is told of without having asked. */
export async function news(
  client: TestClient,
): Promise<{ jid: string; queryId: string | undefined } & Record<string, unknown>> {
  const message = await client.until(
    (element) => element.name === 'message' && element.child('x', NS_CONVERSATION) !== undefined,
  );
  const x = message.child('x', NS_CONVERSATION)!;
  return { jid: x.attribute('jid')!, queryId: x.attribute('queryid'), ...told(x) };
}

/** The text of an error. */
export function errorText(stanza: Element): string | undefined {
  return stanza.child('error')?.childText('text', 'urn:ietf:params:xml:ns:xmpp-stanzas');
}
