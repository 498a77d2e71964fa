/** An account that may not log in. */
export interface BlocklistEntry {
  readonly username: string;
  readonly reason: string;
}

/** Accounts whose users an administrator has locked out. */
export interface BlocklistOperations {
  /** The reason, or null when the user is not blocked. */
  blocklist_get: { args: [domain: string, username: string]; result: string | null };
  /** Blocks a user, or changes the reason. */
  blocklist_set: { args: [domain: string, username: string, reason: string]; result: null };
  /** False when the user was not blocked. */
  blocklist_remove: { args: [domain: string, username: string]; result: boolean };
  blocklist_count: { args: [domain: string]; result: number };
  /** Blocked users in the order of their names, at most `limit` after the first `index`. */
  blocklist_list: { args: [domain: string, index: number, limit: number]; result: BlocklistEntry[] };
  blocklist_remove_domain: { args: [domain: string]; result: number };
}

/** Those that write nothing. */
export const BLOCKLIST_READS = [
  'blocklist_get',
  'blocklist_count',
  'blocklist_list',
] as const satisfies readonly (keyof BlocklistOperations)[];
