import { randomBytes } from 'node:crypto';
import type { AccountPage, AccountStore, StoredPassword } from './account-store.ts';
import type { AuthMethod, CredentialKeeper, RegisterOutcome } from './method.ts';
import type { PasswordVerifier } from './password-verifier.ts';
import type { MechanismKind } from './sasl/catalogue.ts';
import type { AccountKeys, ScramQuery } from './sasl/exchange.ts';
import { HASH_FACTS, SCRAM_SALT_BYTES, type ScramCredentials, type ScramHash } from './scram.ts';
import { parseCredentials, serializeCredentials } from './scram-text.ts';

/** `[auth.password]` */
export interface PasswordPolicy {
  /** `plain` keeps passwords themselves, which XEP-0438 forbids; it is there for those who migrate with it. */
  readonly format: 'scram' | 'plain';
  /** At least one. */
  readonly hashes: readonly ScramHash[];
  readonly iterations: number;
}

export interface InternalOptions {
  readonly store: AccountStore;
  readonly passwords: PasswordVerifier;
  readonly policy: PasswordPolicy;
  /** Told about an account whose stored credentials cannot be read, and who therefore cannot log in. */
  readonly onUnreadable?: (domain: string, username: string) => void;
}

/** Accounts in the server's own store. */
export class InternalMethod implements AuthMethod {
  readonly name: string = 'internal';
  readonly isAnonymous = false;
  readonly isOwn: boolean = true;
  readonly #store: AccountStore;
  readonly #passwords: PasswordVerifier;
  readonly #policy: PasswordPolicy;
  readonly #onUnreadable: (domain: string, username: string) => void;
  /** Takes the place of credentials that do not exist or cannot be read, so that the work is the same (T25). */
  readonly #decoyCredentials: ScramCredentials;
  /** Takes the place of an account that does not exist, in the format that the others most likely have. */
  readonly #decoy: StoredPassword;

  constructor(options: InternalOptions) {
    this.#store = options.store;
    this.#passwords = options.passwords;
    this.#policy = options.policy;
    this.#onUnreadable = options.onUnreadable ?? (() => {});
    this.#decoyCredentials = decoyCredentials(options.policy);
    this.#decoy =
      options.policy.format === 'plain'
        ? { password: randomBytes(SCRAM_SALT_BYTES).toString('hex'), details: undefined }
        : { password: '', details: serializeCredentials(this.#decoyCredentials) };
  }

  get credentials(): CredentialKeeper | undefined {
    if (this.#policy.format === 'plain') return undefined;
    return {
      get: async (domain, username) => (await this.#store.get(domain, username))?.details,
      insert: (domain, username, details) => this.#store.insert(domain, username, { password: '', details }),
      update: async (domain, username, details) => {
        const isDone = await this.#store.update(domain, username, { password: '', details });
        this.#passwords.forget(domain, username);
        return isDone;
      },
    };
  }

  supports(kind: MechanismKind): boolean {
    return kind === 'plain' || kind === 'scram';
  }

  async scramKeys(domain: string, username: string, query: ScramQuery): Promise<AccountKeys | undefined> {
    const found = await this.#store.get(domain, username);
    const stored = found ?? this.#decoy;
    const keys = await this.#keysOf(stored, domain, username, query);
    return found === undefined ? undefined : keys;
  }

  async #keysOf(
    stored: StoredPassword,
    domain: string,
    username: string,
    query: ScramQuery,
  ): Promise<AccountKeys | undefined> {
    const { hash, salt, iterations } = query;
    if (stored.details === undefined) {
      const derived = await this.#passwords.derive(domain, username, stored.password, hash, salt, iterations);
      return derived && { ...derived, salt, iterations };
    }
    const credentials = this.#parse(stored.details, domain, username);
    const keys = credentials?.hashes.get(hash);
    return keys && { ...keys, iterations: credentials!.iterations };
  }

  async checkPassword(domain: string, username: string, password: string): Promise<boolean> {
    const found = await this.#store.get(domain, username);
    const stored = found ?? this.#decoy;
    if (stored.details === undefined) {
      // The empty string is no password: such a row belongs to an account that cannot log in.
      const isSame = this.#passwords.isSame(domain, username, stored.password, password);
      return isSame && stored.password.length > 0 && found !== undefined;
    }
    const credentials = this.#parse(stored.details, domain, username);
    const tested = credentials ?? this.#decoyCredentials;
    const isRight = await this.#passwords.verify(domain, username, password, tested);
    return isRight && found !== undefined && credentials !== undefined;
  }

  async acceptsCertificate(_domain: string, _username: string, _certificate: Uint8Array): Promise<boolean> {
    return false;
  }

  doesUserExist(domain: string, username: string): Promise<boolean> {
    return this.#store.exists(domain, username);
  }

  async tryRegister(domain: string, username: string, password: string): Promise<RegisterOutcome> {
    const stored = await this.#make(password);
    if (stored === undefined) return 'not_allowed';
    return (await this.#store.insert(domain, username, stored)) ? 'registered' : 'exists';
  }

  async setPassword(domain: string, username: string, password: string): Promise<boolean> {
    const stored = await this.#make(password);
    if (stored === undefined) return false;
    const isDone = await this.#store.update(domain, username, stored);
    this.#passwords.forget(domain, username);
    return isDone;
  }

  async removeUser(domain: string, username: string): Promise<boolean> {
    const isDone = await this.#store.remove(domain, username);
    this.#passwords.forget(domain, username);
    return isDone;
  }

  removeDomain(domain: string): Promise<void> {
    return this.#store.removeDomain(domain);
  }

  list(domain: string, page: AccountPage): Promise<readonly string[]> {
    return this.#store.list(domain, page);
  }

  count(domain: string): Promise<number> {
    return this.#store.count(domain);
  }

  /** The new password as the policy wants it stored. Undefined when it is unusable. */
  async #make(password: string): Promise<StoredPassword | undefined> {
    const { format, hashes, iterations } = this.#policy;
    if (format === 'plain') return { password, details: undefined };
    const details = await this.#passwords.makeDetails(password, hashes, iterations);
    return details === undefined ? undefined : { password: '', details };
  }

  #parse(details: string, domain: string, username: string): ScramCredentials | undefined {
    const credentials = parseCredentials(details);
    if (credentials === undefined) this.#onUnreadable(domain, username);
    return credentials;
  }
}

/** Credentials that no password has: random salts and keys. */
function decoyCredentials(policy: PasswordPolicy): ScramCredentials {
  const hashes = new Map(
    policy.hashes.map((hash) => {
      const { bytes } = HASH_FACTS[hash];
      const salt = randomBytes(SCRAM_SALT_BYTES);
      return [hash, { salt, storedKey: randomBytes(bytes), serverKey: randomBytes(bytes) }] as const;
    }),
  );
  return { iterations: policy.iterations, hashes };
}
