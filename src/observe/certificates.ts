import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { CertificateConfig, ListenerConfig } from '../config/config.ts';

/** A certificate in use. */
export interface UsedCertificate {
  /** The listener's path in the configuration. */
  readonly listener: string;
  /** The domain that it is for; `*` for all that have none of their own. */
  readonly domain: string;
  readonly certificate: CertificateConfig;
}

/** All certificates of the listeners that have TLS. `selfSigned` is that of those without one of their own. */
export function certificatesOf(
  listeners: readonly ListenerConfig[],
  selfSigned: CertificateConfig | undefined,
): UsedCertificate[] {
  return listeners.flatMap(({ name: listener, tls }) => {
    if (tls === undefined) return [];
    const fallback = tls.certificate ?? selfSigned;
    return [
      ...(fallback === undefined ? [] : [{ listener, domain: '*', certificate: fallback }]),
      ...[...tls.certificates].map(([domain, certificate]) => ({ listener, domain, certificate })),
    ];
  });
}

/** When certificates end, as they were when last read. */
export class CertificateDates {
  #dates: { readonly listener: string; readonly domain: string; readonly untilMs: number }[] = [];

  /** Reads the certificates: at the start, and at every reload, as the listeners do. Unreadable ones are left out. */
  read(certificates: readonly UsedCertificate[]): void {
    this.#dates = certificates.flatMap(({ listener, domain, certificate }) => {
      const untilMs = validUntilMs(certificate.certfile);
      return untilMs === undefined ? [] : [{ listener, domain, untilMs }];
    });
  }

  daysLeft(nowMs: number): { readonly listener: string; readonly domain: string; readonly days: number }[] {
    return this.#dates.map(({ listener, domain, untilMs }) => ({
      listener,
      domain,
      days: (untilMs - nowMs) / 86_400_000,
    }));
  }
}

/** Key types that every client of today takes. */
const COMMON_KEYS: readonly (string | undefined)[] = ['rsa', 'ec'];

/** Why clients may have trouble with a readable certificate; undefined if there is no reason. */
export function oddity(certfile: string, nowMs: number): string | undefined {
  const { publicKey, validFromDate, validToDate } = new X509Certificate(readFileSync(certfile));
  if (validToDate.getTime() <= nowMs) return `it ended on ${validToDate.toISOString().slice(0, 10)}`;
  if (validFromDate.getTime() > nowMs)
    return `it is not valid before ${validFromDate.toISOString().slice(0, 10)}`;
  const { asymmetricKeyType: type } = publicKey;
  return COMMON_KEYS.includes(type)
    ? undefined
    : `few clients take a key of the type ${type}; RSA or ECDSA serves all`;
}

function validUntilMs(certfile: string): number | undefined {
  try {
    return new X509Certificate(readFileSync(certfile)).validToDate.getTime();
  } catch {
    return undefined;
  }
}
