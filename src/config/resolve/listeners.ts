import type {
  AuthConfig,
  AuthMethod,
  C2sListenerConfig,
  HttpHandlerConfig,
  HttpListenerConfig,
  ListenConfig,
  ListenerConfig,
  ShaperConfig,
} from '../config.ts';
import { nearest } from '../nearest.ts';
import { NOT_YET_TEXT } from '../not-yet.ts';
import { type Path, pathText } from '../path.ts';
import { showValue } from '../problem.ts';
import { AUTH_METHODS_NOT_YET } from '../schema/auth.ts';
import { type C2sTable, type HttpTable, type ListenSection, listenSchema } from '../schema/listen.ts';
import type { ResolveContext } from './context.ts';
import { shaperNamed } from './rules.ts';
import { resolveTls } from './tls.ts';

/** What listeners refer to. */
export interface ListenNames {
  readonly shapers: ReadonlyMap<string, ShaperConfig>;
  /** Access rules of any host type. */
  readonly rules: ReadonlySet<string>;
  readonly auths: readonly AuthConfig[];
}

// RFC 6120 §13.12: a server must not refuse smaller ones.
const STANZA_BYTES_RECOMMENDED = 10_000;

/** Without a `[listen]` section: clients on the usual port, with STARTTLS. */
const DEFAULT_LISTEN = listenSchema.parse({ c2s: [{ port: 5222, tls: {} }] });

export function resolveListen(
  section: ListenSection | undefined,
  names: ListenNames,
  context: ResolveContext,
): ListenConfig {
  const { c2s, http } = section ?? DEFAULT_LISTEN;
  const listen = {
    c2s: c2s.map((table, i) => resolveC2s(table, names, ['listen', 'c2s', i], context)),
    http: http.map((table, i) => resolveHttp(table, names, ['listen', 'http', i], context)),
  };
  refuseSharedPorts([...listen.c2s, ...listen.http], context);
  return listen;
}

function resolveC2s(
  table: C2sTable,
  names: ListenNames,
  path: Path,
  context: ResolveContext,
): C2sListenerConfig {
  const listener = common(table, names, path, context);
  if (listener.tls === undefined && !isLoopback(listener.ipAddress)) {
    context.report.warn(path, 'has no tls section, so passwords and messages cross the network in clear');
  }
  warnOfAuthorities(table, names.auths, path, context);
  checkRule(table.access, names.rules, [...path, 'access'], context);
  return {
    kind: 'c2s',
    ...listener,
    stateTimeoutMs: table.state_timeout,
    access: table.access,
    allowedAuthMethods: allowedMethods(
      table.allowed_auth_methods,
      names,
      [...path, 'allowed_auth_methods'],
      context,
    ),
  };
}

function resolveHttp(
  table: HttpTable,
  names: ListenNames,
  path: Path,
  context: ResolveContext,
): HttpListenerConfig {
  return { kind: 'http', ...common(table, names, path, context), handlers: handlersOf(table) };
}

function handlersOf({ handlers }: HttpTable): HttpHandlerConfig[] {
  if (handlers === undefined) return [{ kind: 'metrics', host: undefined, path: '/metrics' }];
  return handlers.mongoose_prometheus_handler.map(({ host, path }) => ({
    kind: 'metrics',
    host: host === '_' ? undefined : host,
    path,
  }));
}

function common(
  table: C2sTable | HttpTable,
  names: ListenNames,
  path: Path,
  context: ResolveContext,
): ListenerConfig {
  if (table.max_stanza_size < STANZA_BYTES_RECOMMENDED) {
    const message = `less than the ${STANZA_BYTES_RECOMMENDED} bytes that RFC 6120 wants servers to take`;
    context.report.warn([...path, 'max_stanza_size'], message, { value: table.max_stanza_size });
  }
  return {
    name: pathText(path),
    port: table.port,
    ipAddress: table.ip_address ?? (table.ip_version === 6 ? '::' : '0.0.0.0'),
    backlog: table.backlog,
    maxConnections: table.max_connections,
    maxConnectionsPerAddress: table.max_connections_per_address,
    connectionsPerSecondPerAddress: table.connections_per_second_per_address,
    maxStanzaSizeBytes: table.max_stanza_size,
    shaper: shaperNamed(table.shaper, names.shapers, [...path, 'shaper'], context),
    tls: table.tls === undefined ? undefined : resolveTls(table.tls, [...path, 'tls'], context),
  };
}

