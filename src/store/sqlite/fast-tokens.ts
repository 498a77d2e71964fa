import type { FastToken, FastTokenOperations } from '../operations/fast-tokens.ts';
import type { StoreArgs, StoreResult } from '../operations.ts';
import type { Sqlite } from './database.ts';
import type { OperationTable } from './operation-table.ts';

const CURRENT = 0;
const FRESH = 1;

interface Row {
  readonly slot: number;
  readonly token: string;
  readonly mechanism: string;
  readonly auth_method: string;
  readonly expire: number;
  readonly count: number;
}

type Client = [server: string, username: string, agent: string];
type Account = [server: string, username: string];

/** Tokens of clients. One thread runs these, so that each of them is all or nothing and sees what the one before it left. */
export class FastTokens {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: Sqlite) {
    this.#statements = prepare(db);
  }

  /** What the store offers of this. */
  operations(): OperationTable<FastTokenOperations> {
    return {
      fast_token_get: (...args) => this.get(...args),
      fast_token_use: (...args) => this.use(...args),
      fast_token_issue: (...args) => this.issue(...args),
      fast_token_revoke: (...args) => this.revoke(...args),
      fast_token_list: (...args) => this.list(...args),
      fast_token_remove_domain: (...args) => this.removeDomain(...args),
      fast_token_remove_expired: (...args) => this.removeExpired(...args),
    };
  }

  get(...client: StoreArgs<'fast_token_get'>): StoreResult<'fast_token_get'> {
    const rows = this.#statements.get.all(...client);
    const of = (slot: number): FastToken | null => {
      const row = rows.find((one) => one.slot === slot);
      if (row === undefined) return null;
      return { token: row.token, mechanism: row.mechanism, method: row.auth_method, expires: row.expire };
    };
    return { current: of(CURRENT), fresh: of(FRESH) };
  }

  use(...[server, username, agent, token, count, isLast]: StoreArgs<'fast_token_use'>): boolean {
    const { get, take, clear, settle } = this.#statements;
    const row = get.all(server, username, agent).find((one) => one.token === token);
    if (row === undefined || (count !== null && count <= row.count)) return false;
    if (isLast) {
      clear.run(server, username, agent);
      return true;
    }
    // The token before it has served: whoever has the newer one has read the answer that brought it.
    if (row.slot === FRESH) take.run(server, username, agent);
    settle.run(Math.max(row.count, count ?? -1), server, username, agent, row.slot);
    return true;
  }

  issue(
    ...[server, username, agent, token, startedAt, now, agentsMax]: StoreArgs<'fast_token_issue'>
  ): boolean {
    const { revokedAt, clearExpired, put, agents, clear } = this.#statements;
    const revoked = revokedAt.get(server, username);
    if (revoked !== undefined && revoked.revoked_at >= startedAt) return false;
    clearExpired.run(server, username, now);
    put.run(server, username, agent, FRESH, token.token, token.mechanism, token.method, token.expires);
    for (const { user_agent_id: other } of agents.all(server, username, agentsMax)) {
      if (other !== agent) clear.run(server, username, other);
    }
    return true;
  }

  revoke(...[server, username, agent, now]: StoreArgs<'fast_token_revoke'>): number {
    const { clear, clearAll, mark } = this.#statements;
    mark.run(server, username, now);
    const { changes } = agent === null ? clearAll.run(server, username) : clear.run(server, username, agent);
    return changes;
  }

  list(...account: StoreArgs<'fast_token_list'>): StoreResult<'fast_token_list'> {
    return this.#statements.list
      .all(...account)
      .map((row) => ({ agent: row.user_agent_id, mechanism: row.mechanism, expires: row.expire }));
  }

  removeDomain(domain: string): number {
    this.#statements.forgetDomain.run(domain);
    return this.#statements.clearDomain.run(domain).changes;
  }

  removeExpired(...[domain, now, revokedBefore, limit]: StoreArgs<'fast_token_remove_expired'>): number {
    const { expired, clearSlot, forget } = this.#statements;
    forget.run(domain, revokedBefore);
    const rows = expired.all(domain, now, limit);
    for (const row of rows) clearSlot.run(domain, row.username, row.user_agent_id, row.slot);
    return rows.length;
  }
}

function prepare(db: Sqlite) {
  const client = 'server = ? AND username = ? AND user_agent_id = ?';
  return {
    get: db.prepare<Client, Row>(
      `SELECT slot, token, mechanism, auth_method, expire, count FROM fast_auth_token WHERE ${client}`,
    ),
    /** Empties the place of the token in use. */
    take: db.prepare<Client>(`DELETE FROM fast_auth_token WHERE ${client} AND slot = ${CURRENT}`),
    settle: db.prepare<[count: number, ...Client, slot: number]>(
      `UPDATE fast_auth_token SET slot = ${CURRENT}, count = ? WHERE ${client} AND slot = ?`,
    ),
    clear: db.prepare<Client>(`DELETE FROM fast_auth_token WHERE ${client}`),
    clearSlot: db.prepare<[...Client, slot: number]>(
      `DELETE FROM fast_auth_token WHERE ${client} AND slot = ?`,
    ),
    clearAll: db.prepare<Account>('DELETE FROM fast_auth_token WHERE server = ? AND username = ?'),
    clearExpired: db.prepare<[...Account, now: number]>(
      'DELETE FROM fast_auth_token WHERE server = ? AND username = ? AND expire <= ?',
    ),
    put: db.prepare<
      [...Client, slot: number, token: string, mechanism: string, method: string, expire: number]
    >(
      `INSERT OR REPLACE INTO fast_auth_token
        (server, username, user_agent_id, slot, token, mechanism, auth_method, expire, count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, -1)`,
    ),
    /** The clients beyond a number of them, those with the latest end first. */
    agents: db.prepare<[...Account, max: number], { user_agent_id: string }>(
      `SELECT user_agent_id FROM fast_auth_token WHERE server = ? AND username = ?
        GROUP BY user_agent_id ORDER BY max(expire) DESC, user_agent_id LIMIT -1 OFFSET ?`,
    ),
    mark: db.prepare<[...Account, now: number]>(
      `INSERT INTO fast_auth_revocation (server, username, revoked_at) VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET revoked_at = max(revoked_at, excluded.revoked_at)`,
    ),
    revokedAt: db.prepare<Account, { revoked_at: number }>(
      'SELECT revoked_at FROM fast_auth_revocation WHERE server = ? AND username = ?',
    ),
    forget: db.prepare<[server: string, before: number]>(
      'DELETE FROM fast_auth_revocation WHERE server = ? AND revoked_at < ?',
    ),
    forgetDomain: db.prepare<[server: string]>('DELETE FROM fast_auth_revocation WHERE server = ?'),
    list: db.prepare<Account, { user_agent_id: string; mechanism: string; expire: number }>(
      'SELECT user_agent_id, mechanism, expire FROM fast_auth_token WHERE server = ? AND username = ?',
    ),
    clearDomain: db.prepare<[server: string]>('DELETE FROM fast_auth_token WHERE server = ?'),
    expired: db.prepare<
      [server: string, now: number, limit: number],
      { username: string; user_agent_id: string; slot: number }
    >('SELECT username, user_agent_id, slot FROM fast_auth_token WHERE server = ? AND expire <= ? LIMIT ?'),
  };
}
