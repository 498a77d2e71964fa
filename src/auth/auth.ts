import { parseLocalpart } from '../xmpp/jid.ts';
import { type AccountPage, StoreUnavailable } from './account-store.ts';
import type { Existence } from './anonymous.ts';
import { MethodLogins } from './logins.ts';
import { type AuthMethod, type AuthObserver, type CredentialKeeper, NO_OBSERVER } from './method.ts';
import { observed } from './observed.ts';

/** Usernames in one page of a listing. */
export const ACCOUNT_PAGE_MAX = 1000;

/** How {@link HostAuth.tryRegister} ended; the words are MongooseIM's. Run the hook `register_user` after a registration. */
export type Registration =
  | { readonly kind: 'registered'; readonly username: string; readonly method: string }
  | { readonly kind: 'refused'; readonly reason: RegistrationRefusal };

export type RegistrationRefusal =
  | 'null_password'
  | 'invalid_jid'
  | 'exists'
  | 'limit_per_domain_exceeded'
  | 'not_allowed';

export type PasswordChange = 'changed' | 'empty_password' | 'user_not_found' | 'not_allowed';

export interface HostAuthOptions {
  /** In the order of `auth.methods`. */
  readonly methods: readonly AuthMethod[];
  /** `auth.max_users_per_domain` */
  readonly usersPerDomainMax?: number;
  readonly observer?: AuthObserver;
}

/**
 * The rules over the authentication methods of one host type. Domains and usernames are prepared, unless said
 * otherwise. What rejects, rejects with what a backend threw: nothing is known then.
 */
export class HostAuth {
  readonly #methods: readonly AuthMethod[];
  readonly #usersPerDomainMax: number;
  readonly #observer: AuthObserver;

  constructor(options: HostAuthOptions) {
    this.#methods = options.methods;
    this.#usersPerDomainMax = options.usersPerDomainMax ?? Number.POSITIVE_INFINITY;
    this.#observer = options.observer ?? NO_OBSERVER;
  }

  /** Whether all accounts come and go through this server, so that it may remember who exists until it hears otherwise. */
  get isOwn(): boolean {
    return this.#methods.every((method) => method.isOwn);
  }

