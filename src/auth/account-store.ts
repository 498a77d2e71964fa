/** What a store keeps of an account's password: the two columns of the table `users`. */
export interface StoredPassword {
  /** The password itself, if `auth.password.format` was `plain` when it was set; else empty. */
  readonly password: string;
  /** Serialised SCRAM credentials (`scram-text.ts`), if it was `scram`. */
  readonly details: string | undefined;
}

/** One page of a listing. */
export interface AccountPage {
  /** Usernames that come after this one. */
  readonly after?: string;
  readonly limit: number;
  /** Only accounts made until then (milliseconds since the epoch): a listing that shows one moment over all its pages. */
  readonly createdAtMax?: number;
}

/**
 * Accounts with their passwords, by domain and username (both prepared). Implemented elsewhere: by messages to a store thread, or in
 * memory. Every function may reject with {@link StoreUnavailable}; a change that was answered is durable.
 */
export interface AccountStore {
  get(domain: string, username: string): Promise<StoredPassword | undefined>;
  exists(domain: string, username: string): Promise<boolean>;
  /** Adds an account. False when there is one already: of two at once, one wins. */
  insert(domain: string, username: string, password: StoredPassword): Promise<boolean>;
  /** Replaces the password. False when there is no such account. */
  update(domain: string, username: string, password: StoredPassword): Promise<boolean>;
  /** False when there was no such account. */
  remove(domain: string, username: string): Promise<boolean>;
  /** Removes all accounts of a domain. */
  removeDomain(domain: string): Promise<void>;
  /** Usernames in the order of their UTF-8 bytes. */
  list(domain: string, page: AccountPage): Promise<readonly string[]>;
  count(domain: string): Promise<number>;
}

/** A backend that cannot answer now. A login ends with `temporary-auth-failure`, nothing is concluded about the account. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
