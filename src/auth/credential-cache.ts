import { createHmac, randomBytes } from 'node:crypto';
import { equalSecrets } from './constant-time.ts';
import type { ScramHash } from './scram.ts';

/** Accounts whose last good password is remembered, per thread: at about 250 bytes each. */
export const CREDENTIAL_CACHE_ENTRIES_MAX = 10_000;

/**
 * Remembers which password was last verified for an account, so that the next PLAIN login with it needs no PBKDF2.
 *
 * What is kept is an HMAC under a random key of this process over account, stored key and password: useless elsewhere and tied to
 * the credentials it was checked against. A changed password has another stored key, hence another tag, so
 * an entry that another thread has not heard to be outdated is never believed.
 */
export class CredentialCache {
  readonly #key = randomBytes(32);
  readonly #entriesMax: number;
  /** Tags by bare JID, the least recently used first. */
  readonly #tags = new Map<string, Buffer>();

  constructor(entriesMax = CREDENTIAL_CACHE_ENTRIES_MAX) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#tags.size;
  }

  /** The tag of a claim. Names hold no NUL and a stored key has the length of its hash, so no two claims read alike. */
  tag(domain: string, username: string, hash: ScramHash, storedKey: Buffer, password: string): Buffer {
    return createHmac('sha256', this.#key)
      .update(`${domain}\0${username}\0${hash}\0`)
      .update(storedKey)
      .update(password)
      .digest();
  }

  /** Whether this is the claim that was last verified for the account. */
  has(domain: string, username: string, tag: Buffer): boolean {
    const account = bareJid(domain, username);
    const known = this.#tags.get(account);
    if (known === undefined || !equalSecrets(known, tag)) return false;
    this.#tags.delete(account);
    this.#tags.set(account, known);
    return true;
  }

  /** Remembers a verified claim in place of an earlier one; when full, the account unused for longest makes room. */
  remember(domain: string, username: string, tag: Buffer): void {
    const account = bareJid(domain, username);
    if (!this.#tags.delete(account) && this.#tags.size >= this.#entriesMax) {
      const oldest = this.#tags.keys().next();
      if (!oldest.done) this.#tags.delete(oldest.value);
    }
    if (this.#entriesMax > 0) this.#tags.set(account, tag);
  }

  /** For a changed password or a removed account. */
  forget(domain: string, username: string): void {
    this.#tags.delete(bareJid(domain, username));
  }
}

function bareJid(domain: string, username: string): string {
  return `${username}@${domain}`;
}
