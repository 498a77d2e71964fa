import type { CertificateConfig, Config, ListenerConfig } from '../config/config.ts';
import { certificatesOf, oddity } from '../observe/certificates.ts';
import { secureContext } from '../util/secure-context.ts';

/** Something about a configured certificate that the operator should know. */
export interface CertificateNote {
  /** The listener's path in the configuration. */
  readonly listener: string;
  readonly file: string;
  readonly text: string;
  /** Whether one of its files cannot even be read. */
  readonly isUnreadable: boolean;
}

export interface CertificateReport {
  /** What keeps a listener from working. */
  readonly problems: readonly CertificateNote[];
  /** What works, but not for every client. */
  readonly warnings: readonly CertificateNote[];
}

/**
 * Makes the TLS contexts of all certificates once, as the listeners will do, and tells what came of it. Whoever uses certificates would find out,
 * too, but later: some threads might have changed theirs already. `selfSigned` is that of listeners without one of their own.
 */
export function checkCertificates(
  { listen }: Config,
  selfSigned: CertificateConfig | undefined,
  nowMs: number,
): CertificateReport {
  const listeners: readonly ListenerConfig[] = [...listen.c2s, ...listen.http];
  const problems: CertificateNote[] = [];
  const warnings: CertificateNote[] = [];
  for (const listener of listeners) {
    for (const { certificate } of certificatesOf([listener], selfSigned)) {
      const note = { listener: listener.name, file: certificate.certfile, isUnreadable: false };
      try {
        secureContext(listener.tls!, certificate);
        const text = oddity(certificate.certfile, nowMs);
        if (text !== undefined) warnings.push({ ...note, text });
      } catch (cause) {
        const { message, syscall } = cause as NodeJS.ErrnoException;
        problems.push({
          ...note,
          text: `it cannot be used: ${message}`,
          isUnreadable: syscall !== undefined,
        });
      }
    }
  }
  return { problems, warnings };
}

/** A note in words. */
export function noteText({ listener, file, text }: CertificateNote): string {
  return `${listener}.tls: ${file}: ${text}`;
}
