import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestCertificate } from './certificates.ts';

/** What a certificate of a client says. */
export interface Subject {
  /** In OpenSSL's notation: `/CN=romeo`. */
  readonly subject?: string;
  /** Addresses in the subjectAltName, as id-on-xmppAddr. */
  readonly xmppAddresses?: readonly string[];
  /** Further lines of the extensions section. */
  readonly extensions?: readonly string[];
  /** Further entries of the subjectAltName. */
  readonly altNames?: readonly string[];
  /** `YYYYMMDDHHMMSSZ`; default: from yesterday until tomorrow. */
  readonly from?: string;
  readonly until?: string;
  readonly isSelfSigned?: boolean;
}

/** A certificate authority made with the `openssl` command, for certificates of clients with all that one may find in them. */
export class Authority {
  readonly directory = mkdtempSync(join(tmpdir(), 'mk-ca-'));
  readonly certfile = this.#path('ca.pem');
  #count = 0;

  constructor(name = 'Test CA') {
    mkdirSync(this.#path('certs'));
    writeFileSync(this.#path('index.txt'), '');
    writeFileSync(this.#path('serial'), '1000\n');
    writeFileSync(this.#path('crlnumber'), '1000\n');
    this.#openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '30'],
      ...['-subj', `/CN=${name}`, '-keyout', this.#path('ca.key'), '-out', this.certfile],
      ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    );
  }

  /** Makes a certificate. */
  issue(subject: Subject): TestCertificate {
    const name = `client-${++this.#count}`;
    const config = this.#path(`${name}.cnf`);
    writeFileSync(config, this.#config(subject));
    const keyfile = this.#path(`${name}.key`);
    const certfile = this.#path(`${name}.pem`);
    this.#openssl(
      ...['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-config', config],
      ...['-subj', subject.subject ?? '/O=Verona', '-utf8'],
      ...['-keyout', keyfile, '-out', this.#path(`${name}.csr`)],
    );
    this.#openssl(
      ...['ca', '-batch', '-notext', '-config', config, '-extensions', 'client', '-preserveDN'],
      ...['-startdate', subject.from ?? stamp(-1), '-enddate', subject.until ?? stamp(1)],
      ...(subject.isSelfSigned
        ? ['-selfsign', '-keyfile', keyfile]
        : ['-keyfile', this.#path('ca.key'), '-cert', this.certfile]),
      ...['-in', this.#path(`${name}.csr`), '-out', certfile],
    );
    return { certfile, keyfile, cert: readFileSync(certfile, 'utf8'), key: readFileSync(keyfile, 'utf8') };
  }

  /** Takes a certificate back. {@link revocations} says so from then on. */
  revoke({ certfile }: TestCertificate): void {
    this.#openssl(
      'ca',
      '-config',
      this.#path('client-1.cnf'),
      '-keyfile',
      this.#path('ca.key'),
      '-cert',
      this.certfile,
      '-revoke',
      certfile,
    );
  }

  /** Writes the list of revoked certificates; returns its file. */
  revocations(): string {
    const file = this.#path('ca.crl');
    this.#openssl(
      ...[
        'ca',
        '-config',
        this.#path('client-1.cnf'),
        '-keyfile',
        this.#path('ca.key'),
        '-cert',
        this.certfile,
      ],
      ...['-gencrl', '-crldays', '7', '-out', file],
    );
    return file;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.directory, name);
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }

  #config({ xmppAddresses = [], altNames = [], extensions = [] }: Subject): string {
    const names = [
      ...xmppAddresses.map((address, i) => `otherName.${i + 1} = 1.3.6.1.5.5.7.8.5;UTF8:${address}`),
      ...altNames,
    ];
    return `[req]
distinguished_name = dn
string_mask = utf8only
[dn]
[ca]
default_ca = authority
[authority]
dir = ${this.directory}
database = ${this.#path('index.txt')}
serial = ${this.#path('serial')}
crlnumber = ${this.#path('crlnumber')}
new_certs_dir = ${this.#path('certs')}
default_md = sha256
policy = any
unique_subject = no
[any]
countryName = optional
[client]
basicConstraints = CA:FALSE
${names.length === 0 ? '' : 'subjectAltName = @names'}
${extensions.join('\n')}
${names.length === 0 ? '' : `[names]\n${names.join('\n')}`}
`;
  }
}

/** Some days from now, as OpenSSL writes it. */
export function stamp(days: number): string {
  return `${new Date(Date.now() + days * 86_400_000).toISOString().replaceAll(/\.\d+Z|[-:T]/g, '')}Z`;
}
