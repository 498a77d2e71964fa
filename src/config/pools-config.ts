import type { CertificateConfig } from './config.ts';

/** The part of the configuration about connections to servers of others. Each shard has its own. */

/** By tag. */
export interface PoolsConfig {
  readonly http: ReadonlyMap<string, HttpPoolConfig>;
  readonly ldap: ReadonlyMap<string, LdapPoolConfig>;
  readonly rabbit: ReadonlyMap<string, RabbitPoolConfig>;
}

export interface PoolConfig {
  /** For logs: `http.auth`. */
  readonly name: string;
  readonly scope: 'global' | 'host_type';
  /** Connections, each for one request at a time. */
  readonly workers: number;
  /** Requests that may wait for one of them. */
  readonly queueMax: number;
  /** For a request, waiting included. */
  readonly callTimeoutMs: number;
}

export interface HttpPoolConfig extends PoolConfig {
  /** `http://HOST:PORT` or `https://HOST:PORT` */
  readonly host: string;
  /** Begins and ends with a slash. */
  readonly pathPrefix: string;
  readonly requestTimeoutMs: number;
  /** For `https`; undefined: as Node.js does it. */
  readonly tls: OutgoingTlsConfig | undefined;
}

export interface LdapPoolConfig extends PoolConfig {
  /** At least one. */
  readonly servers: readonly string[];
  readonly port: number;
  /** Empty: nobody. */
  readonly rootDn: string;
  readonly password: string;
  readonly connectTimeoutMs: number;
  /** Undefined: not encrypted. */
  readonly tls: OutgoingTlsConfig | undefined;
}

/** `queueMax`: messages that wait in all connections together; `callTimeoutMs`: for opening a connection, and for a confirmation. */
export interface RabbitPoolConfig extends PoolConfig {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly virtualHost: string;
  /** Whether RabbitMQ confirms each message. */
  readonly isConfirmed: boolean;
  readonly reconnectDelayMs: number;
  /** Failed attempts in a row after which what waits is dropped; 0: it waits on. */
  readonly reconnectAttempts: number;
  /** Undefined: not encrypted. */
  readonly tls: OutgoingTlsConfig | undefined;
}

export interface OutgoingTlsConfig {
  readonly verifyMode: 'peer' | 'none';
  readonly cacertfile: string | undefined;
  readonly certificate: CertificateConfig | undefined;
  readonly ciphers: string | undefined;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3';
  /** The name that the certificate must be for; undefined: that of the server. */
  readonly serverName: string | undefined;
}
