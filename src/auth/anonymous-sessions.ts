type MaybePromise<T> = T | Promise<T>;

/**
 * Who is logged in anonymously. In memory; asynchronous in form, so that a table shared by all threads can take the place of
 * {@link LocalAnonymousSessions}.
 */
export interface AnonymousSessions {
  /**
   * Notes a session. False, and nothing noted, when `isExclusive` and the name has another session already: of two logins at the same
   * time, one wins.
   */
  add(domain: string, username: string, session: string, isExclusive: boolean): MaybePromise<boolean>;
  /** Forgets a session. True when it was the last of its name, whose data are now to be purged. */
  remove(domain: string, username: string, session: string): MaybePromise<boolean>;
  has(domain: string, username: string): MaybePromise<boolean>;
}

/** The sessions of one thread. It grows with them, and is bounded as they are. */
export class LocalAnonymousSessions implements AnonymousSessions {
  /** Session names by bare JID. */
  readonly #sessions = new Map<string, Set<string>>();

  add(domain: string, username: string, session: string, isExclusive: boolean): boolean {
    const account = `${username}@${domain}`;
    const sessions = this.#sessions.get(account);
    if (sessions === undefined) {
      this.#sessions.set(account, new Set([session]));
      return true;
    }
    if (isExclusive && !sessions.has(session)) return false;
    sessions.add(session);
    return true;
  }

  remove(domain: string, username: string, session: string): boolean {
    const account = `${username}@${domain}`;
    const sessions = this.#sessions.get(account);
    if (sessions?.delete(session) !== true || sessions.size > 0) return false;
    return this.#sessions.delete(account);
  }

  has(domain: string, username: string): boolean {
    return this.#sessions.has(`${username}@${domain}`);
  }
}
