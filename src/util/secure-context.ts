import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { CertificateConfig, TlsConfig } from '../config/config.ts';

/** What a certificate is served with on a listener. Reads the files; throws if one cannot be read. */
export function contextOptions(config: TlsConfig, certificate: CertificateConfig): SecureContextOptions {
  return {
    cert: readFileSync(certificate.certfile),
    key: readFileSync(certificate.keyfile),
    ...(certificate.password === undefined ? {} : { passphrase: certificate.password }),
    ...(config.cacertfile === undefined ? {} : { ca: readFileSync(config.cacertfile) }),
    ...(config.crlFiles.length === 0 ? {} : { crl: config.crlFiles.map((file) => readFileSync(file)) }),
    ...(config.ciphers === undefined ? {} : { ciphers: config.ciphers }),
    minVersion: config.minVersion,
    maxVersion: config.maxVersion,
    honorCipherOrder: true,
    // TLS 1.2 renegotiation costs us more than them (threat T16); 1.3 has none. (`disableRenegotiation` works in `tls.Server` only.)
    secureOptions:
      constants.SSL_OP_NO_RENEGOTIATION |
      // A resumed connection would bring along a certificate that was looked at when it was still good: with certificates each one is seen anew.
      (config.verifyMode === 'none' ? 0 : constants.SSL_OP_NO_TICKET),
  };
}

/** The same, ready for use. Throws if certificate, key, authorities or ciphers cannot be used. */
export function secureContext(config: TlsConfig, certificate: CertificateConfig): SecureContext {
  return createSecureContext(contextOptions(config, certificate));
}
