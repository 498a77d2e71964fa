import { Accumulator, Origin } from '../hooks/accumulator.ts';
import { STOP, type Verdict } from '../hooks/chain.ts';
import { runHook } from '../hooks/run.ts';
import type { Element } from '../xml/element.ts';
import { Jid } from '../xmpp/jid.ts';
import { Stanza, StanzaKind } from '../xmpp/stanza.ts';
import { applyActions } from './actions.ts';
import type { C2s } from './c2s.ts';
import { Pause } from './connection.ts';

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
  if (!(verdict instanceof Promise)) {
    finish(c2s, acc, element, verdict);
    return;
  }
  c2s.connection.pause(Pause.SUSPENDED);
  void verdict.then((settled) => {
    if (c2s.state === 'closed') return;
    finish(c2s, acc, element, settled);
    c2s.connection.unpause(Pause.SUSPENDED);
  });
}

function finish(c2s: C2s, acc: Accumulator, element: Element, verdict: Verdict): void {
  applyActions(c2s, acc.actions);
  if (verdict !== STOP) notHandled(c2s, element);
}

function notHandled(c2s: C2s, element: Element): void {
  if (Stanza.of(element).kind !== StanzaKind.OTHER) {
    // RFC 6120 §4.9.3.12: stanzas before authentication, or before a resource is bound.
    c2s.fail('not-authorized');
  } else c2s.fail('unsupported-stanza-type');
}
