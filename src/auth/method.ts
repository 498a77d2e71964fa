import type { AccountPage } from './account-store.ts';
import type { MechanismKind } from './sasl/catalogue.ts';
import type { AccountKeys, ScramQuery } from './sasl/exchange.ts';

/** Told about a backend's error whose login or question could go on without it; for the log. */
export type MethodErrorReport = (method: string, error: unknown) => void;

/** What is counted, for metrics, in MongooseIM's words; `method_failed` is ours. */
export type AuthEvent =
  | 'authorize'
  | 'check_password'
  | 'does_user_exist'
  | 'try_register'
  | 'register_user'
  | 'unregister_user'
  | 'method_failed';

/** What is asked of a method; for metrics. */
export type AuthQuestion =
  | 'scram_keys'
  | 'check_password'
  | 'accepts_certificate'
  | 'does_user_exist'
  | 'try_register'
  | 'set_password'
  | 'remove_user';

/** Told what happens, from those who ask the methods. */
export interface AuthObserver {
  count(event: AuthEvent): void;
  /** A method was asked. `failed`: it could not answer. */
  asked(question: AuthQuestion, method: string, answer: 'yes' | 'no' | 'failed', seconds: number): void;
  failed: MethodErrorReport;
}

export const NO_OBSERVER: AuthObserver = { count: () => {}, asked: () => {}, failed: () => {} };

/** SCRAM credentials as a method keeps them, in the form of `scram-text.ts`: for accounts that move from one server to another. */
export interface CredentialKeeper {
  /** Undefined when there is no such account, or nothing that could be moved. */
  get(domain: string, username: string): Promise<string | undefined>;
  /** Makes an account that has them. False when there is one already. */
  insert(domain: string, username: string, details: string): Promise<boolean>;
  /** Replaces them. False when there is no such account. */
  update(domain: string, username: string, details: string): Promise<boolean>;
}

export type RegisterOutcome = 'registered' | 'exists' | 'not_allowed';

/**
 * One way of authentication (`[auth.METHOD]`). Most of those that keep no accounts here start from {@link ForeignMethod}.
 *
 * Domains and usernames are prepared. Everything may reject, best with {@link StoreUnavailable}, when the backend cannot answer; a
 * method never answers "no" in its place.
 */
export interface AuthMethod {
  /** As in the configuration. */
  readonly name: string;
  /** Whether its users exist only while they are logged in; `does_user_exist` for stored accounts passes it over. */
  readonly isAnonymous: boolean;
  /**
   * Whether accounts come and go through this server alone, so that what it was told about one holds until it hears otherwise. Where somebody
   * else keeps them, an answer is soon out of date.
   */
  readonly isOwn: boolean;
  /** Undefined for a method that keeps no SCRAM credentials. */
  readonly credentials?: CredentialKeeper | undefined;
  /** Whether logins by this kind of mechanism can succeed here. */
  supports(kind: MechanismKind): boolean;
  /** SCRAM keys for one hash. Undefined when there is no such account, or it has no keys with that hash. */
  scramKeys(domain: string, username: string, query: ScramQuery): Promise<AccountKeys | undefined>;
  /** Takes as long for an account that does not exist as for a wrong password (T25). */
  checkPassword(domain: string, username: string, password: string): Promise<boolean>;
  /**
   * Whether the account may be entered with this certificate (SASL EXTERNAL): in DER, verified by TLS, and naming the account by the rules of
   * `auth.sasl_external`.
   */
  acceptsCertificate(domain: string, username: string, certificate: Uint8Array): Promise<boolean>;
  doesUserExist(domain: string, username: string): Promise<boolean>;
  /** `not_allowed` also for a password that cannot be used. The empty password never comes here. */
  tryRegister(domain: string, username: string, password: string): Promise<RegisterOutcome>;
  /** False when this method does not have the account, cannot change passwords, or cannot use this one. */
  setPassword(domain: string, username: string, password: string): Promise<boolean>;
  /** False when this method does not have the account. */
  removeUser(domain: string, username: string): Promise<boolean>;
  removeDomain(domain: string): Promise<void>;
  /** A page of usernames in the order of their UTF-8 bytes. Empty for a method that cannot tell. */
  list(domain: string, page: AccountPage): Promise<readonly string[]>;
  count(domain: string): Promise<number>;
}
