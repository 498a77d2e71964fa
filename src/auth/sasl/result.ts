/** The conditions of a SASL failure (RFC 6120 §6.5), all of them. */
export const SASL_CONDITIONS = [
  'aborted',
  'account-disabled',
  'credentials-expired',
  'encryption-required',
  'incorrect-encoding',
  'invalid-authzid',
  'invalid-mechanism',
  'malformed-request',
  'mechanism-too-weak',
  'not-authorized',
  'temporary-auth-failure',
] as const;
export type SaslCondition = (typeof SASL_CONDITIONS)[number];

/** The exchange goes on: send `data` (base64; an empty buffer is an empty element) and wait for a response. */
export interface SaslChallenge {
  readonly kind: 'challenge';
  readonly data: Buffer;
}

/** The exchange is over and somebody is authenticated. */
export interface SaslSuccess {
  readonly kind: 'success';
  /** Prepared localpart of the identity that was proven (T22). The bound JID is made of this, never of anything else. */
  readonly username: string;
  /** The bare JID that the client asked to act as, prepared; it is always that of `username`. */
  readonly authzid: string | undefined;
  /** Additional data with success (RFC 6120 §6.4.6). */
  readonly data: Buffer | undefined;
  /** Name of the authentication method that accepted. */
  readonly method: string;
}

/** The exchange is over without success. The stream stays, and may try again as often as its retries allow. */
export interface SaslFailure {
  readonly kind: 'failure';
  readonly condition: SaslCondition;
  /** For `<text/>`. Absent whenever it could tell whether an account exists (T25). */
  readonly text: string | undefined;
  /** Whom the client claimed to be, prepared, once that is known; for the log and the hook `auth_failed`. */
  readonly username: string | undefined;
  /** What a backend threw, behind `temporary-auth-failure`; for the log only. */
  readonly cause: unknown;
  /** It ended over the mechanism's parameters, so that nobody learned anything about a password: not an attempt to guess one. */
  readonly isRefusal: boolean;
}

export type SaslResult = SaslChallenge | SaslSuccess | SaslFailure;

/** A failure, with every field in its place. */
export function failure(
  condition: SaslCondition,
  text?: string,
  username?: string,
  cause?: unknown,
): SaslFailure {
  return { kind: 'failure', condition, text, username, cause, isRefusal: false };
}

/** The channel binding does not go with what was offered (RFC 5802 §6, T26). It says no more than a wrong password does. */
export function bindingRefused(username: string): SaslFailure {
  return { ...failure('not-authorized', undefined, username), isRefusal: true };
}

/** The answer to `<abort/>` (RFC 6120 §6.4.4). */
export const SASL_ABORTED: SaslFailure = failure('aborted');

/** Asks for the response that a client did not send along with `<auth/>` (RFC 4422 §5, client-first mechanisms). */
export const EMPTY_CHALLENGE: SaslChallenge = { kind: 'challenge', data: Buffer.alloc(0) };
