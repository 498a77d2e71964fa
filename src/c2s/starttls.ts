import { NS_TLS } from '../xmpp/namespaces.ts';
import { type C2s, UNOPENED } from './c2s.ts';
import { Pause } from './connection.ts';

/** `<starttls/>` (RFC 6120 §5.4.2). */
export function startTls(c2s: C2s): void {
  const { connection } = c2s;
  if (c2s.listener.tls === undefined) {
    // RFC 6120 §5.4.2.2: the failure ends the stream.
    c2s.write(`<failure xmlns='${NS_TLS}'/>`);
    c2s.end('starttls_not_offered');
    return;
  }
  if (connection.isEncrypted) {
    c2s.fail('policy-violation', 'already encrypted');
    return;
  }
  c2s.write(`<proceed xmlns='${NS_TLS}'/>`);
  connection.pause(Pause.HANDSHAKE);
  connection.afterFlush(() => {
    // Whatever came with <starttls/> in the clear must not be taken for something said inside TLS (threat T14).
    if (connection.unreadBytes > 0) {
      c2s.reason = 'starttls_injection';
      c2s.disconnected(undefined);
      connection.destroy();
      return;
    }
    handshake(c2s);
  });
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
      connection.adoptTls(secure);
      connection.restart(UNOPENED);
      c2s.negotiation?.renewStreamId();
      c2s.negotiation?.stepped(host.monotonicMs());
      c2s.state = 'wait_for_stream';
      connection.unpause(Pause.HANDSHAKE);
    },
    (cause) => {
      host.log.debug({ err: cause, what: 'tls_failed', address: c2s.info.address }, 'TLS handshake failed');
      c2s.reason = 'tls_handshake_failed';
      c2s.disconnected(cause);
      connection.destroy();
    },
  );
}
