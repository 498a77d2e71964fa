import type { FastToken, FastTokenOperations } from '../../src/store/operations/fast-tokens.ts';
import type { OperationTable } from '../../src/store/sqlite/operation-table.ts';

interface Client {
  current: (FastToken & { readonly count: number }) | null;
  fresh: FastToken | null;
}

/** Tokens of clients in the memory driver. */
export function memoryFastTokens(): OperationTable<FastTokenOperations> {
  /** By domain, username and agent, each separated by NUL. */
  const clients = new Map<string, Client>();
  const revocations = new Map<string, number>();
  const publicPart = ({ token, mechanism, method, expires }: FastToken): FastToken => ({
    token,
    mechanism,
    method,
    expires,
  });
  const ofAccount = (domain: string, username: string): [string, Client][] =>
    [...clients].filter(([key]) => key.startsWith(`${domain}\0${username}\0`));
  const lastEnd = ({ current, fresh }: Client): number =>
    Math.max(current?.expires ?? 0, fresh?.expires ?? 0);
  const dropExpired = (key: string, client: Client, now: number): number => {
    let dropped = 0;
    for (const place of ['current', 'fresh'] as const) {
      const token = client[place];
      if (token === null || token.expires > now) continue;
      client[place] = null;
      dropped++;
    }
    if (client.current === null && client.fresh === null) clients.delete(key);
    return dropped;
  };

  return {
    fast_token_get: (...client) => {
      const found = clients.get(client.join('\0'));
      return {
        current: found?.current ? publicPart(found.current) : null,
        fresh: found?.fresh ? publicPart(found.fresh) : null,
      };
    },
    fast_token_use: (domain, username, agent, token, count, isLast) => {
      const key = `${domain}\0${username}\0${agent}`;
      const client = clients.get(key);
      const isFresh = client?.fresh?.token === token;
      const used = isFresh ? { ...client.fresh!, count: -1 } : client?.current;
      if (client === undefined || used?.token !== token) return false;
      if (count !== null && count <= used.count) return false;
      if (isLast) return clients.delete(key);
      client.current = { ...used, count: Math.max(used.count, count ?? -1) };
      if (isFresh) client.fresh = null;
      return true;
    },
    fast_token_issue: (domain, username, agent, token, startedAt, now, agentsMax) => {
      if ((revocations.get(`${domain}\0${username}`) ?? -1) >= startedAt) return false;
      for (const [key, client] of ofAccount(domain, username)) dropExpired(key, client, now);
      const key = `${domain}\0${username}\0${agent}`;
      clients.set(key, { current: clients.get(key)?.current ?? null, fresh: token });
      const byEnd = ofAccount(domain, username).sort(([, a], [, b]) => lastEnd(b) - lastEnd(a));
      for (const [other] of byEnd.slice(agentsMax)) if (other !== key) clients.delete(other);
      return true;
    },
    fast_token_revoke: (domain, username, agent, now) => {
      revocations.set(`${domain}\0${username}`, now);
      let removed = 0;
      for (const [key, { current, fresh }] of ofAccount(domain, username)) {
        if (agent !== null && key !== `${domain}\0${username}\0${agent}`) continue;
        removed += Number(current !== null) + Number(fresh !== null);
        clients.delete(key);
      }
      return removed;
    },
    fast_token_list: (domain, username) =>
      ofAccount(domain, username).flatMap(([key, { current, fresh }]) =>
        [current, fresh].flatMap((token) =>
          token === null
            ? []
            : { agent: key.split('\0')[2]!, mechanism: token.mechanism, expires: token.expires },
        ),
      ),
    fast_token_remove_domain: (domain) => {
      let removed = 0;
      for (const [key, { current, fresh }] of clients) {
        if (!key.startsWith(`${domain}\0`)) continue;
        removed += Number(current !== null) + Number(fresh !== null);
        clients.delete(key);
      }
      for (const key of revocations.keys()) if (key.startsWith(`${domain}\0`)) revocations.delete(key);
      return removed;
    },
    fast_token_remove_expired: (domain, now, revokedBefore, limit) => {
      for (const [key, at] of revocations) {
        if (key.startsWith(`${domain}\0`) && at < revokedBefore) revocations.delete(key);
      }
      let removed = 0;
      for (const [key, client] of clients) {
        if (removed < limit && key.startsWith(`${domain}\0`)) removed += dropExpired(key, client, now);
      }
      return removed;
    },
  };
}
