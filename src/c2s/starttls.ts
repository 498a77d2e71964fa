import type { Element } from '../xml/element.ts';
import { NS_TLS } from '../xmpp/namespaces.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import { writeError } from './bind.ts';
import { type C2s, UNOPENED } from './c2s.ts';
import { Pause } from './pause.ts';

/** `<starttls/>` (RFC 6120 §5.4.2). */
export function startTls(c2s: C2s, element: Element): void {
  const { connection } = c2s;
  if (c2s.listener.tls === undefined) {
    // RFC 6120 §5.4.2.2: the failure ends the stream.
    c2s.write(`<failure xmlns='${NS_TLS}'/>`);
    c2s.end('starttls_not_offered');
    return;
  }
  if (connection.isEncrypted) {
    refuseAgain(c2s, element);
    return;
  }
  c2s.write(`<proceed xmlns='${NS_TLS}'/>`);
  connection.pause(Pause.HANDSHAKE);
  connection.afterFlush((isFlushed) => {
    if (!isFlushed) return;
    // Whatever came with <starttls/> in the clear must not be taken for something said inside TLS (threat T14).
    if (connection.unreadBytes > 0) {
      c2s.abort('starttls_injection');
      return;
    }
    handshake(c2s);
  });
}

/** The channel is encrypted already: an error, and the attempt counts like a failed login. */
function refuseAgain(c2s: C2s, element: Element): void {
  const negotiation = c2s.negotiation!;
  writeError(c2s, element, new StanzaError('bad-request', 'bad_config'));
  if (--negotiation.saslFailuresLeft >= 0) negotiation.stepped(c2s.host.monotonicMs());
  else c2s.fail('policy-violation', 'too many attempts', 'too_many_auth_failures');
}

/** Negotiates TLS on the connection, then starts the stream anew (RFC 6120 §5.4.3.3). */
export function handshake(c2s: C2s): void {
  const { connection, host } = c2s;
  connection.pause(Pause.HANDSHAKE);
  c2s.negotiation!.handshakeStarted(host.monotonicMs());
  host.tls.wrap(
    c2s,
    connection.releaseSocket(),
    (secure) => {
      if (c2s.state === 'closed') {
        secure.destroy();
        return;
      }
      connection.adoptTls(secure);
      connection.restart(UNOPENED);
      c2s.negotiation!.renewStreamId();
      c2s.negotiation!.stepped(host.monotonicMs());
      c2s.state = 'wait_for_stream';
      connection.unpause(Pause.HANDSHAKE);
    },
    (cause) => {
      host.log.debug({ err: cause, what: 'tls_failed', address: c2s.info.address }, 'TLS handshake failed');
      c2s.abort('tls_handshake_failed');
    },
  );
}
