import { Accumulator, Origin } from '../hooks/accumulator.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import type { C2s } from './c2s.ts';

/** The accumulator of an element that the client of an established session sent. Without a recipient it is for the sender's account. */
export function ownAccumulator(c2s: C2s, stanza: Stanza, to: Jid): Accumulator {
  const { host } = c2s;
  const acc = new Accumulator(
    host.nextRef(),
    host.timestamp(),
    Origin.C2S,
    c2s.hostType,
    c2s.lserver,
    stanza,
    c2s.jid,
    to,
  );
  acc.originSid = c2s.sid;
  acc.originJid = c2s.jid;
  if (c2s.isTraced) acc.trace = host.trace(c2s, acc);
  return acc;
}
