import type { AuthTokenOperations, AuthTokenState } from '../../src/store/operations/auth-tokens.ts';
import type { OperationTable } from '../../src/store/sqlite/operation-table.ts';

/** The state of tokens in the memory driver. */
export function memoryAuthTokens(): OperationTable<AuthTokenOperations> {
  const states = new Map<string, AuthTokenState>();
  return {
    auth_token_get: (domain, username) => states.get(`${username}@${domain}`) ?? null,
    auth_token_ensure: (domain, username, now) => {
      const key = `${username}@${domain}`;
      const state = states.get(key) ?? { sequence: now, since: now };
      states.set(key, state);
      return state;
    },
    auth_token_revoke: (domain, username, now) => {
      const key = `${username}@${domain}`;
      const state = states.get(key);
      if (state !== undefined) states.set(key, { sequence: state.sequence + 1, since: now + 1 });
      return state !== undefined;
    },
    auth_token_remove: (domain, username) => states.delete(`${username}@${domain}`),
    auth_token_remove_domain: (domain) => {
      const gone = [...states.keys()].filter((key) => key.endsWith(`@${domain}`));
      for (const key of gone) states.delete(key);
      return gone.length;
    },
  };
}
