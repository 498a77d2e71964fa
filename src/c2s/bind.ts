import { Accumulator, Origin } from '../hooks/accumulator.ts';
import { randomText } from '../util/random.ts';
import { Element } from '../xml/element.ts';
import { serialize } from '../xml/writer.ts';
import { Jid, parseResource } from '../xmpp/jid.ts';
import { NS_BIND, NS_CLIENT } from '../xmpp/namespaces.ts';
import { Stanza } from '../xmpp/stanza.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import type { C2s } from './c2s.ts';
import { foreignElement } from './foreign-element.ts';
import { enterSession, mayOpenSession, nameSession } from './open-session.ts';
import { hold } from './receive.ts';
import { suspendUntil } from './suspend.ts';

/** A top-level element between login and resource binding (RFC 6120 §7). */
export function bindElement(c2s: C2s, element: Element): void {
  if (element.name !== 'iq' || element.ns !== NS_CLIENT) {
    if (element.ns === NS_CLIENT && (element.name === 'message' || element.name === 'presence')) {
      // RFC 6120 §7.1: nothing may be sent before a resource is bound.
      c2s.fail('not-authorized', 'bind a resource first');
      return;
    }
    foreignElement(c2s, element);
    return;
  }
  const bind = element.childOf(NS_BIND);
  if (element.attribute('type') !== 'set' || bind?.name !== 'bind' || element.elements().length !== 1) {
    retry(c2s, element, new StanzaError('bad-request'));
    return;
  }
  const wanted = bind.childText('resource') ?? '';
  const resource = wanted === '' ? generateResource() : parseResource(wanted);
  if (resource === undefined) {
    retry(c2s, element, new StanzaError('bad-request', 'this resource is not acceptable'));
    return;
  }
  openSession(c2s, element, new Jid(c2s.jid.local, c2s.jid.domain, resource, c2s.jid));
}

/** RFC 6120 §7.6: unique, and with no meaning that others could guess. */
export function generateResource(): string {
  return randomText(12, 'base64url');
}

function openSession(c2s: C2s, iq: Element, jid: Jid): void {
  const allowed = mayOpenSession(c2s, accumulator(c2s, iq, jid), jid);
  if (allowed instanceof Promise) suspendUntil(c2s, allowed, (settled) => afterOpen(c2s, iq, jid, settled));
  else afterOpen(c2s, iq, jid, allowed);
}

function afterOpen(c2s: C2s, iq: Element, jid: Jid, isAllowed: boolean): void {
  if (!isAllowed) {
    retry(c2s, iq, new StanzaError('not-allowed'));
    return;
  }
  nameSession(c2s, jid);
  // A session that is replaced hands over at once what its client has not acknowledged: behind the answer to this request.
  const release = hold(c2s);
  if (!enterSession(c2s)) {
    release();
    retry(c2s, iq, new StanzaError('resource-constraint', 'no room for more sessions'));
    return;
  }
  const result = Element.of(
    'iq',
    NS_CLIENT,
    { type: 'result', id: iq.attribute('id') },
    Element.of('bind', NS_BIND, {}, Element.of('jid', NS_BIND, {}, c2s.jid.full)),
  );
  c2s.write(serialize(result, NS_CLIENT));
  release();
}

function accumulator(c2s: C2s, iq: Element, jid: Jid): Accumulator {
  const { host } = c2s;
  return new Accumulator(
    host.nextRef(),
    host.timestamp(),
    Origin.C2S,
    c2s.hostType,
    c2s.lserver,
    Stanza.of(iq),
    jid,
    jid.bareJid,
  );
}

/** An error to the request, and another chance as long as there are any. */
function retry(c2s: C2s, iq: Element, error: StanzaError): void {
  const negotiation = c2s.negotiation!;
  writeError(c2s, iq, error);
  if (--negotiation.bindRetriesLeft >= 0) negotiation.stepped(c2s.host.monotonicMs());
  // RFC 6120 §7.6.2.1 and §7.7.2.1 want a stream error.
  else c2s.fail('policy-violation', 'too many attempts to bind a resource', 'too_many_bind_failures');
}

/** Writes an error reply past all hooks: the session that would route it does not exist yet. */
export function writeError(c2s: C2s, stanza: Element, error: StanzaError): void {
  const type = stanza.attribute('type');
  if (type === 'error' || type === 'result') return;
  const reply = stanza.copy();
  reply.attributes.delete('to');
  reply.attributes.delete('from');
  const to = stanza.attribute('to');
  if (to !== undefined) reply.attributes.set('from', to);
  reply.attributes.set('type', 'error');
  reply.children.unshift(error.toElement());
  c2s.write(serialize(reply, NS_CLIENT));
}
