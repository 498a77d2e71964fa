import { type AuthMethod, type AuthObserver, NO_OBSERVER } from './method.ts';
import { observed } from './observed.ts';
import type { Logins, ScramLogin, ScramQuery } from './sasl/exchange.ts';

/**
 * Logging in with one of several methods: they are asked in order, and the first that accepts wins. A method that
 * cannot answer is passed over, but then "no" is not certain, and the whole rejects with its error.
 */
export class MethodLogins implements Logins {
  /** In the order to be asked; also what `offeredMechanisms` needs to know. */
  readonly methods: readonly AuthMethod[];

  readonly #observer: AuthObserver;

  constructor(methods: readonly AuthMethod[], observer: AuthObserver = NO_OBSERVER) {
    this.methods = methods;
    this.#observer = observer;
  }

  async scramKeys(domain: string, username: string, query: ScramQuery): Promise<ScramLogin | undefined> {
    return this.#firstAnswer('scram', async (method) => {
      const ask = () => method.scramKeys(domain, username, query);
      const keys = await observed(this.#observer, method, 'scram_keys', ask);
      return keys && { keys, method: method.name };
    });
  }

  async checkPassword(domain: string, username: string, password: string): Promise<string | undefined> {
    return this.#firstAnswer('plain', async (method) => {
      const ask = () => method.checkPassword(domain, username, password);
      return (await observed(this.#observer, method, 'check_password', ask)) ? method.name : undefined;
    });
  }

  async acceptsCertificate(
    domain: string,
    username: string,
    certificate: Uint8Array,
  ): Promise<string | undefined> {
    return this.#firstAnswer('external', async (method) => {
      const ask = () => method.acceptsCertificate(domain, username, certificate);
      return (await observed(this.#observer, method, 'accepts_certificate', ask)) ? method.name : undefined;
    });
  }

  anonymousMethod(): string | undefined {
    return this.methods.find((method) => method.supports('anonymous'))?.name;
  }

  async #firstAnswer<T>(
    kind: 'scram' | 'plain' | 'external',
    ask: (method: AuthMethod) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    this.#observer.count('authorize');
    if (kind === 'plain') this.#observer.count('check_password');
    const errors: unknown[] = [];
    for (const method of this.methods) {
      if (!method.supports(kind)) continue;
      try {
        const answer = await ask(method);
        if (answer !== undefined) return answer;
      } catch (error) {
        this.#observer.count('method_failed');
        this.#observer.failed(method.name, error);
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return undefined;
  }
}
