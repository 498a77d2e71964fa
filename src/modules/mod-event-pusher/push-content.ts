import {
  type Accumulator,
  Element,
  NS_DATA_FORMS,
  NS_HINTS,
  NS_PUBLISH_OPTIONS,
  NS_PUBSUB,
  NS_PUSH,
  NS_PUSH_SUMMARY,
  type PushSubscription,
  type Stanza,
} from '../module.ts';
import { bodyOf } from './backend.ts';
import type { PluginName } from './options.ts';

/** Fields of a form, in their order. */
export type Fields = readonly (readonly [name: string, value: string])[];

const NS_JINGLE_MESSAGE = 'urn:xmpp:jingle-message:';

/** Whether somebody is to be told of a message: if it is for a person, and has a text; with `hints` also a call, and not what says that it is nothing to keep. */
export function isWorthTelling(stanza: Stanza, plugin: PluginName): boolean {
  const { type } = stanza;
  if (type !== 'chat' && type !== 'groupchat') return false;
  if (plugin !== 'hints') return bodyOf(stanza) !== undefined;
  if (stanza.mayContain('no-store') && stanza.element.child('no-store', NS_HINTS) !== undefined) return false;
  return bodyOf(stanza) !== undefined || callOf(stanza) !== undefined;
}

/** The element of a call (XEP-0353) in a message without a text that is to be kept. */
function callOf(stanza: Stanza): Element | undefined {
  if (!stanza.mayContain('store') || stanza.element.child('store', NS_HINTS) === undefined) return undefined;
  return stanza.element.elements().find(({ ns }) => ns.startsWith(NS_JINGLE_MESSAGE));
}

/** What is told of a message (XEP-0357 §7): a summary, or a call. `count` is that of unread messages. */
export function summaryOf({ stanza, from }: Accumulator, count: number, hasBody: boolean): Fields {
  const body = bodyOf(stanza);
  const sender = stanza!.type === 'groupchat' ? from.full : from.bare;
  if (body === undefined) {
    const call = callOf(stanza!)!;
    return [
      ['FORM_TYPE', NS_PUSH_SUMMARY],
      ['message-count', String(count)],
      ['message-sender', sender],
      ['jingle-message', call.name],
      ['jingle-session-id', call.attribute('id') ?? ''],
    ];
  }
  const fields: [string, string][] = [
    ['FORM_TYPE', NS_PUSH_SUMMARY],
    ['message-count', String(count)],
    ['last-message-sender', sender],
  ];
  if (hasBody) fields.push(['last-message-body', body]);
  return fields;
}

/** The publication of a summary on a node (XEP-0357 §7). */
export function publication({ node, form }: PushSubscription, summary: Fields): Element {
  const notification = Element.of('notification', NS_PUSH, {}, formElement(summary));
  const item = Element.of('item', NS_PUBSUB, {}, notification);
  const pubsub = Element.of('pubsub', NS_PUBSUB, {}, Element.of('publish', NS_PUBSUB, { node }, item));
  if (form !== null) {
    const options = formElement([['FORM_TYPE', NS_PUBLISH_OPTIONS], ...form]);
    pubsub.children.push(Element.of('publish-options', NS_PUBSUB, {}, options));
  }
  return pubsub;
}

function formElement(fields: Fields): Element {
  const children = fields.map(([name, value]) => {
    const type = name === 'FORM_TYPE' ? 'hidden' : undefined;
    return Element.of(
      'field',
      NS_DATA_FORMS,
      { var: name, type },
      Element.of('value', NS_DATA_FORMS, {}, value),
    );
  });
  return Element.of('x', NS_DATA_FORMS, { type: 'submit' }, ...children);
}
