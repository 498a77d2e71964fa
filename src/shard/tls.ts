import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import {
  TLS_EXPORTER_BYTES,
  TLS_EXPORTER_LABEL,
  type TlsFacts,
  tlsServerEndPoint,
} from '../auth/sasl/channel-binding.ts';
import type { C2s } from '../c2s/c2s.ts';
import type { TlsService } from '../c2s/tls.ts';
import type { CertificateConfig, TlsConfig } from '../config/config.ts';
import type { Logger } from '../observe/log.ts';
import { secureContext } from '../util/secure-context.ts';
import { parseDomain } from '../xmpp/jid.ts';

/** RFC 7395 aside, the one protocol spoken on a c2s listener (XEP-0368 §2). */
const ALPN = 'xmpp-client';

/** Where SASL finds what it needs to know of a connection's TLS. */
export interface TlsFactsSource {
  of(c2s: C2s): TlsFacts | undefined;
}

interface Listener {
  readonly config: TlsConfig;
  readonly fallback: SecureContext;
  readonly byDomain: ReadonlyMap<string, SecureContext>;
}

/** Certificates and keys of the listeners, and TLS on their connections. */
export class Tls implements TlsService, TlsFactsSource {
  readonly #log: Logger;
  readonly #selfSigned: CertificateConfig;
  #listeners: (Listener | undefined)[] = [];
  /** Of each certificate, as DER in Latin-1: the digest is the same for every connection. */
  readonly #endPoints = new Map<string, Buffer | undefined>();

  constructor(log: Logger, selfSigned: CertificateConfig) {
    this.#log = log;
    this.#selfSigned = selfSigned;
  }

  /** Reads certificates and keys, and returns what takes them into use. Throws if one of them cannot be used. */
  prepare(configs: readonly (TlsConfig | undefined)[]): () => void {
    const listeners = configs.map((config) => (config === undefined ? undefined : this.#listener(config)));
    return () => {
      this.#listeners = listeners;
      this.#endPoints.clear();
    };
  }

  #listener(config: TlsConfig): Listener {
    const byDomain = new Map<string, SecureContext>();
    for (const [domain, certificate] of config.certificates)
      byDomain.set(domain, secureContext(config, certificate));
    return { config, byDomain, fallback: secureContext(config, config.certificate ?? this.#selfSigned) };
  }

  wrap(c2s: C2s, socket: Socket, ready: (socket: TLSSocket) => void, failed: (cause: Error) => void): void {
    const listener = this.#listeners[c2s.listener.index];
    if (listener === undefined) {
      failed(new Error('no TLS on this listener'));
      return;
    }
    const { config } = listener;
    const asksForCertificate = config.verifyMode !== 'none';
    const secure = new TLSSocket(socket, {
      isServer: true,
      // For clients that name no server in TLS: the domain that the stream was opened to, if it was.
      secureContext: c2s.hostType === undefined ? listener.fallback : select(listener, c2s.lserver),
      ALPNCallback: ({ protocols }) => (protocols.includes(ALPN) ? ALPN : undefined),
      SNICallback: (name, done) => {
        // A throw in here would end the process (CVE-2026-21637).
        try {
          done(null, select(listener, name));
        } catch (cause) {
          this.#log.warn({ err: cause, what: 'sni_failed' }, 'choosing a certificate failed');
          done(null, listener.fallback);
        }
      },
      requestCert: asksForCertificate,
      rejectUnauthorized: asksForCertificate && config.disconnectOnFailure,
    });
    const end = (cause: Error): void => {
      secure.off('secure', start);
      secure.off('error', end);
      secure.off('end', closed);
      secure.off('close', closed);
      secure.destroy();
      failed(cause);
    };
    const closed = (): void => end(new Error('closed during the TLS handshake'));
    const start = (): void => {
      const problem = asksForCertificate && config.disconnectOnFailure ? refusal(secure, config) : undefined;
      if (problem !== undefined) {
        end(new Error(`the client's certificate is refused: ${problem}`));
        return;
      }
      secure.off('error', end);
      secure.off('end', closed);
      secure.off('close', closed);
      ready(secure);
    };
    // An error that nobody listens for would end the thread (threat T17).
    secure.on('error', ignore);
    secure.once('secure', start);
    secure.once('error', end);
    secure.once('end', closed);
    secure.once('close', closed);
  }

  of(c2s: C2s): TlsFacts | undefined {
    const { socket } = c2s.connection;
    if (!(socket instanceof TLSSocket)) return undefined;
    return {
      protocol: socket.getProtocol() ?? '',
      exporter: () => socket.exportKeyingMaterial(TLS_EXPORTER_BYTES, TLS_EXPORTER_LABEL, Buffer.alloc(0)),
      serverEndPoint: this.#endPoint(socket),
      clientCertificate: this.#clientCertificate(c2s, socket),
    };
  }

  /** What the client showed, if the listener asked for it and has nothing against it. */
  #clientCertificate(c2s: C2s, socket: TLSSocket): Uint8Array | undefined {
    const config = this.#listeners[c2s.listener.index]?.config;
    if (config === undefined || config.verifyMode === 'none') return undefined;
    const certificate = socket.getPeerX509Certificate();
    return certificate === undefined || refusal(socket, config) !== undefined ? undefined : certificate.raw;
  }

  #endPoint(socket: TLSSocket): Buffer | undefined {
    const raw = socket.getX509Certificate()?.raw;
    if (raw === undefined) return undefined;
    const key = raw.latin1Slice(0, raw.length);
    if (!this.#endPoints.has(key)) this.#endPoints.set(key, tlsServerEndPoint(raw));
    return this.#endPoints.get(key);
  }
}

function ignore(): void {}

/** What `tls.Server` looks at after a handshake; a socket wrapped by hand has to ask for itself. Not documented. */
interface WithVerifyError {
  readonly _handle?: { verifyError?(): (Error & { readonly code?: string }) | null } | null;
}

/** Why the client's certificate is not accepted; undefined when it is. If we cannot tell, it is not. */
function refusal(secure: TLSSocket, { verifyMode }: TlsConfig): string | undefined {
  const handle = (secure as unknown as WithVerifyError)._handle;
  if (handle?.verifyError === undefined) return 'it cannot be verified';
  const error = handle.verifyError();
  if (error === null || error === undefined) return undefined;
  const isSelfSigned = error.code === 'DEPTH_ZERO_SELF_SIGNED_CERT';
  return isSelfSigned && verifyMode === 'selfsigned_peer' ? undefined : (error.code ?? error.message);
}

/** The certificate for the name that the client asks for: its own, that of a wildcard, or the listener's. */
function select(listener: Listener, name: string): SecureContext {
  // The configuration names domains as they are prepared; the client says `xn--…`.
  const domain = parseDomain(name) ?? name.toLowerCase();
  const dot = domain.indexOf('.');
  return (
    listener.byDomain.get(domain) ??
    (dot < 0 ? undefined : listener.byDomain.get(`*${domain.slice(dot)}`)) ??
    listener.fallback
  );
}
