import type { ScramHash, ScramKeys } from '../scram.ts';
import type { TlsFacts } from './channel-binding.ts';
import type { ExternalModules, ExternalRules } from './external-rules.ts';
import type { MechanismOffer } from './offer.ts';
import type { SaslResult } from './result.ts';

/** One SASL exchange, from `<auth/>` to its result. It does no I/O and knows no stream; make it with `createMechanism`. */
export interface SaslExchange {
  /** The name that the client chose, such as `SCRAM-SHA-1-PLUS`. */
  readonly mechanism: string;
  /**
   * Takes what `<auth/>` or `<response/>` carried, decoded by `decodeSaslData`, and says what to do next. Answers with a promise where
   * a backend has to be asked; hold the stream's input until it settles. It never throws and never rejects. After a success
   * or a failure the exchange is spent, and every further step fails.
   */
  step(data: Buffer | undefined): SaslResult | Promise<SaslResult>;
}

/** SCRAM keys of one account, and how they were made. */
export interface AccountKeys extends ScramKeys {
  readonly iterations: number;
}

export interface ScramLogin {
  readonly keys: AccountKeys;
  /** The authentication method that they came from. */
  readonly method: string;
}

export interface ScramQuery {
  readonly hash: ScramHash;
  /** Salt and iterations for a backend that knows only the password and has to derive the keys now. */
  readonly salt: Buffer;
  readonly iterations: number;
}

/** What mechanisms ask of the authentication methods. Any rejection becomes `temporary-auth-failure`. */
export interface Logins {
  /** SCRAM keys of an account. Undefined when there is none, or none with this hash. */
  scramKeys(domain: string, username: string, query: ScramQuery): Promise<ScramLogin | undefined>;
  /** The name of the first method that accepts the password. Undefined when none does. */
  checkPassword(domain: string, username: string, password: string): Promise<string | undefined>;
  /** The name of the first method that lets the account be entered with this certificate (DER). Undefined when none does. */
  acceptsCertificate(domain: string, username: string, certificate: Uint8Array): Promise<string | undefined>;
  /** The name of the method that lets unnamed users in (SASL ANONYMOUS). Undefined when none does. */
  anonymousMethod(): string | undefined;
}

/** What every login on one domain shares. */
export interface SaslHost {
  /** Prepared. */
  readonly domain: string;
  readonly logins: Logins;
  /**
   * At least 32 random bytes from which the salts of unknown users are made (T25). The same in all threads and kept over
   * restarts: a salt that changes tells an invented user from a real one.
   */
  readonly decoySecret: Buffer;
  /** `auth.password.scram_iterations`: what unknown users are shown. */
  readonly iterations: number;
  /** Whether SCRAM challenges carry the hash of what was offered (XEP-0474). */
  readonly hasDowngradeProtection: boolean;
  /** How EXTERNAL finds the account of a certificate (`auth.sasl_external`). */
  readonly external: ExternalRules;
  /** For its strategy `module`. */
  readonly externalModules: ExternalModules;
}

/** What an exchange knows about the stream that it runs on. */
export interface SaslContext {
  readonly host: SaslHost;
  /** The very lists that were advertised on this stream. */
  readonly offer: MechanismOffer;
  /** Undefined on a connection without TLS. */
  readonly tls: TlsFacts | undefined;
  /** The server's part of a nonce. Only tests with the vectors of an RFC set it. */
  readonly makeNonce?: () => string;
}
