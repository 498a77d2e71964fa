import type {
  HttpPoolConfig,
  LdapPoolConfig,
  OutgoingTlsConfig,
  PoolConfig,
  PoolsConfig,
  RabbitPoolConfig,
} from '../config.ts';
import type { Path } from '../path.ts';
import type {
  HttpPoolTable,
  LdapPoolTable,
  OutgoingTlsTable,
  PoolsTable,
  RabbitPoolTable,
} from '../schema/pools.ts';
import type { ResolveContext } from './context.ts';
import { secret } from './files.ts';
import { pemFile, versionsOf } from './tls.ts';

/** What "no limit" of a queue means: everything has one. */
const QUEUE_LENGTH_MAX = 1000;
const MESSAGES_MAX = 100_000;
const IN_CLEAR = 'what is sent there, passwords too, crosses the network in clear';
const LDAP_PORT = 389;
const LDAPS_PORT = 636;
const AMQP_PORT = 5672;
const AMQPS_PORT = 5671;

export function resolvePools(table: PoolsTable, path: Path, context: ResolveContext): PoolsConfig {
  const http = [...(table.http ?? [])].map(([tag, pool]) => {
    return [tag, httpPool(`http.${tag}`, pool, [...path, 'http', tag], context)] as const;
  });
  const ldap = [...(table.ldap ?? [])].map(([tag, pool]) => {
    return [tag, ldapPool(`ldap.${tag}`, pool, [...path, 'ldap', tag], context)] as const;
  });
  const rabbit = [...(table.rabbit ?? [])].map(([tag, pool]) => {
    return [tag, rabbitPool(`rabbit.${tag}`, pool, [...path, 'rabbit', tag], context)] as const;
  });
  return { http: new Map(http), ldap: new Map(ldap), rabbit: new Map(rabbit) };
}

/** Those of a host type beside those of the server; of the same kind and tag, its own. */
export function mergePools(shared: PoolsConfig, own: PoolsConfig): PoolsConfig {
  return {
    http: new Map([...shared.http, ...own.http]),
    ldap: new Map([...shared.ldap, ...own.ldap]),
    rabbit: new Map([...shared.rabbit, ...own.rabbit]),
  };
}

function common(
  name: string,
  table: HttpPoolTable | LdapPoolTable | RabbitPoolTable,
  queueLengthMax = QUEUE_LENGTH_MAX,
): PoolConfig {
  return {
    name,
    scope: table.scope,
    workers: table.workers,
    queueMax: table.workers * Math.min(table.max_worker_queue_len, queueLengthMax),
    callTimeoutMs: table.call_timeout,
  };
}

function httpPool(name: string, table: HttpPoolTable, path: Path, context: ResolveContext): HttpPoolConfig {
  const { host, path_prefix: prefix, request_timeout: requestTimeoutMs, tls } = table.connection;
  const tlsPath = [...path, 'connection', 'tls'];
  if (tls !== undefined && !host.startsWith('https:'))
    context.report.warn(tlsPath, 'has no effect: the host does not begin with "https:"');
  if (host.startsWith('http:') && !isLocal(new URL(host).hostname))
    context.report.warn([...path, 'connection', 'host'], IN_CLEAR, { value: host });
  return {
    ...common(name, table),
    host,
    pathPrefix: prefix.endsWith('/') ? prefix : `${prefix}/`,
    requestTimeoutMs,
    tls: tls === undefined ? undefined : outgoingTls(tls, tlsPath, context),
  };
}

function ldapPool(name: string, table: LdapPoolTable, path: Path, context: ResolveContext): LdapPoolConfig {
  const { servers, port, root_dn: rootDn = '', connect_interval: connectTimeoutMs, tls } = table.connection;
  const below = [...path, 'connection'];
  const { password, password_file: file } = table.connection;
  if (tls === undefined && !servers.every(isLocal))
    context.report.warn(below, `has no tls section: ${IN_CLEAR}`);
  return {
    ...common(name, table),
    servers,
    port: port ?? (tls === undefined ? LDAP_PORT : LDAPS_PORT),
    rootDn,
    password: secret(context, below, 'password', password, file) ?? '',
    connectTimeoutMs,
    tls: tls === undefined ? undefined : outgoingTls(tls, [...below, 'tls'], context),
  };
}

function rabbitPool(
  name: string,
  table: RabbitPoolTable,
  path: Path,
  context: ResolveContext,
): RabbitPoolConfig {
  const { host, port, username, virtual_host: virtualHost, reconnect, tls } = table.connection;
  const { password, password_file: file, confirms_enabled: isConfirmed } = table.connection;
  const below = [...path, 'connection'];
  if (tls === undefined && !isLocal(host)) context.report.warn(below, `has no tls section: ${IN_CLEAR}`);
  return {
    ...common(name, table, MESSAGES_MAX),
    host,
    port: port ?? (tls === undefined ? AMQP_PORT : AMQPS_PORT),
    username,
    password: secret(context, below, 'password', password, file) ?? 'guest',
    virtualHost,
    isConfirmed,
    reconnectDelayMs: reconnect.delay,
    reconnectAttempts: reconnect.attempts,
    tls: tls === undefined ? undefined : outgoingTls(tls, [...below, 'tls'], context),
  };
}

/** Whether a name or address is that of this machine. */
function isLocal(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || host.startsWith('127.');
}

function outgoingTls(table: OutgoingTlsTable, path: Path, context: ResolveContext): OutgoingTlsConfig {
  const { report } = context;
  if (table.verify_mode === 'selfsigned_peer') {
    const message = 'is "peer" here: name the certificate of the server in cacertfile to trust it';
    report.warn([...path, 'verify_mode'], message, { value: table.verify_mode });
  }
  const { certfile, keyfile } = table;
  if (certfile !== undefined && keyfile === undefined)
    report.error([...path, 'keyfile'], 'missing, certfile needs the key in a file of its own');
  if (keyfile !== undefined && certfile === undefined)
    report.error([...path, 'certfile'], 'missing, keyfile says nothing without it');
  const password = secret(context, path, 'password', table.password, table.password_file);
  return {
    verifyMode: table.verify_mode === 'none' ? 'none' : 'peer',
    cacertfile: pemFile(table.cacertfile, [...path, 'cacertfile'], context),
    certificate:
      certfile === undefined || keyfile === undefined
        ? undefined
        : {
            certfile: pemFile(certfile, [...path, 'certfile'], context),
            keyfile: pemFile(keyfile, [...path, 'keyfile'], context),
            password,
          },
    ciphers: table.ciphers,
    ...versionsOf(table.versions, [...path, 'versions'], context),
    serverName: table.server_name_indication.host,
  };
}
