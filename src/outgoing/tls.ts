import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { OutgoingTlsConfig } from '../config/config.ts';

/** What TLS to a counterpart is opened with. Reads the files; throws if one cannot be read. */
export function tlsOptions(config: OutgoingTlsConfig): ConnectionOptions {
  return {
    rejectUnauthorized: config.verifyMode === 'peer',
    minVersion: config.minVersion,
    maxVersion: config.maxVersion,
    ...(config.serverName === undefined ? {} : { servername: config.serverName }),
    ...(config.ciphers === undefined ? {} : { ciphers: config.ciphers }),
    ...(config.cacertfile === undefined ? {} : { ca: readFileSync(config.cacertfile) }),
    ...(config.certificate === undefined
      ? {}
      : {
          cert: readFileSync(config.certificate.certfile),
          key: readFileSync(config.certificate.keyfile),
          ...(config.certificate.password === undefined ? {} : { passphrase: config.certificate.password }),
        }),
  };
}