/** Methods that believe a certificate: they know of no other that it could be compared with. */
const BELIEVING: readonly AuthMethod[] = ['pki', 'ldap'];

/** Whose word about certificates counts, where certificates alone say who somebody is. */
function warnOfAuthorities(
  { tls }: C2sTable,
  auths: readonly AuthConfig[],
  path: Path,
  { report }: ResolveContext,
): void {
  const method = auths
    .filter((auth) => auth.saslMechanisms.includes('EXTERNAL'))
    .flatMap((auth) => auth.methods.filter((name) => BELIEVING.includes(name)))[0];
  if (tls === undefined || tls.verify_mode === 'none' || method === undefined) return;
  if (tls.verify_mode === 'selfsigned_peer') {
    const message = `with the method "${method}" anybody can log in as anybody: everybody can sign a certificate of any name`;
    report.warn([...path, 'tls', 'verify_mode'], message, { value: tls.verify_mode });
  } else if (tls.cacertfile === undefined) {
    const message = `missing, so that with the method "${method}" every authority of the system says who may log in`;
    report.warn([...path, 'tls', 'cacertfile'], message);
  }
}

function checkRule(rule: string, rules: ReadonlySet<string>, path: Path, { report }: ResolveContext): void {
  if (rule === 'all' || rule === 'none' || rules.has(rule)) return;
  const suggestion = nearest(rule, [...rules, 'all', 'none']);
  report.error(path, `no [access] rule has the name ${showValue(rule)}`, { value: rule, suggestion });
}

function allowedMethods(
  methods: readonly string[] | undefined,
  { auths }: ListenNames,
  path: Path,
  { report }: ResolveContext,
): AuthMethod[] | undefined {
  if (methods === undefined) return undefined;
  const configured = [...new Set(auths.flatMap((auth) => auth.methods))];
  const notYet: readonly string[] = AUTH_METHODS_NOT_YET;
  const allowed: AuthMethod[] = [];
  for (const [i, method] of methods.entries()) {
    const found = configured.find((one) => one === method);
    if (found !== undefined) allowed.push(found);
    else if (notYet.includes(method))
      report.warn([...path, i], `"${method}" is ${NOT_YET_TEXT}`, { value: method });
    else {
      const suggestion = nearest(method, configured);
      report.error([...path, i], `not a method of [auth], got ${showValue(method)}`, {
        value: method,
        suggestion,
      });
    }
  }
  if (allowed.length === 0)
    report.warn(path, 'no method remains, so nobody can log in through this listener');
  return allowed;
}

function refuseSharedPorts(listeners: readonly ListenerConfig[], { report }: ResolveContext): void {
  const taken = new Map<string, ListenerConfig>();
  for (const listener of listeners) {
    if (listener.port === 0) continue;
    const endpoint = `port ${listener.port} on ${listener.ipAddress}`;
    const other = taken.get(endpoint);
    if (other === undefined) taken.set(endpoint, listener);
    else
      report.error([...pathOf(listener), 'port'], `${endpoint} is taken by ${other.name}`, {
        value: listener.port,
      });
  }
}

function pathOf(listener: ListenerConfig): Path {
  const [, kind, index] = /^listen\.(\w+)\[(\d+)\]$/.exec(listener.name)!;
  return ['listen', kind!, Number(index)];
}

function isLoopback(address: string): boolean {
  return /^(?:::ffff:)?127\./i.test(address) || address === '::1';
}
