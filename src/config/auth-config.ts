import type { AUTH_METHODS, SASL_EXTERNAL_STRATEGIES } from './schema/auth.ts';
import type { JWT_ALGORITHMS } from './schema/auth-methods.ts';

/** The part of the configuration about who may log in, and how. */

export type AuthMethod = (typeof AUTH_METHODS)[number];
export type PasswordHash = 'sha' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

export interface AuthConfig {
  /** In the order in which they are asked. */
  readonly methods: readonly AuthMethod[];
  /** Names as on the wire (`SCRAM-SHA-256-PLUS`), in the order in which they are offered. */
  readonly saslMechanisms: readonly string[];
  readonly saslExternal: SaslExternalConfig;
  readonly maxUsersPerDomain: number;
  readonly password: PasswordConfig;
  readonly anonymous: AnonymousConfig;
  readonly dummy: DummyConfig;
  /** `USER:PASSWORD` for requests of the method `http`. */
  readonly httpBasicAuth: string | undefined;
  /** Of `methods`, those that need options have them. */
  readonly program: ProgramConfig | undefined;
  readonly jwt: JwtConfig | undefined;
  readonly ldap: LdapConfig | undefined;
}

export interface SaslExternalConfig {
  readonly strategies: readonly (typeof SASL_EXTERNAL_STRATEGIES)[number][];
  readonly commonNamePrefix: string;
  readonly commonNameSuffix: string;
}

export interface PasswordConfig {
  /** Of the method `http`; others keep SCRAM keys. */
  readonly format: 'scram' | 'plain';
  readonly hash: readonly PasswordHash[];
  readonly scramIterations: number;
}

export interface AnonymousConfig {
  readonly protocol: 'sasl_anon' | 'login_anon' | 'both';
  readonly allowMultipleConnections: boolean;
}

export interface DummyConfig {
  readonly baseTimeMs: number;
  readonly varianceMs: number;
}

/** A program that is asked. */
export interface ProgramConfig {
  /** For logs: `auth.external`. */
  readonly name: string;
  /** Absolute, or a name to be looked for on the PATH. */
  readonly command: string;
  readonly args: readonly string[];
  readonly instances: number;
  /** Questions that may wait, and how long one may take, waiting included. */
  readonly queueMax: number;
  readonly callTimeoutMs: number;
}

export interface JwtConfig {
  /** The shared secret, or the public key in PEM. */
  readonly secret: string;
  readonly algorithm: (typeof JWT_ALGORITHMS)[number];
  readonly usernameKey: string;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
}

export interface LdapConfig {
  readonly poolTag: string;
  readonly bindPoolTag: string;
  readonly base: string;
  readonly uids: readonly { readonly attribute: string; readonly format: string }[];
  readonly filter: string | undefined;
  readonly dnFilter: { readonly filter: string; readonly attributes: readonly string[] } | undefined;
  readonly localFilter:
    | {
        readonly operation: 'equal' | 'notequal';
        readonly attribute: string;
        readonly values: readonly string[];
      }
    | undefined;
  readonly deref: 'never' | 'always' | 'finding' | 'searching';
}
