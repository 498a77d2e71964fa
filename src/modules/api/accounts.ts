import type { Jid } from '../../xmpp/jid.ts';
import type { SessionId } from '../../xmpp/session-id.ts';

/** What a registration through the API leads to. */
export type RegisterResult =
  | 'registered'
  | 'null_password'
  | 'invalid_jid'
  | 'exists'
  | 'limit_per_domain_exceeded'
  | 'not_allowed';

export type ChangePasswordResult = 'changed' | 'empty_password' | 'user_not_found' | 'not_allowed';

/** Accounts of the host type's domains. Functions reject when the store cannot answer. */
export interface Accounts {
  /** Whether the account is registered (`stored`), or exists in any way, anonymous users included. */
  exists(jid: Jid): Promise<boolean>;
  /** Whether the account is registered: at once where this shard knows it, which it does of those that stanzas go to. */
  isRegistered(jid: Jid): boolean | Promise<boolean>;
  register(domain: string, username: string, password: string): Promise<RegisterResult>;
  setPassword(jid: Jid, password: string): Promise<ChangePasswordResult>;
  /**
   * Removes the account: its data by way of `remove_user`, then its sessions. False when there was none. What its sessions have sent is done with before; `by`: the
   * session whose own request this is, which is not waited for.
   */
  remove(jid: Jid, by?: SessionId): Promise<boolean>;
}

/**
 * A module's own storage: values of plain data under a scope (a domain or a bare JID) and a key. Durable when the promise resolves. Values of
 * a bare JID go with its account, after `remove_user`; those of a domain and its users with `remove_domain`.
 */
export interface Values {
  /** Null when there is none. */
  get(scope: string, key: string): Promise<unknown>;
  set(scope: string, key: string, value: unknown): Promise<void>;
  delete(scope: string, key: string): Promise<boolean>;
  /** Keys after `after` in order, at most `limit`, with their values. */
  list(scope: string, after?: string, limit?: number): Promise<[string, unknown][]>;
}
