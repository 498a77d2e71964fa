import {
  Element,
  type InboxProperties,
  type Jid,
  type ModuleContext,
  NS_CLIENT,
  NS_INBOX_CONVERSATION,
  randomText,
  utcMicros,
} from '../module.ts';

/** What `<mute/>` says: `0`, or until when. A time that is over counts no more. */
export function muteText(mutedUntil: number, now: number): string {
  return mutedUntil > now ? utcMicros(mutedUntil) : '0';
}

/** The properties of a conversation, as its user's clients are told of them. */
export function propertyElements({ box, mutedUntil, unread }: InboxProperties, now: number): Element[] {
  const element = (name: string, text: string): Element => Element.of(name, NS_INBOX_CONVERSATION, {}, text);
  return [
    element('box', box),
    element('archive', String(box === 'archive')),
    element('mute', muteText(mutedUntil, now)),
    element('read', String(unread === 0)),
  ];
}

/** Tells all of a user's clients of the properties of a conversation, each at its own address: what is sent to the account is for the most available ones alone. */
export async function tellProperties(
  context: ModuleContext,
  owner: Jid,
  peer: string,
  properties: InboxProperties,
  queryId?: string,
): Promise<void> {
  const attributes = { jid: peer, queryid: queryId };
  const children = propertyElements(properties, context.timestamp());
  const news = Element.of('x', NS_INBOX_CONVERSATION, attributes, ...children);
  const message = Element.of('message', NS_CLIENT, { id: randomText(12, 'base64url') }, news);
  for (const client of await context.availableResources(owner)) {
    void context.route(context.accumulator(owner, client, message));
  }
}
