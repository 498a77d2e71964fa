import { createHash } from 'node:crypto';
import {
  type Damage,
  DIGEST_BYTES,
  Element,
  type ImportedMessage,
  type Jid,
  type ModuleContext,
  NS_CLIENT,
  NS_DELAY,
  NS_DELAY_OLD,
  NS_PIE,
  type OfflineMessage,
  type PortableEntry,
  type PortableOutcome,
  type PortablePart,
  parseElement,
  parseMicros,
  Stanza,
  serialize,
  stampOfMicros,
} from '../module.ts';
import { BYTES_MAX, type Keeping } from './keeping.ts';
import type { OfflineOptions } from './mod-offline.ts';
import { expiryOf } from './offline-text.ts';
import { type Position, pageOf } from './pages.ts';
import { soundPacket } from './restore.ts';
import { tellAvailable } from './tell-available.ts';

const OUTCOMES: Readonly<Record<'stored' | 'known' | 'full', PortableOutcome>> = {
  stored: 'taken',
  known: 'known',
  full: { code: 'full', text: 'as many messages are kept as may be' },
};

/** Stored messages in files that servers exchange (XEP-0227), each with the time at which it was stored (XEP-0203). */
export function portableMessages(
  context: ModuleContext<OfflineOptions>,
  keeping: Keeping,
  damage: Damage,
): PortablePart {
  return {
    name: 'offline-messages',
    ns: NS_PIE,
    isContainer: true,
    read: async (user, after) => {
      const from = after === null ? null : (JSON.parse(after) as Position);
      const { messages, next } = await pageOf(context, user, from);
      const entries = messages.flatMap((message) => {
        const bytes = soundPacket(damage, user, message);
        // There is nothing that another server could make of it.
        return bytes === undefined ? [] : entryOf(user, message, bytes);
      });
      const damaged = messages.length - entries.length;
      return { entries, next: next === null ? null : JSON.stringify(next), damaged };
    },
    write: (user, entries) => take(context, keeping, user, entries),
  };
}

function entryOf(user: Jid, { from, to, timestamp }: OfflineMessage, bytes: Buffer): string {
  const message = parseElement(bytes, 0, bytes.length).copy();
  message.attributes.set('from', from);
  message.attributes.set('to', to);
  const delay = { from: user.domain, stamp: stampOfMicros(timestamp) };
  message.children.push(Element.of('delay', NS_DELAY, delay, 'Offline Storage'));
  return serialize(message, NS_PIE);
}

async function take(
  context: ModuleContext<OfflineOptions>,
  keeping: Keeping,
  user: Jid,
  entries: readonly PortableEntry[],
): Promise<PortableOutcome[]> {
  const read = entries.map((entry) => messageOf(context, user, entry));
  const usable = read.filter((one) => typeof one !== 'string');
  const results = await context.store.request(
    'offline_import',
    user.domain,
    user.local,
    usable,
    keeping.messagesMax(user),
    BYTES_MAX,
  );
  if (results.includes('stored')) tellAvailable(context, user);
  let next = 0;
  return read.map((one) =>
    typeof one === 'string' ? { code: 'invalid', text: one } : OUTCOMES[results[next++]!],
  );
}

/** A message as the store keeps it, or what is wrong with it. */
function messageOf(
  context: ModuleContext<OfflineOptions>,
  user: Jid,
  { element, ordinal }: PortableEntry,
): ImportedMessage | string {
  if (element.name !== 'message' || element.ns !== NS_CLIENT) return 'it is no message';
  const from = context.jid(element.attribute('from') ?? '');
  if (from === undefined) return 'it comes from nobody';
  const to = context.jid(element.attribute('to') ?? user.bare);
  const delay = delayOf(element, user.domain);
  const timestamp = parseMicros(delay?.attribute('stamp')) ?? context.timestamp();
  const message = element.copy();
  message.attributes.delete('from');
  message.attributes.delete('to');
  // Delivery adds its own.
  if (delay !== undefined) message.children.splice(message.children.indexOf(delay), 1);
  const expiresIn = expiryOf(message);
  const packet = Stanza.of(message).toBuffer('', '');
  const digest = createHash('sha256')
    .update(`${from.full}\n${delay?.attribute('stamp') ?? ''}\n${ordinal}\n`)
    .update(packet)
    .digest();
  return {
    message: {
      timestamp,
      from: from.full,
      // One that its server had kept for an address of another account is this account's nevertheless.
      to: to?.bare === user.bare ? to.full : user.bare,
      packet,
      keys: [],
    },
    expires: expiresIn === undefined ? null : timestamp + expiresIn * 1_000_000,
    digest: digest.subarray(0, DIGEST_BYTES),
  };
}

/** The note of the server that has kept the message, where there are several: the last one in its name, else the last one. */
function delayOf(message: Element, host: string): Element | undefined {
  const delays = message
    .elements()
    .filter(({ name, ns }) => (name === 'delay' && ns === NS_DELAY) || (name === 'x' && ns === NS_DELAY_OLD));
  return delays.findLast((delay) => delay.attribute('from') === host) ?? delays.at(-1);
}
