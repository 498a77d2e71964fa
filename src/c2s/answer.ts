import { Accumulator, Origin } from '../hooks/accumulator.ts';
import type { Verdict } from '../hooks/chain.ts';
import { runHook } from '../hooks/run.ts';
import { Element } from '../xml/element.ts';
import { Jid } from '../xmpp/jid.ts';
import { NS_CLIENT, NS_SESSION } from '../xmpp/namespaces.ts';
import { Stanza, StanzaKind } from '../xmpp/stanza.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import { applyActions } from './actions.ts';
import type { C2s } from './c2s.ts';
import { ownAccumulator } from './own-accumulator.ts';
import { presend } from './receive.ts';
import { holdInput } from './suspend.ts';

/** What the session itself answers; undefined when there is nothing to say. */
export interface Answer {
  readonly element: Element;
  readonly from: Jid;
}

/**
 * Deals with a stanza that is not routed. It counts like any other (XEP-0198 §4), so `user_send_packet` runs before, and the
 * answer passes the stage where stanzas to the client are counted.
 */
export function answerHere(c2s: C2s, stanza: Stanza, answer: Answer | undefined): void {
  const acc = ownAccumulator(c2s, stanza, c2s.jid.bareJid);
  const verdict = runHook(c2s.hostType, 'user_send_packet', acc, c2s);
  if (verdict instanceof Promise) {
    holdInput(
      c2s,
      verdict.then((v) => finish(c2s, acc, v, answer)),
    );
  } else finish(c2s, acc, verdict, answer);
}

function finish(c2s: C2s, acc: Accumulator, verdict: Verdict, answer: Answer | undefined): void {
  applyActions(c2s, acc.actions);
  if (verdict !== undefined || answer === undefined || c2s.state === 'closed') return;
  const { host } = c2s;
  const stanza = Stanza.of(answer.element);
  const reply = new Accumulator(
    host.nextRef(),
    host.timestamp(),
    Origin.NONE,
    c2s.hostType,
    c2s.lserver,
    stanza,
    answer.from,
    c2s.jid,
  );
  presend(c2s, reply);
}

/** The error for a stanza whose `to` is no address. It comes from that very text, so that the client knows what it is about. */
export function malformedAddressError(stanza: Stanza): Answer | undefined {
  if (stanza.type === 'error' || stanza.type === 'result') return undefined;
  const element = stanza.element.copy();
  element.attributes.set('type', 'error');
  element.children.unshift(new StanzaError('jid-malformed').toElement());
  return { element, from: new Jid('', stanza.attribute('to')!, '') };
}

/** Whether a stanza is the session request of RFC 3921, which is answered and does nothing (RFC 6121 appendix E). */
export function isSessionRequest(c2s: C2s, stanza: Stanza, to: Jid): boolean {
  if (stanza.kind !== StanzaKind.IQ || stanza.type !== 'set') return false;
  if (to !== c2s.jid.bareJid && to.full !== c2s.lserver && to.full !== c2s.jid.bare) return false;
  return stanza.element.child('session', NS_SESSION) !== undefined;
}

export function sessionResult(stanza: Stanza, to: Jid): Answer {
  return { element: Element.of('iq', NS_CLIENT, { type: 'result', id: stanza.id }), from: to };
}
