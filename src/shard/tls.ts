import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
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

  /** Reads certificates and keys. If one of them cannot be used, everything stays as it was, and this throws. */
  load(configs: readonly (TlsConfig | undefined)[]): void {
    this.#listeners = configs.map((config) => (config === undefined ? undefined : this.#listener(config)));
    this.#endPoints.clear();
  }

  #listener(config: TlsConfig): Listener {
    const byDomain = new Map<string, SecureContext>();
    for (const [domain, certificate] of config.certificates)
      byDomain.set(domain, context(config, certificate));
    return { config, byDomain, fallback: context(config, config.certificate ?? this.#selfSigned) };
  }

  wrap(c2s: C2s, socket: Socket, ready: (socket: TLSSocket) => void, failed: (cause: Error) => void): void {
    const listener = this.#listeners[c2s.listener.index];
    if (listener === undefined) {
      failed(new Error('no TLS on this listener'));
      return;
    }
    const { config } = listener;
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: listener.fallback,
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
      requestCert: config.verifyMode !== 'none' && config.cacertfile !== undefined,
      rejectUnauthorized: config.disconnectOnFailure && config.verifyMode === 'peer',
    });
    // TLS 1.2 renegotiation costs us more than them (threat T16); 1.3 has none.
    secure.disableRenegotiation();
    const end = (cause: Error): void => {
      secure.off('secure', start);
      failed(cause);
    };
    const closed = (): void => end(new Error('closed during the TLS handshake'));
    const start = (): void => {
      secure.off('error', end);
      secure.off('close', closed);
      ready(secure);
    };
    secure.once('secure', start);
    secure.once('error', end);
    secure.once('close', closed);
  }

  of(c2s: C2s): TlsFacts | undefined {
    const { socket } = c2s.connection;
    if (!(socket instanceof TLSSocket)) return undefined;
    return {
      protocol: socket.getProtocol() ?? '',
      exporter: () => socket.exportKeyingMaterial(TLS_EXPORTER_BYTES, TLS_EXPORTER_LABEL, Buffer.alloc(0)),
      serverEndPoint: this.#endPoint(socket),
    };
  }

  #endPoint(socket: TLSSocket): Buffer | undefined {
    const certificate = socket.getCertificate();
    const raw = certificate !== null && 'raw' in certificate ? certificate.raw : undefined;
    if (raw === undefined) return undefined;
    const key = raw.latin1Slice(0, raw.length);
    if (!this.#endPoints.has(key)) this.#endPoints.set(key, tlsServerEndPoint(raw));
    return this.#endPoints.get(key);
  }
}

function context(config: TlsConfig, certificate: CertificateConfig): SecureContext {
  return createSecureContext({
    cert: readFileSync(certificate.certfile),
    key: readFileSync(certificate.keyfile),
    ...(certificate.password === undefined ? {} : { passphrase: certificate.password }),
    ...(config.cacertfile === undefined ? {} : { ca: readFileSync(config.cacertfile) }),
    ...(config.ciphers === undefined ? {} : { ciphers: config.ciphers }),
    minVersion: config.minVersion,
    maxVersion: config.maxVersion,
    honorCipherOrder: true,
  });
}

/** The certificate for the name that the client asks for: its own, that of a wildcard, or the listener's. */
function select(listener: Listener, name: string): SecureContext {
  const domain = name.toLowerCase();
  const dot = domain.indexOf('.');
  return (
    listener.byDomain.get(domain) ??
    (dot < 0 ? undefined : listener.byDomain.get(`*${domain.slice(dot)}`)) ??
    listener.fallback
  );
}
