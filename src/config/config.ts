import type { AuthConfig, AuthMethod } from './auth-config.ts';
import type { Program } from './linear-regexp.ts';
import type { PoolsConfig } from './pools-config.ts';
import type { Document } from './schema/document.ts';
import type { LOG_LEVELS, RoutingModule } from './schema/general.ts';

export type * from './auth-config.ts';
export type * from './pools-config.ts';

/**
 * The configuration that the server runs with: frozen, complete (every default filled in, every reference resolved) and plain
 * data, so that a structured clone of it crosses to the shards. Names are those of the file in camel case; times and sizes
 * carry their unit. "No limit" is `Infinity`.
 */
export interface Config {
  /** The file it came from; undefined for the built-in defaults. Relative paths in it were resolved against its directory. */
  readonly file: string | undefined;
  readonly general: GeneralConfig;
  readonly listen: ListenConfig;
  readonly storage: StorageConfig;
  readonly admin: AdminConfig;
  readonly shapers: ReadonlyMap<string, ShaperConfig>;
  /** By name: one for each host, named like it, and one for each entry of `general.host_types`. */
  readonly hostTypes: ReadonlyMap<string, HostTypeConfig>;
  /** The host type of each static domain. */
  readonly hosts: ReadonlyMap<string, string>;
  /** The checked file with its own names and with defaults. For `reloadPlan`; the rest of the server uses the fields above. */
  readonly document: Document;
}

export type LogLevel = (typeof LOG_LEVELS)[number];

export interface GeneralConfig {
  readonly loglevel: LogLevel;
  readonly hosts: readonly string[];
  readonly hostTypes: readonly string[];
  readonly defaultServerDomain: string;
  readonly language: string;
  readonly registrationTimeoutMs: number;
  readonly hideServiceName: boolean;
  readonly routingModules: readonly RoutingModule[];
  readonly shards: number;
  /** Capacity of the session directory. */
  readonly maxSessions: number;
  readonly hookTimeoutMs: number;
  readonly drainTimeoutMs: number;
}

export interface ListenConfig {
  readonly c2s: readonly C2sListenerConfig[];
  readonly http: readonly HttpListenerConfig[];
}

/** What every listener has. */
export interface ListenerConfig {
  /** Its path in the file, for logs: `listen.c2s[0]`. */
  readonly name: string;
  readonly port: number;
  readonly ipAddress: string;
  readonly backlog: number;
  readonly maxConnections: number;
  /** Per IPv4 address; an IPv6 /64 network may have `IPV6_NETWORK_FACTOR` times as many. */
  readonly maxConnectionsPerAddress: number;
  readonly connectionsPerSecondPerAddress: number;
  readonly maxStanzaSizeBytes: number;
  /** Undefined: no limit. */
  readonly shaper: ShaperConfig | undefined;
  /** Undefined: plain TCP. */
  readonly tls: TlsConfig | undefined;
}

/** How many more connections an IPv6 /64 network may have than an IPv4 address: it may hold a whole household or office. */
export const IPV6_NETWORK_FACTOR = 4;

export interface C2sListenerConfig extends ListenerConfig {
  readonly kind: 'c2s';
  readonly stateTimeoutMs: number;
  /** The access rule to ask when a session opens. */
  readonly access: string;
  /** Undefined: every method of the host type. */
  readonly allowedAuthMethods: readonly AuthMethod[] | undefined;
}

export interface HttpListenerConfig extends ListenerConfig {
  readonly kind: 'http';
  readonly handlers: readonly HttpHandlerConfig[];
}

export interface HttpHandlerConfig {
  readonly kind: 'metrics';
  /** Undefined: any. */
  readonly host: string | undefined;
  readonly path: string;
}

export interface TlsConfig {
  /** Always `tls` for HTTP. */
  readonly mode: 'starttls' | 'starttls_required' | 'tls';
  readonly verifyMode: 'peer' | 'selfsigned_peer' | 'none';
  readonly disconnectOnFailure: boolean;
  /** For names without a certificate of their own. Undefined: the self-signed one. */
  readonly certificate: CertificateConfig | undefined;
  /** By domain; a key may begin with `*.`. */
  readonly certificates: ReadonlyMap<string, CertificateConfig>;
  readonly cacertfile: string | undefined;
  /** Absolute. */
  readonly crlFiles: readonly string[];
  readonly ciphers: string | undefined;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** Absolute paths. The files are read when the listener starts and again at every reload. */
export interface CertificateConfig {
  readonly certfile: string;
  readonly keyfile: string;
  readonly password: string | undefined;
}

export interface StorageConfig {
  /** Absolute. */
  readonly directory: string;
  readonly durability: 'full' | 'normal';
  /** Files that the archive is in. */
  readonly partitions: number;
}

export interface AdminConfig {
  /** Absolute path of the Unix socket. */
  readonly socket: string;
}

/** A token bucket: `burst` bytes at first, refilled at `maxRate` bytes a second. */
export interface ShaperConfig {
  readonly name: string;
  readonly maxRate: number;
  readonly burst: number;
}

/** What the domains of one host type have in common. */
export interface HostTypeConfig {
  readonly name: string;
  /** Static domains; empty for a host type of dynamic ones. */
  readonly hosts: readonly string[];
  /** All static domains of the server, for `match = "any_hosted_domain"`. */
  readonly hostedDomains: ReadonlySet<string>;
  readonly replacedWaitTimeoutMs: number;
  readonly routeSubdomains: 's2s' | undefined;
  readonly auth: AuthConfig;
  readonly pools: PoolsConfig;
  readonly modules: ReadonlyMap<string, ModuleConfig>;
  readonly acl: ReadonlyMap<string, readonly AclPattern[]>;
  readonly access: ReadonlyMap<string, readonly AccessClause[]>;
}

export interface ModuleConfig {
  readonly name: string;
  /** For an operator's own module: an absolute file name, or the name of a package. Undefined for a built-in one. */
  readonly path: string | undefined;
  /** As the module's schema returned them; of an operator's own module: as they stand in the file. */
  readonly options: unknown;
}

/** All of its parts must match. Exact values are prepared; regular expressions are searched for, globs match as a whole. */
export interface AclPattern {
  readonly match: 'all' | 'none' | 'current_domain' | 'any_hosted_domain';
  readonly user: PartPattern | undefined;
  readonly server: PartPattern | undefined;
  readonly resource: PartPattern | undefined;
}

export interface PartPattern {
  readonly exact: string | undefined;
  readonly regexp: Program | undefined;
  readonly glob: string | undefined;
}

export interface AccessClause {
  readonly acl: string;
  readonly value: AccessValue;
}

/** `allow`, `deny`, `default`, a number (`Infinity` included) or the name of a shaper. */
export type AccessValue = string | number;
