import { existsSync } from 'node:fs';
import { isBracketed } from '../../util/bracketed.ts';
import type { AuthMethod, DummyConfig, LdapConfig, PoolsConfig, ProgramConfig } from '../config.ts';
import { nearest } from '../nearest.ts';
import type { Path } from '../path.ts';
import { showValue } from '../problem.ts';
import type { AuthTable } from '../schema/auth.ts';
import type { ResolveContext } from './context.ts';
import { absolute, secret } from './files.ts';

/** Options of the single methods. */

export { jwtOf } from './jwt.ts';

/** Questions that may wait for each copy of a program, and how long one may take: a login ends before its client gives up. */
const PROGRAM_QUEUE_PER_INSTANCE = 100;
const PROGRAM_TIMEOUT_MS = 5_000;
/** The pool that the method `http` uses. */
const HTTP_POOL_TAG = 'auth';

export function dummyOf({ dummy }: AuthTable): DummyConfig {
  return { baseTimeMs: dummy?.base_time ?? 50, varianceMs: dummy?.variance ?? 450 };
}

export function httpBasicAuth(
  { http }: AuthTable,
  methods: readonly AuthMethod[],
  path: Path,
  pools: PoolsConfig,
  context: ResolveContext,
): string | undefined {
  if (!methods.includes('http')) return undefined;
  if (!pools.http.has(HTTP_POOL_TAG)) {
    const message = `the method "http" needs a section [outgoing_pools.http.${HTTP_POOL_TAG}]`;
    context.report.error([...path, http === undefined ? 'methods' : 'http'], message);
  }
  return secret(context, [...path, 'http'], 'basic_auth', http?.basic_auth, http?.basic_auth_file);
}

export function externalOf(
  { external }: AuthTable,
  path: Path,
  context: ResolveContext,
): ProgramConfig | undefined {
  if (external === undefined) return missing('external', path, context);
  const [name = '', ...args] = external.program.split(' ').filter((part) => part !== '');
  const command = name.includes('/') ? absolute(context, name) : name;
  const programPath = [...path, 'external', 'program'];
  if (name === '') context.report.error(programPath, 'names no program', { value: external.program });
  else if (name.includes('/') && !existsSync(command)) {
    context.report.warn(programPath, `${command} does not exist; nobody can log in by it`, {
      value: external.program,
    });
  }
  return {
    name: 'auth.external',
    command,
    args,
    instances: external.instances,
    queueMax: external.instances * PROGRAM_QUEUE_PER_INSTANCE,
    callTimeoutMs: PROGRAM_TIMEOUT_MS,
  };
}

export function ldapOf(
  { ldap }: AuthTable,
  path: Path,
  pools: PoolsConfig,
  context: ResolveContext,
): LdapConfig | undefined {
  if (ldap === undefined) return missing('ldap', path, context);
  checkPool('pool_tag', ldap.pool_tag, path, pools, context);
  checkPool('bind_pool_tag', ldap.bind_pool_tag, path, pools, context);
  const { filter, dn_filter: dnFilter } = ldap;
  checkFilter(filter, [...path, 'ldap', 'filter'], context);
  checkFilter(dnFilter?.filter, [...path, 'ldap', 'dn_filter', 'filter'], context);
  return {
    poolTag: ldap.pool_tag,
    bindPoolTag: ldap.bind_pool_tag,
    base: ldap.base,
    uids: (ldap.uids ?? [{ attr: 'uid', format: '%u' }]).map(({ attr, format }) => ({
      attribute: attr,
      format,
    })),
    filter,
    dnFilter: dnFilter && { filter: dnFilter.filter, attributes: dnFilter.attributes ?? [] },
    localFilter: ldap.local_filter,
    deref: ldap.deref,
  };
}

function checkPool(
  key: 'pool_tag' | 'bind_pool_tag',
  tag: string,
  path: Path,
  { ldap }: PoolsConfig,
  { report }: ResolveContext,
): void {
  if (ldap.has(tag)) return;
  const suggestion = nearest(tag, [...ldap.keys()]);
  report.error([...path, 'ldap', key], `no [outgoing_pools.ldap] has the tag ${showValue(tag)}`, {
    value: tag,
    suggestion,
  });
}

/** A filter is in brackets, and each of them is closed: the usual mistake, found before anybody logs in. */
function checkFilter(filter: string | undefined, path: Path, { report }: ResolveContext): void {
  if (filter !== undefined && !isBracketed(filter))
    report.error(path, 'not a filter: it is to be in brackets, each of them closed', { value: filter });
}

/** The section of a method that cannot do without. */
export function missing(method: AuthMethod, path: Path, { report }: ResolveContext): undefined {
  report.error([...path, method], `missing, the method "${method}" needs this section`);
}
