import { Accumulator, Origin } from '../hooks/accumulator.ts';
import { STOP, type Verdict } from '../hooks/chain.ts';
import { runHook } from '../hooks/run.ts';
import type { Element } from '../xml/element.ts';
import { Jid } from '../xmpp/jid.ts';
import { NS_CLIENT } from '../xmpp/namespaces.ts';
import { kindOf, Stanza, StanzaKind } from '../xmpp/stanza.ts';
import type { StreamErrorCondition } from '../xmpp/stream-error.ts';
import { applyActions } from './actions.ts';
import type { C2s } from './c2s.ts';
import { suspendUntil } from './suspend.ts';

/**
 * An element that the state machine itself knows nothing about, before the session is established: modules that handle
 * `user_send_xmlel` may (registration, SASL2, stream management). Addresses are the server's on both sides.
 */
export function foreignElement(c2s: C2s, element: Element): void {
  const { host } = c2s;
  const server = new Jid('', c2s.lserver, '');
  const acc = new Accumulator(
    host.nextRef(),
    host.timestamp(),
    Origin.C2S,
    c2s.hostType,
    c2s.lserver,
    Stanza.of(element),
    server,
    server,
  );
  const verdict = runHook(c2s.hostType, 'user_send_xmlel', acc, c2s);
  if (verdict instanceof Promise) {
    suspendUntil(c2s, verdict, (settled) => finish(c2s, acc, element, settled));
  } else finish(c2s, acc, element, verdict);
}

function finish(c2s: C2s, acc: Accumulator, element: Element, verdict: Verdict): void {
  applyActions(c2s, acc.actions);
  // RFC 6120 §4.9.3.12: stanzas before authentication, or before a resource is bound.
  if (verdict !== STOP) refuseElement(c2s, element, 'not-authorized');
}

/** Ends the stream over an element that neither we nor a module can do anything with. `asStanza` is for real stanzas. */
export function refuseElement(c2s: C2s, element: Element, asStanza: StreamErrorCondition): void {
  if (kindOf(element.name) === StanzaKind.OTHER) {
    // RFC 6120 §4.9.3.24
    c2s.fail('unsupported-stanza-type');
  } else if (element.ns === NS_CLIENT) c2s.fail(asStanza);
  // The name of a stanza alone makes none (threat T11).
  else c2s.fail('invalid-namespace');
}
