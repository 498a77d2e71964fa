import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endsWithUs, withUs } from './children.ts';

/** OpenLDAP's server, from Debian's package `slapd`. */
const PROGRAM = '/usr/sbin/slapd';
const LOADER = '/usr/sbin/slapadd';

export const ROOT_DN = 'cn=root,dc=example,dc=org';
export const ROOT_PASSWORD = 'root-secret';

/**
 * Why there can be no directory on this machine; undefined when there can. With `TEST_ALL_CLIENTS=1` that is an error: continuous
 * integration installs what the tests need.
 */
export function slapdMissing(): string | undefined {
  if (existsSync(PROGRAM) && existsSync(LOADER)) return undefined;
  const missing = 'slapd is not installed (Debian: apt-get install slapd ldap-utils)';
  if (process.env['TEST_ALL_CLIENTS'] === '1') throw new Error(missing);
  return missing;
}

/** A certificate that the directory shows on its second port. */
export interface SlapdTls {
  readonly certfile: string;
  readonly keyfile: string;
}

/** A real LDAP directory below `dc=example,dc=org`, on free ports of 127.0.0.1. */
export class Slapd {
  readonly #directory = mkdtempSync(join(tmpdir(), 'mk-ldap-'));
  readonly #tls: SlapdTls | undefined;
  #child: ChildProcess | undefined;
  port = 0;
  tlsPort = 0;

  private constructor(ldif: string, tls: SlapdTls | undefined) {
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
  static async start(ldif: string, tls?: SlapdTls): Promise<Slapd> {
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
    const until = Date.now() + 60_000;
    while (!(await answers(this.port))) {
      if (child.exitCode !== null || Date.now() > until) throw new Error('slapd did not start');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
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

function configText(directory: string, tls: SlapdTls | undefined): string {
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

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
