import type { SecureContext, TlsOptions } from 'node:tls';
import type { CertificateConfig, TlsConfig } from '../config/config.ts';
import { contextOptions, secureContext } from '../util/secure-context.ts';

/** What an HTTPS server is made with, and again at every reload: certificates are read anew. Throws if one cannot be used. */
export function tlsOptions(config: TlsConfig, selfSigned: CertificateConfig): TlsOptions {
  const byDomain = new Map<string, SecureContext>();
  for (const [domain, certificate] of config.certificates)
    byDomain.set(domain, secureContext(config, certificate));
  return {
    ...contextOptions(config, config.certificate ?? selfSigned),
    requestCert: config.verifyMode !== 'none',
    rejectUnauthorized: config.verifyMode === 'peer',
    SNICallback: (name, done) => done(null, byDomain.get(name.toLowerCase()) ?? wildcard(byDomain, name)),
  };
}

function wildcard(byDomain: ReadonlyMap<string, SecureContext>, name: string): SecureContext | undefined {
  const dot = name.indexOf('.');
  return dot < 0 ? undefined : byDomain.get(`*${name.slice(dot).toLowerCase()}`);
}
