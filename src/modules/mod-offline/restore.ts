import {
  type Accumulator,
  type C2sParams,
  delayXml,
  Flag,
  type ModuleContext,
  type OfflineMessage,
  Stanza,
} from '../module.ts';
import type { OfflineOptions } from './mod-offline.ts';

/** A stored message on its way again: from its sender, with the time it was sent, to this session alone. */
export function restore(
  context: ModuleContext<OfflineOptions>,
  acc: Accumulator,
  session: C2sParams,
  message: OfflineMessage,
): Accumulator {
  const jid = session.jid!;
  const { buffer, byteOffset, byteLength } = message.packet;
  const stanza = Stanza.ofStored(Buffer.from(buffer, byteOffset, byteLength));
  const host = context.trustedJid(jid.domain);
  const delay = delayXml(host, message.timestamp, 'Offline Storage');
  const from = context.trustedJid(message.from);
  const to = context.trustedJid(message.to);
  // It may have been sent to a resource that is not there any more.
  const restored = acc.derive(stanza.append(delay), from, to.full === jid.full ? to : jid.bareJid);
  restored.originSid = undefined;
  restored.originJid = undefined;
  restored.receiverSid = session.sid;
  restored.hops = 0;
  restored.visits = 0;
  restored.addFlag(Flag.DELAYED | Flag.STORED);
  restored.adoptPermanent(context.decodeKeys(message.keys));
  return restored;
}
