import type { CertificateConfig, TlsConfig } from '../config.ts';
import type { Path } from '../path.ts';
import type { C2sTable, HttpTable } from '../schema/listen.ts';
import type { ResolveContext } from './context.ts';
import { absolute, secret, unreadable } from './files.ts';
import { knownNames } from './names.ts';

type C2sTls = NonNullable<C2sTable['tls']>;
type HttpTls = NonNullable<HttpTable['tls']>;

const VERSIONS = ['tlsv1.2', 'tlsv1.3'] as const;

export function resolveTls(table: C2sTls | HttpTls, path: Path, context: ResolveContext): TlsConfig {
  const { minVersion, maxVersion } = versionsOf(table.versions, [...path, 'versions'], context);
  return {
    mode: 'mode' in table ? table.mode : 'tls',
    verifyMode: table.verify_mode,
    disconnectOnFailure: 'disconnect_on_failure' in table ? table.disconnect_on_failure : true,
    certificate: defaultCertificate(table, path, context),
    certificates: certificatesByDomain(table, path, context),
    cacertfile: pemFile(table.cacertfile, [...path, 'cacertfile'], context),
    crlFiles:
      'crl_files' in table && table.crl_files !== undefined
        ? table.crl_files.map((file, i) => pemFile(file, [...path, 'crl_files', i], context))
        : [],
    ciphers: table.ciphers,
    minVersion,
    maxVersion,
  };
}

interface CertificateTable {
  readonly certfile: string;
  readonly keyfile: string;
  readonly password?: string | undefined;
  readonly password_file?: string | undefined;
}

function certificate(table: CertificateTable, path: Path, context: ResolveContext): CertificateConfig {
  return {
    certfile: pemFile(table.certfile, [...path, 'certfile'], context),
    keyfile: pemFile(table.keyfile, [...path, 'keyfile'], context),
    password: secret(context, path, 'password', table.password, table.password_file),
  };
}

function defaultCertificate(
  table: C2sTls | HttpTls,
  path: Path,
  context: ResolveContext,
): CertificateConfig | undefined {
  const { certfile, keyfile } = table;
  if (certfile !== undefined && keyfile !== undefined)
    return certificate({ ...table, certfile, keyfile }, path, context);
  // Certificate and key must be separate files.
  const { report } = context;
  if (certfile !== undefined)
    report.error([...path, 'keyfile'], 'missing, certfile needs the key in a file of its own');
  else if (keyfile !== undefined)
    report.error([...path, 'certfile'], 'missing, keyfile says nothing without it');
  else secret(context, path, 'password', table.password, table.password_file);
  return undefined;
}

function certificatesByDomain(
  table: C2sTls | HttpTls,
  path: Path,
  context: ResolveContext,
): Map<string, CertificateConfig> {
  const byDomain = new Map<string, CertificateConfig>();
  for (const [i, entry] of table.certificate.entries()) {
    const entryPath = [...path, 'certificate', i];
    if (byDomain.has(entry.domain)) {
      context.report.error([...entryPath, 'domain'], `"${entry.domain}" has a certificate already`, {
        value: entry.domain,
      });
    }
    byDomain.set(entry.domain, certificate(entry, entryPath, context));
  }
  return byDomain;
}

/**
 * A file that TLS will read. That it is missing is a warning here, so that a configuration can be checked on another machine;
 * the listener does not start without it.
 */
export function pemFile(file: string, path: Path, context: ResolveContext): string;
export function pemFile(file: string | undefined, path: Path, context: ResolveContext): string | undefined;
export function pemFile(file: string | undefined, path: Path, context: ResolveContext): string | undefined {
  if (file === undefined) return undefined;
  const name = absolute(context, file);
  const why = unreadable(name);
  if (why !== undefined) {
    context.report.warn(path, `cannot read ${name}: ${why}; the server will not start without it`, {
      value: file,
    });
  }
  return name;
}

/** The versions that may be spoken, as Node.js wants to know them. */
export function versionsOf(versions: readonly string[], path: Path, { report }: ResolveContext) {
  const known = knownNames(versions, VERSIONS, path, report, 'unsafe, never offered');
  if (known.length === 0)
    report.error(path, 'expected "tlsv1.2" or "tlsv1.3" among them', { value: versions });
  return {
    minVersion: known.includes('tlsv1.2') ? 'TLSv1.2' : 'TLSv1.3',
    maxVersion: known.includes('tlsv1.3') ? 'TLSv1.3' : 'TLSv1.2',
  } as const;
}
