import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import { ForeignMethod } from './foreign.ts';
import type { MechanismKind } from './sasl/catalogue.ts';
import { accountName } from './sasl/identity.ts';

/** How far the clocks of issuer and server may be apart (T73). */
export const CLOCK_TOLERANCE_S = 60;

export const JWT_ALGORITHMS = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
] as const;
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];

/** `[auth.jwt]` */
export interface JwtOptions {
  /** The shared secret of HS*, the public key of RS* and ES* in PEM (or a certificate or private key that contains it). */
  readonly secret: string;
  readonly algorithm: JwtAlgorithm;
  /** The claim that holds the username. */
  readonly usernameKey: string;
  /** What the claim `iss` must be; undefined: anything. */
  readonly issuer: string | undefined;
  /** What the claim `aud` must contain; undefined: anything. */
  readonly audience: string | undefined;
}

/** The password is a token (RFC 7519) that somebody signed who says who the user is. */
export class JwtMethod extends ForeignMethod {
  readonly name = 'jwt';
  readonly #options: JwtOptions;
  readonly #key: KeyObject;
  readonly #nowMs: () => number;

  /** Throws when the secret is no key for the algorithm. */
  constructor(options: JwtOptions, nowMs: () => number = Date.now) {
    super();
    this.#options = options;
    this.#key = options.algorithm.startsWith('HS')
      ? createSecretKey(options.secret, 'utf8')
      : createPublicKey(options.secret);
    this.#nowMs = nowMs;
  }

  supports(kind: MechanismKind): boolean {
    return kind === 'plain';
  }

  /**
   * Whether the password is a token of this user that is valid now: signed with the one configured algorithm and key, whatever its header asks for
   * (T33); with `exp` and `nbf` kept, `iat` not in the future, and the configured issuer and audience.
   */
  override async checkPassword(domain: string, username: string, password: string): Promise<boolean> {
    const { algorithm, usernameKey, issuer, audience } = this.#options;
    const nowMs = this.#nowMs();
    let claims: JWTPayload;
    try {
      const verified = await jwtVerify(password, this.#key, {
        algorithms: [algorithm],
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: new Date(nowMs),
        ...(issuer === undefined ? {} : { issuer }),
        ...(audience === undefined ? {} : { audience }),
      });
      claims = verified.payload;
    } catch (error) {
      if (error instanceof errors.JOSEError) return false;
      throw error;
    }
    const { iat } = claims;
    if (iat !== undefined && (typeof iat !== 'number' || iat > nowMs / 1000 + CLOCK_TOLERANCE_S))
      return false;
    const name = Object.hasOwn(claims, usernameKey) ? claims[usernameKey] : undefined;
    return typeof name === 'string' && accountName(name, domain) === username;
  }

  /** Whoever issues the tokens knows; this server cannot ask. */
  async doesUserExist(): Promise<boolean> {
    return true;
  }
}
