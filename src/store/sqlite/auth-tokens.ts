import type { AuthTokenOperations, AuthTokenState } from '../operations/auth-tokens.ts';
import type { StoreArgs } from '../operations.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';

type Account = [server: string, username: string];

/** Which tokens of X-OAUTH count. */
export class AuthTokens {
  readonly #get;
  readonly #insert;
  readonly #revoke;
  readonly #remove;
  readonly #removeDomain;

  constructor(db: Sqlite) {
    this.#get = db.prepare<Account, AuthTokenState>(
      'SELECT seq_no AS sequence, valid_since AS since FROM auth_token WHERE server = ? AND username = ?',
    );
    this.#insert = db.prepare<[...Account, sequence: number, since: number]>(
      'INSERT INTO auth_token (server, username, seq_no, valid_since) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    // Tokens of the very second are among those that end.
    this.#revoke = db.prepare<[now: number, ...Account]>(
      'UPDATE auth_token SET seq_no = seq_no + 1, valid_since = ? + 1 WHERE server = ? AND username = ?',
    );
    this.#remove = db.prepare<Account>('DELETE FROM auth_token WHERE server = ? AND username = ?');
    this.#removeDomain = db.prepare<[server: string]>('DELETE FROM auth_token WHERE server = ?');
  }

  /** What the store offers of this. */
  operations(): OperationTable<AuthTokenOperations> {
    return {
      auth_token_get: (...args) => this.get(...args),
      auth_token_ensure: (...args) => this.ensure(...args),
      auth_token_revoke: (...args) => this.revoke(...args),
      auth_token_remove: (...args) => this.remove(...args),
      auth_token_remove_domain: (...args) => this.removeDomain(...args),
    };
  }

  get(...account: StoreArgs<'auth_token_get'>): AuthTokenState | null {
    return this.#get.get(...account) ?? null;
  }

  ensure(...[server, username, now]: StoreArgs<'auth_token_ensure'>): AuthTokenState {
    this.#insert.run(server, username, now, now);
    return this.get(server, username)!;
  }

  revoke(...[server, username, now]: StoreArgs<'auth_token_revoke'>): boolean {
    return this.#revoke.run(now, server, username).changes === 1;
  }

  remove(...account: StoreArgs<'auth_token_remove'>): boolean {
    return this.#remove.run(...account).changes === 1;
  }

  removeDomain(domain: string): number {
    return this.#removeDomain.run(domain).changes;
  }
}
