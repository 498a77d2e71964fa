import {
  DAMAGED_MESSAGE,
  type Damage,
  Element,
  escapeText,
  escapeValue,
  forwardedMessage,
  type InboxEntry,
  type Jid,
  type ModuleContext,
  NS_CLIENT,
  NS_DELAY,
  NS_FORWARD,
  NS_INBOX,
  NS_RSM,
  parseElement,
  randomText,
  Stanza,
  StanzaKind,
  type StoredConversation,
  serialize,
  soundMessage,
  utcMicros,
} from '../module.ts';
import { muteText } from './properties.ts';
import { placeId } from './query-form.ts';

/** What an answer has told so far. */
export interface Totals {
  count: number;
  unread: number;
  active: number;
  first: string | undefined;
  last: string | undefined;
}

export const noTotals = (): Totals => ({
  count: 0,
  unread: 0,
  active: 0,
  first: undefined,
  last: undefined,
});

export function addTo(totals: Totals, { timestamp, peer, unread }: StoredConversation): void {
  const id = placeId(timestamp, peer);
  totals.first ??= id;
  totals.last = id;
  totals.count++;
  totals.unread += unread;
  if (unread > 0) totals.active++;
}

/** The end of an answer. */
export function finElement({ count, unread, active, first, last }: Totals, isPaged: boolean): Element {
  const element = (name: string, value: number): Element => Element.of(name, NS_INBOX, {}, String(value));
  const fin = Element.of('fin', NS_INBOX);
  if (first !== undefined && last !== undefined) {
    const places = [Element.of('first', NS_RSM, {}, first), Element.of('last', NS_RSM, {}, last)];
    fin.children.push(Element.of('set', NS_RSM, {}, ...places));
  } else if (isPaged) fin.children.push(new Element('set', NS_RSM));
  fin.children.push(
    element('count', count),
    element('unread-messages', unread),
    element('active-conversations', active),
  );
  return fin;
}

/** The message that tells of one conversation, without addresses. It is put together from bytes: the last message was stored as it stands in there. */
export function resultMessage(conversation: StoredConversation, queryId: string, now: number): Stanza {
  const { timestamp, content, unread, box, mutedUntil } = conversation;
  const head =
    `<message id='${randomText(12, 'base64url')}'><result xmlns='${NS_INBOX}' unread='${unread}' queryid='${escapeValue(queryId)}'>` +
    `<forwarded xmlns='${NS_FORWARD}'><delay xmlns='${NS_DELAY}' stamp='${utcMicros(timestamp)}'/>`;
  const tail =
    `</forwarded><box>${escapeText(box)}</box><archive>${box === 'archive'}</archive>` +
    `<mute>${muteText(mutedUntil, now)}</mute></result></message>`;
  const headBytes = Buffer.byteLength(head);
  const bytes = Buffer.allocUnsafe(headBytes + content.length + Buffer.byteLength(tail));
  bytes.utf8Write(head, 0);
  bytes.set(content, headBytes);
  bytes.utf8Write(tail, headBytes + content.length);
  return Stanza.ofBytes(StanzaKind.MESSAGE, undefined, bytes, 0, bytes.length, false).own();
}

/** `<forwarded/>` with the last message and its time. */
export function forwardedElement({ timestamp, content }: StoredConversation): Element {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  return Element.of(
    'forwarded',
    NS_FORWARD,
    {},
    Element.of('delay', NS_DELAY, { stamp: utcMicros(timestamp) }),
    parseElement(bytes, 0, bytes.length),
  );
}

/** Conversations whose last messages can be read: in place of those that are damaged in the database, they have an error. */
export function readable(
  context: ModuleContext,
  damage: Damage,
  owner: Jid,
  conversations: readonly StoredConversation[],
): readonly StoredConversation[] {
  let sound: StoredConversation[] | undefined;
  for (const [i, one] of conversations.entries()) {
    const { peer, content } = one;
    if (soundMessage(content, true) !== undefined) continue;
    damage.report({ user: owner.bare, peer });
    sound ??= [...conversations];
    const addresses = ` from='${context.trustedJid(peer).wire}' to='${owner.wire}'`;
    sound[i] = { ...one, content: forwardedMessage(DAMAGED_MESSAGE, addresses) };
  }
  return sound ?? conversations;
}

/** Conversations as other modules want them shown (`extend_inbox_result`). */
export async function extended(
  context: ModuleContext,
  conversations: readonly StoredConversation[],
  params: Parameters<ModuleContext['foldHook']>[2],
): Promise<readonly StoredConversation[]> {
  if (!context.hasOtherHandlers('extend_inbox_result')) return conversations;
  const entries = conversations.map((one) => entryOf(context, one));
  const shown = await context.foldHook('extend_inbox_result', entries, params as never);
  return shown.map(conversationOf);
}

function entryOf(context: ModuleContext, one: StoredConversation): InboxEntry {
  const { buffer, byteOffset, byteLength } = one.content;
  return {
    msgId: one.msgId,
    remoteJid: context.trustedJid(one.peer),
    message: Stanza.ofStored(Buffer.from(buffer, byteOffset, byteLength)),
    unreadCount: one.unread,
    timestamp: one.timestamp,
    archived: one.box === 'archive',
    mutedUntil: one.mutedUntil,
    box: one.box,
  };
}

function conversationOf(entry: InboxEntry): StoredConversation {
  const { msgId, remoteJid, message, unreadCount: unread, timestamp, mutedUntil, box } = entry;
  const { name, attributes, children } = message.element;
  const content = Buffer.from(serialize(new Element(name, NS_CLIENT, attributes, children), NS_FORWARD));
  return { msgId, peer: remoteJid.bare, content, unread, timestamp, mutedUntil, box };
}
