import { HttpAccounts, type HttpApi, RegistrationRefused } from './http-accounts.ts';
import { InternalMethod, type PasswordPolicy } from './internal.ts';
import type { RegisterOutcome } from './method.ts';
import type { PasswordVerifier } from './password-verifier.ts';
import type { MechanismKind } from './sasl/catalogue.ts';

export interface HttpMethodOptions {
  readonly api: HttpApi;
  readonly passwords: PasswordVerifier;
  readonly policy: PasswordPolicy;
  readonly onUnreadable?: (domain: string, username: string) => void;
}

/**
 * Accounts behind a web service. Where passwords are kept as SCRAM keys (`auth.password.format`) they are fetched and compared here, so the
 * service never sees a password; where they are plain, it is asked whether one is right.
 */
export class HttpMethod extends InternalMethod {
  override readonly name = 'http';
  override readonly isOwn = false;
  readonly #accounts: HttpAccounts;
  readonly #asksForCheck: boolean;

  constructor(options: HttpMethodOptions) {
    const accounts = new HttpAccounts(options.api);
    super({ ...options, store: accounts });
    this.#accounts = accounts;
    this.#asksForCheck = options.policy.format === 'plain';
  }

  override supports(kind: MechanismKind): boolean {
    return kind === 'external' || super.supports(kind);
  }

  override checkPassword(domain: string, username: string, password: string): Promise<boolean> {
    return this.#asksForCheck
      ? this.#accounts.checkPassword(domain, username, password)
      : super.checkPassword(domain, username, password);
  }

  override async tryRegister(domain: string, username: string, password: string): Promise<RegisterOutcome> {
    try {
      return await super.tryRegister(domain, username, password);
    } catch (error) {
      if (error instanceof RegistrationRefused) return 'not_allowed';
      throw error;
    }
  }

  /** Whether the certificate is one of those that the service has for the account. */
  override acceptsCertificate(domain: string, username: string, certificate: Uint8Array): Promise<boolean> {
    return this.#accounts.hasCertificate(domain, username, certificate);
  }
}