  /** The methods as logins see them; `allowed` is the listener's `allowed_auth_methods`, all when undefined. */
  logins(allowed?: readonly string[]): MethodLogins {
    const methods = this.#methods.filter((method) => allowed?.includes(method.name) ?? true);
    return new MethodLogins(methods, this.#observer);
  }

  /** Whether a method has the account. Anonymous users count only if asked for. A backend that cannot answer counts as no. */
  async doesUserExist(
    domain: string,
    username: string,
    kind: 'stored' | 'with_anonymous' = 'stored',
  ): Promise<boolean> {
    return (await this.#existence(domain, username, kind === 'with_anonymous')) === 'yes';
  }

  /** Whether a method has the account, anonymous ones left out; for those who must be sure. */
  existence(domain: string, username: string): Promise<Existence> {
    return this.#existence(domain, username, false);
  }

  async #existence(domain: string, username: string, withAnonymous: boolean): Promise<Existence> {
    this.#observer.count('does_user_exist');
    let answer: Existence = 'no';
    for (const method of this.#methods) {
      if (method.isAnonymous && !withAnonymous) continue;
      try {
        const ask = () => method.doesUserExist(domain, username);
        if (await observed(this.#observer, method, 'does_user_exist', ask)) return 'yes';
      } catch (error) {
        this.#failed(method, error);
        answer = 'unknown';
      }
    }
    return answer;
  }

  #failed(method: AuthMethod, error: unknown): void {
    this.#observer.count('method_failed');
    this.#observer.failed(method.name, error);
  }

  /** Makes an account in the first method that takes it. `name` is as the user typed it. */
  async tryRegister(domain: string, name: string, password: string): Promise<Registration> {
    this.#observer.count('try_register');
    if (password.length === 0) return refused('null_password');
    const username = parseLocalpart(name);
    if (username === undefined) return refused('invalid_jid');
    const existence = await this.existence(domain, username);
    if (existence === 'unknown') throw new StoreUnavailable('cannot tell whether the account exists');
    if (existence === 'yes') return refused('exists');
    if (await this.#isFull(domain)) return refused('limit_per_domain_exceeded');
    for (const method of this.#methods) {
      const outcome = await observed(
        this.#observer,
        method,
        'try_register',
        () => method.tryRegister(domain, username, password),
        (answer) => answer === 'registered',
      );
      if (outcome === 'registered') {
        this.#observer.count('register_user');
        return { kind: 'registered', username, method: method.name };
      }
      if (outcome === 'exists') return refused('exists');
    }
    return refused('not_allowed');
  }

  /** SCRAM credentials of the first method that keeps some; undefined when none does. */
  get credentials(): CredentialKeeper | undefined {
    return this.#methods.find((method) => method.credentials !== undefined)?.credentials;
  }

  /** Makes an account that has these credentials (`scram-text.ts`), as {@link tryRegister} makes one with a password. */
  async tryImport(domain: string, username: string, details: string): Promise<Registration> {
    this.#observer.count('try_register');
    const existence = await this.existence(domain, username);
    if (existence === 'unknown') throw new StoreUnavailable('cannot tell whether the account exists');
    if (existence === 'yes') return refused('exists');
    if (await this.#isFull(domain)) return refused('limit_per_domain_exceeded');
    const method = this.#methods.find(({ credentials }) => credentials !== undefined);
    if (method === undefined) return refused('not_allowed');
    if (!(await method.credentials!.insert(domain, username, details))) return refused('exists');
    this.#observer.count('register_user');
    return { kind: 'registered', username, method: method.name };
  }

  /** Two registrations at once may both take the last place: the limit is there to bound a domain, not to count it. */
  async #isFull(domain: string): Promise<boolean> {
    if (this.#usersPerDomainMax === Number.POSITIVE_INFINITY) return false;
    return (await this.count(domain)) >= this.#usersPerDomainMax;
  }

  /** Changes the password in the first method that can. */
  async setPassword(domain: string, username: string, password: string): Promise<PasswordChange> {
    if (password.length === 0) return 'empty_password';
    const existence = await this.existence(domain, username);
    if (existence === 'no') return 'user_not_found';
    for (const method of this.#methods) {
      const ask = () => method.setPassword(domain, username, password);
      if (await observed(this.#observer, method, 'set_password', ask)) return 'changed';
    }
    return 'not_allowed';
  }

  /**
   * Removes the account from every method. True when one had it: then run the hook `remove_user` and close the user's sessions
   * with `conflict`, text "User removed". Rejects only when no method succeeded and one failed.
   */
  async removeUser(domain: string, username: string): Promise<boolean> {
    const results = await Promise.allSettled(
      this.#methods.map((method) =>
        observed(this.#observer, method, 'remove_user', () => method.removeUser(domain, username)),
      ),
    );
    for (const [i, result] of results.entries())
      if (result.status === 'rejected') this.#failed(this.#methods[i]!, result.reason);
    if (results.some((result) => result.status === 'fulfilled' && result.value)) {
      this.#observer.count('unregister_user');
      return true;
    }
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return false;
  }

  /** Removes all accounts of a domain from every method, for the hook `remove_domain`. */
  async removeDomain(domain: string): Promise<void> {
    await Promise.all(this.#methods.map((method) => method.removeDomain(domain)));
  }

  /**
   * A page of the domain's usernames, in the order of their UTF-8 bytes, over all methods. Throws RangeError unless the limit is
   * within 1 and {@link ACCOUNT_PAGE_MAX}.
   */
  async list(domain: string, page: AccountPage): Promise<readonly string[]> {
    if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > ACCOUNT_PAGE_MAX) {
      throw new RangeError(`limit must be within 1 and ${ACCOUNT_PAGE_MAX}`);
    }
    const pages = await Promise.all(this.#methods.map((method) => method.list(domain, page)));
    const filled = pages.filter((names) => names.length > 0);
    if (filled.length <= 1) return filled[0] ?? [];
    const names = [...new Set(filled.flat())];
    return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).slice(0, page.limit);
  }

  /** Accounts of a domain, summed over all methods. */
  async count(domain: string): Promise<number> {
    const counts = await Promise.all(this.#methods.map((method) => method.count(domain)));
    return counts.reduce((sum, n) => sum + n, 0);
  }
}

function refused(reason: RegistrationRefusal): Registration {
  return { kind: 'refused', reason };
}
