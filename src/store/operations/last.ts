/** When an account was last there, and the status that it left (XEP-0012). */
export interface LastActivity {
  /** Microseconds since the epoch. */
  readonly timestamp: number;
  readonly status: string;
}

/** Last activity of accounts. */
export interface LastOperations {
  last_get: { args: [domain: string, username: string]; result: LastActivity | null };
  /** Notes any number at once. Of two for the same account the later time counts, whatever the order of writing. */
  last_set: {
    args: [
      entries: readonly (readonly [domain: string, username: string, timestamp: number, status: string])[],
    ];
    result: null;
  };
  /** Notes it for one account in place of what was there, though that be later. */
  last_replace: { args: [domain: string, username: string, timestamp: number, status: string]; result: null };
  /** Usernames after `after` in order, at most `limit`, and when each was last there. */
  last_list: {
    args: [domain: string, after: string, limit: number];
    result: [username: string, timestamp: number][];
  };
  last_remove_user: { args: [domain: string, username: string]; result: number };
  last_remove_domain: { args: [domain: string]; result: number };
}

/** Those that write nothing. */
export const LAST_READS = ['last_get', 'last_list'] as const satisfies readonly (keyof LastOperations)[];
