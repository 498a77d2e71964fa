import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endsWithUs, withUs } from './children.ts';
import { type DaemonTls, freePort, listens, missingDaemon, whenAnswering } from './daemon.ts';

/** OpenLDAP's server, from Debian's package `slapd`. */
const PROGRAM = '/usr/sbin/slapd';
const LOADER = '/usr/sbin/slapadd';

export const ROOT_DN = 'cn=root,dc=example,dc=org';
export const ROOT_PASSWORD = 'root-secret';

/** Why there can be no directory on this machine. */
export function slapdMissing(): string | undefined {
  return missingDaemon('slapd', 'slapd ldap-utils', [PROGRAM, LOADER]);
}

/** A real LDAP directory below `dc=example,dc=org`, on free ports of 127.0.0.1. */
export class Slapd {
  readonly #directory = mkdtempSync(join(tmpdir(), 'mk-ldap-'));
  readonly #tls: DaemonTls | undefined;
  #child: ChildProcess | undefined;
  port = 0;
  tlsPort = 0;

  private constructor(ldif: string, tls: DaemonTls | undefined) {
    this.#tls = tls;
    mkdirSync(join(this.#directory, 'db'));
    writeFileSync(this.#config, configText(this.#directory, tls));
    writeFileSync(join(this.#directory, 'data.ldif'), ldif);
    execFileSync(LOADER, ['-f', this.#config, '-l', join(this.#directory, 'data.ldif')], { stdio: 'pipe' });
  }

  get #config(): string {
    return join(this.#directory, 'slapd.conf');
  }

  /** Starts a directory with this content. */
  static async start(ldif: string, tls?: DaemonTls): Promise<Slapd> {
    const slapd = new Slapd(ldif, tls);
    slapd.port = await freePort();
    slapd.tlsPort = await freePort();
    await slapd.launch();
    return slapd;
  }

  /** Starts it (again), on the same ports. */
  async launch(): Promise<void> {
    const urls = [`ldap://127.0.0.1:${this.port}/`];
    if (this.#tls !== undefined) urls.push(`ldaps://127.0.0.1:${this.tlsPort}/`);
    const command = withUs(PROGRAM, ['-f', this.#config, '-h', urls.join(' '), '-d', '0']);
    const child = endsWithUs(spawn(...command, { stdio: 'ignore' }));
    this.#child = child;
    await whenAnswering(
      child,
      () => listens(this.port),
      () => 'slapd did not start',
    );
  }

  /** Stops answering without closing anything, until `SIGCONT`. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name);
  }

  /** Ends the process; the content stays. */
  async halt(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    await ended;
  }

  async stop(): Promise<void> {
    await this.halt();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function configText(directory: string, tls: DaemonTls | undefined): string {
  return `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${directory}/pid
argsfile ${directory}/args
${tls === undefined ? '' : `TLSCertificateFile ${tls.certfile}\nTLSCertificateKeyFile ${tls.keyfile}`}
sizelimit unlimited
database mdb
maxsize 10485760
suffix "dc=example,dc=org"
directory ${directory}/db
rootdn "${ROOT_DN}"
rootpw ${ROOT_PASSWORD}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="uid=reader,ou=people,dc=example,dc=org" read by anonymous auth by * none
`;
}
