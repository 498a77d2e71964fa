import type { AccountStore } from '../auth/account-store.ts';
import { AnonymousMethod, type Existence } from '../auth/anonymous.ts';
import type { AnonymousSessions } from '../auth/anonymous-sessions.ts';
import { DummyMethod } from '../auth/dummy.ts';
import { HttpMethod } from '../auth/http.ts';
import { InternalMethod, type PasswordPolicy } from '../auth/internal.ts';
import { JwtMethod } from '../auth/jwt.ts';
import { LdapMethod } from '../auth/ldap.ts';
import type { AuthMethod } from '../auth/method.ts';
import type { PasswordVerifier } from '../auth/password-verifier.ts';
import { PkiMethod } from '../auth/pki.ts';
import { ProgramMethod } from '../auth/program.ts';
import type { AuthConfig, AuthMethod as MethodName, PoolsConfig } from '../config/config.ts';
import type { Logger } from '../observe/log.ts';
import type { Pools } from './pools.ts';

/** What methods are made of. */
export interface MethodSurroundings {
  readonly log: Logger;
  readonly accounts: AccountStore;
  readonly passwords: PasswordVerifier;
  readonly anonymous: AnonymousSessions;
  readonly pools: Pools;
}

/** The host type that a method is made for. */
export interface MethodHost {
  readonly name: string;
  readonly auth: AuthConfig;
  readonly pools: PoolsConfig;
}

/** Makes a method of a host type. Throws when it cannot be: a file is gone since the configuration was read. */
export function makeMethod(
  name: MethodName,
  host: MethodHost,
  around: MethodSurroundings,
  existence: (domain: string, username: string) => Promise<Existence>,
): AuthMethod {
  const { auth } = host;
  switch (name) {
    case 'internal':
      return new InternalMethod({
        store: around.accounts,
        passwords: around.passwords,
        policy: policyOf(auth, 'scram'),
      });
    case 'anonymous':
      return new AnonymousMethod({ ...auth.anonymous, sessions: around.anonymous, existence });
    case 'dummy':
      return new DummyMethod(auth.dummy);
    case 'external':
      return new ProgramMethod(around.pools.program(auth.program!));
    case 'http':
      return httpMethod(host, around);
    case 'jwt':
      return new JwtMethod(auth.jwt!);
    case 'ldap':
      return ldapMethod(host, around);
    case 'pki':
      return new PkiMethod();
  }
}

function policyOf({ password }: AuthConfig, format: PasswordPolicy['format']): PasswordPolicy {
  return { format, hashes: password.hash, iterations: password.scramIterations };
}

function httpMethod({ name, auth, pools }: MethodHost, around: MethodSurroundings): HttpMethod {
  const pool = around.pools.http(pools.http.get('auth')!, name);
  return new HttpMethod({
    api: {
      request: (method, path, fields) =>
        pool.request({ method, path, fields, basicAuth: auth.httpBasicAuth }),
    },
    passwords: around.passwords,
    policy: policyOf(auth, auth.password.format),
    onUnreadable: (domain, username) =>
      around.log.error(
        { what: 'unreadable_credentials', method: 'http', user: username, server: domain },
        'the stored password of an account cannot be read',
      ),
  });
}

function ldapMethod({ name, auth, pools }: MethodHost, around: MethodSurroundings): LdapMethod {
  const ldap = auth.ldap!;
  const searches = around.pools.ldap(pools.ldap.get(ldap.poolTag)!, name);
  const binds = around.pools.ldap(pools.ldap.get(ldap.bindPoolTag)!, name);
  return new LdapMethod(
    {
      search: (query) => searches.search(query),
      bind: (dn, password) => binds.bind(dn, password),
      setPassword: (dn, password) => searches.setPassword(dn, password),
    },
    ldap,
  );
}
