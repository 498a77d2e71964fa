import type { AuthConfig, AuthMethod, PoolsConfig } from '../config.ts';
import type { Path } from '../path.ts';
import { AUTH_METHODS, type AuthTable, SASL_MECHANISMS } from '../schema/auth.ts';
import { dummyOf, externalOf, httpBasicAuth, jwtOf, ldapOf } from './auth-methods.ts';
import type { ResolveContext } from './context.ts';
import { knownNames, refuseDuplicates } from './names.ts';

// RFC 5802 §5.1 and RFC 7677 §4.
const SCRAM_ITERATIONS_RECOMMENDED = 4096;

/** `pools` are those of the same host type. */
export function resolveAuth(
  table: AuthTable,
  path: Path,
  pools: PoolsConfig,
  context: ResolveContext,
): AuthConfig {
  const { report } = context;
  const { password, anonymous } = table;
  const methods = methodsOf(table, path, report);
  if (password.format !== 'scram' && methods.includes('internal')) {
    const message = 'passwords of the method "internal" are kept as SCRAM keys all the same';
    report.warn([...path, 'password', 'format'], message, { value: password.format });
  }
  if (password.scram_iterations < SCRAM_ITERATIONS_RECOMMENDED) {
    const message = `fewer than the ${SCRAM_ITERATIONS_RECOMMENDED} rounds that RFC 5802 asks for`;
    report.warn([...path, 'password', 'scram_iterations'], message, { value: password.scram_iterations });
  }
  refuseDuplicates(password.hash, [...path, 'password', 'hash'], report);
  refuseDuplicates(table.sasl_external, [...path, 'sasl_external'], report);
  return {
    methods,
    saslMechanisms: mechanismsOf(table.sasl_mechanisms, [...path, 'sasl_mechanisms'], report),
    maxUsersPerDomain: table.max_users_per_domain,
    saslExternal: {
      strategies: table.sasl_external,
      commonNamePrefix: table.sasl_external_common_name.prefix,
      commonNameSuffix: table.sasl_external_common_name.suffix,
    },
    password: {
      format: password.format,
      hash: password.hash,
      scramIterations: password.scram_iterations,
    },
    anonymous: {
      protocol: anonymous?.protocol ?? 'sasl_anon',
      allowMultipleConnections: anonymous?.allow_multiple_connections ?? false,
    },
    dummy: dummyOf(table),
    httpBasicAuth: httpBasicAuth(table, methods, path, pools, context),
    program: methods.includes('external') ? externalOf(table, path, context) : undefined,
    jwt: methods.includes('jwt') ? jwtOf(table, path, context) : undefined,
    ldap: methods.includes('ldap') ? ldapOf(table, path, pools, context) : undefined,
  };
}

function methodsOf(table: AuthTable, path: Path, report: ResolveContext['report']): AuthMethod[] {
  const methodsPath = [...path, 'methods'];
  if (table.methods === undefined) {
    const configured = AUTH_METHODS.filter((method) => table[method] !== undefined).toSorted();
    return configured.length > 0 ? configured : ['internal'];
  }
  refuseDuplicates(table.methods, methodsPath, report);
  const methods = knownNames(table.methods, AUTH_METHODS, methodsPath, report);
  if (methods.length > 0) return methods;
  report.warn(methodsPath, 'none of these methods is built yet, accounts are in "internal"', {
    value: table.methods,
  });
  return ['internal'];
}

function mechanismsOf(keys: readonly string[], path: Path, report: ResolveContext['report']): string[] {
  refuseDuplicates(keys, path, report);
  const known = knownNames(
    keys,
    SASL_MECHANISMS.map(([key]) => key),
    path,
    report,
  );
  if (known.length === 0)
    report.error(path, 'none of these mechanisms is built yet, so nobody could log in', { value: keys });
  const names = new Map<string, string>(SASL_MECHANISMS);
  return known.map((key) => names.get(key)!);
}
