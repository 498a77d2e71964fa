import { StoreUnavailable } from './account-store.ts';
import type { AnonymousSessions } from './anonymous-sessions.ts';
import type { AuthMethod, RegisterOutcome } from './method.ts';
import type { MechanismKind } from './sasl/catalogue.ts';

/** What is known about an account: `unknown` when a backend could not be asked. */
export type Existence = 'yes' | 'no' | 'unknown';

/** `[auth.anonymous]` */
export interface AnonymousOptions {
  /**
   * `sasl_anon`: SASL ANONYMOUS, the server makes up the name. `login_anon`: PLAIN with any free name and any password. (SCRAM is not
   * offered for it: without a password neither side could prove anything.)
   */
  readonly protocol: 'sasl_anon' | 'login_anon' | 'both';
  readonly allowMultipleConnections: boolean;
  readonly sessions: AnonymousSessions;
  /** Whether another method has an account of this name: `HostAuth.existence`. */
  readonly existence: (domain: string, username: string) => Promise<Existence>;
}

/** Users who exist as long as they are logged in. */
export class AnonymousMethod implements AuthMethod {
  readonly name = 'anonymous';
  readonly isAnonymous = true;
  readonly isOwn = true;
  readonly #options: AnonymousOptions;

  constructor(options: AnonymousOptions) {
    this.#options = options;
  }

  supports(kind: MechanismKind): boolean {
    const { protocol } = this.#options;
    if (kind === 'anonymous') return protocol !== 'login_anon';
    return kind === 'plain' && protocol !== 'sasl_anon';
  }

  /** To be called when a session opens whose login this method accepted. False when the session must not be. */
  async sessionOpened(domain: string, username: string, session: string): Promise<boolean> {
    const isExclusive = !this.#options.allowMultipleConnections;
    return this.#options.sessions.add(domain, username, session, isExclusive);
  }

  /** To be called when such a session closes. True when it was the user's last one: then run the hook `anonymous_purge`. */
  async sessionClosed(domain: string, username: string, session: string): Promise<boolean> {
    return this.#options.sessions.remove(domain, username, session);
  }

  async scramKeys(): Promise<undefined> {
    return undefined;
  }

  /** Lets anybody in under a name that no account has and, unless that is allowed, nobody is using. */
  async checkPassword(domain: string, username: string): Promise<boolean> {
    if (!this.supports('plain')) return false;
    const existence = await this.#options.existence(domain, username);
    // Better nobody comes in than a stranger under the name of a user.
    if (existence === 'unknown') throw new StoreUnavailable('cannot tell whether the account exists');
    if (existence === 'yes') return false;
    return this.#options.allowMultipleConnections || !(await this.#options.sessions.has(domain, username));
  }

  async acceptsCertificate(): Promise<boolean> {
    return false;
  }

  async doesUserExist(domain: string, username: string): Promise<boolean> {
    return this.#options.sessions.has(domain, username);
  }

  async tryRegister(): Promise<RegisterOutcome> {
    return 'not_allowed';
  }

  async setPassword(): Promise<boolean> {
    return false;
  }

  async removeUser(): Promise<boolean> {
    return false;
  }

  async removeDomain(): Promise<void> {}

  async list(): Promise<readonly string[]> {
    return [];
  }

  async count(): Promise<number> {
    return 0;
  }
}
