import { equalSecrets } from './constant-time.ts';
import { CREDENTIAL_CACHE_ENTRIES_MAX, CredentialCache } from './credential-cache.ts';
import { Derivations } from './derivations.ts';
import {
  type DerivedKeys,
  type PasswordTasks,
  SCRAM_HASHES,
  type ScramCredentials,
  type ScramHash,
} from './scram.ts';

/**
 * Checks and makes passwords for the methods that store them. One per thread, shared by all methods and domains, so that its
 * limits hold for the thread.
 */
export class PasswordVerifier {
  readonly #cache: CredentialCache;
  readonly #derivations: Derivations;

  constructor(
    tasks: PasswordTasks,
    options: { cacheEntriesMax?: number; derivationsInFlightMax?: number } = {},
  ) {
    this.#cache = new CredentialCache(options.cacheEntriesMax ?? CREDENTIAL_CACHE_ENTRIES_MAX);
    this.#derivations = new Derivations(tasks, options.derivationsInFlightMax);
  }

  /** For metrics. */
  get derivationsInFlight(): number {
    return this.#derivations.inFlight;
  }

  /** For metrics. */
  get cachedAccounts(): number {
    return this.#cache.size;
  }

  /**
   * Whether `password` is the one behind `credentials`; the first hash in the order of {@link SCRAM_HASHES} decides. Free when it is
   * the password that was last verified for the account, otherwise one run in the pool, shared by equal claims.
   * Rejects when the pool cannot take it.
   */
  async verify(
    domain: string,
    username: string,
    password: string,
    credentials: ScramCredentials,
  ): Promise<boolean> {
    const hash = SCRAM_HASHES.find((name) => credentials.hashes.has(name));
    if (hash === undefined) return false;
    const { salt, storedKey } = credentials.hashes.get(hash)!;
    const tag = this.#cache.tag(domain, username, hash, storedKey, password);
    if (this.#cache.has(domain, username, tag)) return true;
    const key = tag.toString('base64');
    const derived = await this.#derivations.derive(key, password, hash, salt, credentials.iterations);
    if (derived === undefined || !equalSecrets(derived.storedKey, storedKey)) return false;
    this.#cache.remember(domain, username, tag);
    return true;
  }

  /**
   * SCRAM keys of a password that is stored as it is. They are derived anew for every login: who stores passwords in clear has
   * chosen that price.
   */
  derive(
    domain: string,
    username: string,
    password: string,
    hash: ScramHash,
    salt: Buffer,
    iterations: number,
  ): Promise<DerivedKeys | undefined> {
    const key = this.#cache.tag(domain, username, hash, salt, password).toString('base64');
    return this.#derivations.derive(key, password, hash, salt, iterations);
  }

  /** Whether two passwords are equal, in a time that tells neither content nor length: their tags are compared. */
  isSame(domain: string, username: string, a: string, b: string): boolean {
    const none = Buffer.alloc(0);
    return equalSecrets(
      this.#cache.tag(domain, username, 'sha', none, a),
      this.#cache.tag(domain, username, 'sha', none, b),
    );
  }

  /** Credentials for a new password, as text for the store. Undefined when it is unusable; rejects when the pool is full. */
  makeDetails(
    password: string,
    hashes: readonly ScramHash[],
    iterations: number,
  ): Promise<string | undefined> {
    return this.#derivations.makePasswordDetails(password, hashes, iterations);
  }

  /** Drops what is remembered about an account whose password changed, or which is gone. */
  forget(domain: string, username: string): void {
    this.#cache.forget(domain, username);
  }
}
