import type {
  AccessClause,
  AclPattern,
  AuthConfig,
  HostTypeConfig,
  ModuleConfig,
  PoolsConfig,
  ShaperConfig,
} from '../config.ts';
import { nearest } from '../nearest.ts';
import type { Path } from '../path.ts';
import { showValue } from '../problem.ts';
import type { Document, HostConfigTable } from '../schema/document.ts';
import { resolveAuth } from './auth.ts';
import type { ResolveContext } from './context.ts';
import { resolveModules } from './modules.ts';
import { refuseDuplicates } from './names.ts';
import { mergePools, resolvePools } from './pools.ts';
import { mergeAccess, mergeAcl, resolveAccess, resolveAcl } from './rules.ts';

/** What a host type has unless its `[[host_config]]` says otherwise. */
interface Shared {
  readonly pools: PoolsConfig;
  readonly auth: AuthConfig;
  readonly modules: ReadonlyMap<string, ModuleConfig>;
  readonly acl: ReadonlyMap<string, readonly AclPattern[]>;
  readonly access: ReadonlyMap<string, readonly AccessClause[]>;
}

/** Names that clauses of any host type may use. */
interface Names {
  readonly acls: ReadonlySet<string>;
  readonly shapers: ReadonlyMap<string, ShaperConfig>;
}

/** Builds the configuration of each host type: the global sections, changed by its `[[host_config]]` (config.md §1 and §4). */
export function resolveHostTypes(
  document: Document,
  shapers: ReadonlyMap<string, ShaperConfig>,
  context: ResolveContext,
): Map<string, HostTypeConfig> {
  const { hosts, host_types: hostTypes } = document.general;
  checkHosts(document, context);
  const names: Names = { acls: aclNames(document), shapers };
  const pools = resolvePools(document.outgoing_pools, ['outgoing_pools'], context);
  const shared: Shared = {
    pools,
    auth: resolveAuth(document.auth, ['auth'], pools, context),
    modules: resolveModules(document.modules, ['modules'], context),
    acl: resolveAcl(document.acl, ['acl'], context),
    access: resolveAccess(document.access, names, ['access'], context),
  };
  const own = ownConfigs(document, context);
  const hostedDomains: ReadonlySet<string> = new Set(hosts);
  const resolved = new Map<string, HostTypeConfig>();
  for (const name of [...hosts, ...hostTypes]) {
    const domains = hosts.includes(name) ? [name] : [];
    const host = own.get(name);
    resolved.set(name, resolveHostType(name, domains, hostedDomains, document, shared, host, names, context));
  }
  return resolved;
}

function checkHosts({ general }: Document, { report }: ResolveContext): void {
  const { hosts, host_types: hostTypes, default_server_domain: defaultDomain } = general;
  refuseDuplicates(hosts, ['general', 'hosts'], report);
  refuseDuplicates(hostTypes, ['general', 'host_types'], report);
  for (const [i, name] of hostTypes.entries()) {
    if (!hosts.includes(name)) continue;
    report.error(['general', 'host_types', i], `"${name}" is one of hosts, which are host types already`, {
      value: name,
    });
  }
  if (hosts.length === 0 && hostTypes.length === 0) {
    report.error(
      ['general', 'hosts'],
      'missing, expected at least one domain here or one name in host_types',
    );
  } else if (hosts.length === 0 && defaultDomain === undefined) {
    report.error(['general', 'default_server_domain'], 'missing, expected a domain where hosts names none');
  }
}

function aclNames(document: Document): Set<string> {
  const names = new Set(['all', 'none', ...document.acl.keys()]);
  for (const host of document.host_config) for (const name of host.acl.keys()) names.add(name);
  return names;
}

interface OwnConfig {
  readonly table: HostConfigTable;
  readonly path: Path;
}

/** The `[[host_config]]` of each host type. */
function ownConfigs(document: Document, { report }: ResolveContext): Map<string, OwnConfig> {
  const { hosts, host_types: hostTypes } = document.general;
  const configs = new Map<string, OwnConfig>();
  for (const [i, table] of document.host_config.entries()) {
    const path = ['host_config', i];
    const { host, host_type: hostType } = table;
    const name = host ?? hostType;
    if (name === undefined) {
      report.error([...path, 'host'], 'missing, expected a host or a host_type');
      continue;
    }
    const key = host === undefined ? 'host_type' : 'host';
    const keyPath = [...path, key];
    if (host !== undefined && hostType !== undefined) {
      report.error([...path, 'host_type'], 'host is given as well, only one of them can count', {
        value: hostType,
      });
    }
    const known = host === undefined ? hostTypes : hosts;
    const list = `general.${key}s`;
    if (!known.includes(name) && !report.isDoubtful(['general', `${key}s`])) {
      const suggestion = nearest(name, known);
      report.error(keyPath, `not one of ${list}, got ${showValue(name)}`, { value: name, suggestion });
    }
    const other = configs.get(name);
    if (other === undefined) configs.set(name, { table, path });
    else report.error(keyPath, `"${name}" has a host_config already`, { value: name });
  }
  return configs;
}

function resolveHostType(
  name: string,
  hosts: readonly string[],
  hostedDomains: ReadonlySet<string>,
  { general }: Document,
  shared: Shared,
  own: OwnConfig | undefined,
  names: Names,
  context: ResolveContext,
): HostTypeConfig {
  const { table, path } = own ?? { table: undefined, path: [] };
  const pools =
    table === undefined
      ? shared.pools
      : mergePools(shared.pools, resolvePools(table.outgoing_pools, [...path, 'outgoing_pools'], context));
  return {
    name,
    hosts,
    hostedDomains,
    replacedWaitTimeoutMs: table?.general?.replaced_wait_timeout ?? general.replaced_wait_timeout,
    routeSubdomains: table?.general?.route_subdomains ?? general.route_subdomains,
    pools,
    auth:
      table?.auth === undefined ? shared.auth : resolveAuth(table.auth, [...path, 'auth'], pools, context),
    modules:
      table?.modules === undefined
        ? shared.modules
        : resolveModules(table.modules, [...path, 'modules'], context),
    acl:
      table === undefined
        ? shared.acl
        : mergeAcl(shared.acl, resolveAcl(table.acl, [...path, 'acl'], context)),
    access:
      table === undefined
        ? shared.access
        : mergeAccess(shared.access, resolveAccess(table.access, names, [...path, 'access'], context)),
  };
}
