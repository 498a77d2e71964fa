import {
  type AccountPage,
  type AccountStore,
  type StoredPassword,
  StoreUnavailable,
} from '../auth/account-store.ts';
import type { StoreArgs, StoreOperation, StoreResult } from '../store/operations.ts';
import type { Store } from '../store/store.ts';

/** Accounts as authentication wants them, kept in the store: SCRAM keys only, never a password. */
export class StoredAccounts implements AccountStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async get(domain: string, username: string): Promise<StoredPassword | undefined> {
    const details = await this.#ask('account_get', domain, username);
    return details === null ? undefined : { password: '', details };
  }

  exists(domain: string, username: string): Promise<boolean> {
    return this.#ask('account_exists', domain, username);
  }

  async insert(domain: string, username: string, password: StoredPassword): Promise<boolean> {
    const now = Date.now() * 1000;
    return (await this.#ask('account_insert', domain, username, keysOf(password), now)) === 'ok';
  }

  update(domain: string, username: string, password: StoredPassword): Promise<boolean> {
    return this.#ask('account_update', domain, username, keysOf(password));
  }

  remove(domain: string, username: string): Promise<boolean> {
    return this.#ask('account_remove', domain, username);
  }

  async removeDomain(domain: string): Promise<void> {
    await this.#ask('account_remove_domain', domain);
  }

  list(domain: string, page: AccountPage): Promise<readonly string[]> {
    const createdMax = page.createdAtMax === undefined ? null : page.createdAtMax * 1000;
    return this.#ask('account_list', domain, page.after ?? '', page.limit, createdMax);
  }

  count(domain: string): Promise<number> {
    return this.#ask('account_count', domain);
  }

  async #ask<O extends StoreOperation>(operation: O, ...args: StoreArgs<O>): Promise<StoreResult<O>> {
    try {
      return await this.#store.request(operation, ...args);
    } catch (cause) {
      throw new StoreUnavailable('the store did not answer', { cause });
    }
  }
}

function keysOf({ details }: StoredPassword): string {
  if (details === undefined) throw new TypeError('passwords are stored as SCRAM keys only');
  return details;
}
