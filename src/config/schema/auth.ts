import { z } from 'zod';
import { option } from '../option.ts';
import { intOrInfinity, nameFrom } from '../values.ts';
import {
  dummySchema,
  externalSchema,
  httpAuthSchema,
  jwtSchema,
  ldapSchema,
  pkiSchema,
  saslCommonNameSchema,
} from './auth-methods.ts';

export const AUTH_METHODS = [
  'internal',
  'anonymous',
  'dummy',
  'external',
  'http',
  'jwt',
  'ldap',
  'pki',
] as const;
export const AUTH_METHODS_NOT_YET = ['rdbms'] as const;

/** The names of SASL mechanisms in the file, strongest first, with those on the wire. */
export const SASL_MECHANISMS = [
  ['scram_sha512_plus', 'SCRAM-SHA-512-PLUS'],
  ['scram_sha512', 'SCRAM-SHA-512'],
  ['scram_sha384_plus', 'SCRAM-SHA-384-PLUS'],
  ['scram_sha384', 'SCRAM-SHA-384'],
  ['scram_sha256_plus', 'SCRAM-SHA-256-PLUS'],
  ['scram_sha256', 'SCRAM-SHA-256'],
  ['scram_sha224_plus', 'SCRAM-SHA-224-PLUS'],
  ['scram_sha224', 'SCRAM-SHA-224'],
  ['scram_sha1_plus', 'SCRAM-SHA-1-PLUS'],
  ['scram_sha1', 'SCRAM-SHA-1'],
  ['plain', 'PLAIN'],
  ['anonymous', 'ANONYMOUS'],
  ['external', 'EXTERNAL'],
  ['oauth', 'X-OAUTH'],
] as const;
export const SASL_MECHANISMS_NOT_YET = ['digest'] as const;

/** How the account of a certificate is found. */
export const SASL_EXTERNAL_STRATEGIES = ['standard', 'common_name', 'auth_id', 'module'] as const;

export const PASSWORD_HASHES = ['sha', 'sha224', 'sha256', 'sha384', 'sha512'] as const;

export type MechanismKey = (typeof SASL_MECHANISMS)[number][0];
const MECHANISM_KEYS: readonly MechanismKey[] = SASL_MECHANISMS.map(([key]) => key);
/** Whether certificates say who somebody is, an operator decides: a listener may ask for them for another reason. */
const MECHANISM_DEFAULTS = MECHANISM_KEYS.filter((key) => key !== 'external');

const passwordSchema = z.object({
  format: option(z.enum(['scram', 'plain']).default('scram'), {
    about:
      'How passwords are kept: as SCRAM keys, from which nobody can read them. `"plain"` is for the method `http` alone: its service then ' +
      'gets passwords as they are.',
    reload: 'live',
  }),
  hash: option(
    z
      .array(z.enum(PASSWORD_HASHES))
      .min(1)
      .default([...PASSWORD_HASHES]),
    {
      about:
        'Hashes whose SCRAM keys are kept for new passwords. A mechanism is offered only if its hash is named.',
      reload: 'live',
    },
  ),
  scram_iterations: option(z.int().min(1).max(10_000_000).default(10_000), {
    about: 'Rounds of PBKDF2 for new passwords. RFC 5802 wants at least 4096.',
    unit: 'rounds',
    reload: 'live',
  }),
});

const anonymousSchema = z.object({
  protocol: option(z.enum(['sasl_anon', 'login_anon', 'both']).default('sasl_anon'), {
    about:
      '`"sasl_anon"`: the server invents the name; `"login_anon"`: the client chooses one that no account has, with any password.',
    reload: 'new connections',
  }),
  allow_multiple_connections: option(z.boolean().default(false), {
    about: 'Whether a chosen name may be logged in more than once (`"login_anon"`).',
    reload: 'new connections',
  }),
});

/** `[auth]` and `[host_config.auth]` */
export const authSchema = z.object({
  methods: option(z.array(nameFrom(AUTH_METHODS, AUTH_METHODS_NOT_YET)).min(1).optional(), {
    about: 'Where accounts are, in the order in which they are asked.',
    defaultText: 'those that have a section, in alphabetical order; `["internal"]` if none has',
    reload: 'new connections',
  }),
  sasl_mechanisms: option(
    z
      .array(nameFrom(MECHANISM_KEYS, SASL_MECHANISMS_NOT_YET))
      .min(1)
      .default([...MECHANISM_DEFAULTS]),
    {
      about:
        'Mechanisms that may be offered, in this order. Each is offered only where it works: `_plus` on TLS, `plain` not before ' +
        'the encryption that the listener has, `anonymous` with the method of that name, `external` to clients with a certificate, `oauth` with mod_auth_token.',
      defaultText: 'all of them but `external`, in this order',
      reload: 'new connections',
    },
  ),
  max_users_per_domain: option(intOrInfinity(1).default(Number.POSITIVE_INFINITY), {
    about: 'Accounts that a domain may have. Registration beyond is refused.',
    unit: 'accounts',
    reload: 'live',
  }),
  sasl_external: option(z.array(z.enum(SASL_EXTERNAL_STRATEGIES)).min(1).default(['standard']), {
    about:
      'How EXTERNAL finds the account of a client’s certificate, the first that finds one: `"standard"` by the XMPP addresses in it ' +
      '(XEP-0178), `"common_name"` by the common name of its subject, `"auth_id"` by what the client says (any certificate opens any account), `"module"` by a module of yours (hook `sasl_external`).',
    reload: 'new connections',
  }),
  sasl_external_common_name: option(saslCommonNameSchema.prefault({}), {
    about: 'The username of a common name.',
    reload: 'new connections',
  }),
  password: option(passwordSchema.prefault({}), { about: 'How passwords are kept.', reload: 'live' }),
  internal: option(z.object({}).optional(), {
    about: 'Accounts in Meerkat’s own database. No options.',
    reload: 'new connections',
  }),
  anonymous: option(anonymousSchema.optional(), {
    about: 'Logins without account; what they left is deleted when they end.',
    reload: 'new connections',
  }),
  dummy: option(dummySchema.optional(), {
    about: 'Everybody, with any password; for load tests.',
    reload: 'new connections',
  }),
  external: option(externalSchema.optional(), {
    about: 'Accounts behind a program of your own.',
    reload: 'new connections',
  }),
  http: option(httpAuthSchema.optional(), {
    about: 'Accounts behind a web service: that of `[outgoing_pools.http.auth]`.',
    reload: 'new connections',
  }),
  jwt: option(jwtSchema.optional(), {
    about: 'Signed tokens (RFC 7519) in place of passwords.',
    reload: 'new connections',
  }),
  ldap: option(ldapSchema.optional(), { about: 'Accounts in an LDAP directory.', reload: 'new connections' }),
  pki: option(pkiSchema.optional(), {
    about: 'Every user whose certificate is accepted. No options.',
    reload: 'new connections',
  }),
});

export type AuthTable = z.output<typeof authSchema>;
