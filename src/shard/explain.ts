import { Accumulator, Origin } from '../hooks/accumulator.ts';
import type { Trace, TraceStep } from '../hooks/trace.ts';
import { parseJid } from '../xmpp/jid.ts';
import { parseElementText, Stanza, StanzaKind } from '../xmpp/stanza.ts';
import type { Shard } from './shard.ts';

/** `meerkat route`: what would happen to a stanza, without its happening. */
export function explainRoute(shard: Shard, from: string, to: string, xml: string): TraceStep[] {
  const sender = parseJid(from);
  const recipient = parseJid(to);
  if (sender === undefined) throw new Error(`not an address: ${from}`);
  if (recipient === undefined) throw new Error(`not an address: ${to}`);
  const stanza = Stanza.of(parseElementText(xml));
  if (stanza.kind === StanzaKind.OTHER) throw new Error('only message, presence and iq are routed');
  const steps: TraceStep[] = [];
  const trace: Trace = { isDryRun: true, note: (step) => steps.push(step) };
  const domain = shard.domain(sender.domain);
  const acc = new Accumulator(
    shard.nextRef(),
    shard.timestamp(),
    Origin.ADMIN,
    domain?.hostType,
    sender.domain,
    stanza,
    sender,
    recipient,
  );
  acc.trace = trace;
  shard.dryRun.run(acc, () => {
    void shard.routing.route(acc);
  });
  return steps;
}
