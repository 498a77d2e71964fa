/** Accounts. */
export interface AccountOperations {
  account_get: { args: [domain: string, username: string]; result: string | null };
  account_insert: {
    args: [domain: string, username: string, details: string, now: number];
    result: 'ok' | 'exists';
  };
  account_update: { args: [domain: string, username: string, details: string]; result: boolean };
  account_remove: { args: [domain: string, username: string]; result: boolean };
  /** When it was made; null when there is no such account. */
  account_created: { args: [domain: string, username: string]; result: number | null };
  account_exists: { args: [domain: string, username: string]; result: boolean };
  account_remove_domain: { args: [domain: string]; result: number };
  /** Usernames after `after` in order, at most `limit`; only of accounts made until `createdMax`, unless that is null. */
  account_list: {
    args: [domain: string, after: string, limit: number, createdMax: number | null];
    result: string[];
  };
  account_count: { args: [domain: string]; result: number };
}

/** Those that write nothing. */
export const ACCOUNT_READS = [
  'account_get',
  'account_created',
  'account_exists',
  'account_list',
  'account_count',
] as const satisfies readonly (keyof AccountOperations)[];
