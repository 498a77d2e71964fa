import type { AccountPage } from './account-store.ts';
import type { AuthMethod, RegisterOutcome } from './method.ts';
import type { MechanismKind } from './sasl/catalogue.ts';
import type { AccountKeys, ScramQuery } from './sasl/exchange.ts';

/** A method whose accounts are somebody else's: it says no to everything until told otherwise. */
export abstract class ForeignMethod implements AuthMethod {
  abstract readonly name: string;
  readonly isAnonymous = false;
  readonly isOwn = false;

  abstract supports(kind: MechanismKind): boolean;
  abstract doesUserExist(domain: string, username: string): Promise<boolean>;

  async scramKeys(_domain: string, _username: string, _query: ScramQuery): Promise<AccountKeys | undefined> {
    return undefined;
  }

  async checkPassword(_domain: string, _username: string, _password: string): Promise<boolean> {
    return false;
  }

  async acceptsCertificate(_domain: string, _username: string, _certificate: Uint8Array): Promise<boolean> {
    return false;
  }

  async tryRegister(_domain: string, _username: string, _password: string): Promise<RegisterOutcome> {
    return 'not_allowed';
  }

  async setPassword(_domain: string, _username: string, _password: string): Promise<boolean> {
    return false;
  }

  async removeUser(_domain: string, _username: string): Promise<boolean> {
    return false;
  }

  /** The domain leaves this server; what others keep of it is not ours to delete. */
  async removeDomain(_domain: string): Promise<void> {}

  async list(_domain: string, _page: AccountPage): Promise<readonly string[]> {
    return [];
  }

  async count(_domain: string): Promise<number> {
    return 0;
  }
}
