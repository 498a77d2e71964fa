import {
  type Accumulator,
  type C2sParams,
  DAMAGED_MESSAGE,
  type Damage,
  delayXml,
  Flag,
  type Jid,
  type ModuleContext,
  type OfflineMessage,
  Stanza,
  soundMessage,
} from '../module.ts';
import type { OfflineOptions } from './mod-offline.ts';

/** A stored message on its way again: from its sender, with the time it was sent, to this session alone. In place of one that is damaged in the database comes an error. */
export function restore(
  context: ModuleContext<OfflineOptions>,
  damage: Damage,
  acc: Accumulator,
  session: C2sParams,
  message: OfflineMessage,
): Accumulator {
  const jid = session.jid!;
  const stanza = Stanza.ofStored(soundPacket(damage, jid, message) ?? Buffer.from(DAMAGED_MESSAGE));
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

/** The bytes of a message of `user`; undefined if they are damaged in the database. They have addresses if they came from another shard, or out of a session. */
export function soundPacket(damage: Damage, user: Jid, { packet, id }: OfflineMessage): Buffer | undefined {
  return soundMessage(packet, true) ?? damage.report({ user: user.bare, row: id });
}
