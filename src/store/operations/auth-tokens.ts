/** Which tokens of an account count (X-OAUTH). Times are seconds since the epoch. */
export interface AuthTokenState {
  /** Refresh tokens with a smaller number do not. */
  readonly sequence: number;
  /** Tokens issued before do not. */
  readonly since: number;
}

/** Tokens themselves are not stored. */
export interface AuthTokenOperations {
  auth_token_get: { args: [domain: string, username: string]; result: AuthTokenState | null };
  /** The state of an account, made now if it has none. Its first number is above all of an earlier account of that name. */
  auth_token_ensure: { args: [domain: string, username: string, now: number]; result: AuthTokenState };
  /** Ends all tokens issued so far. False when there were none. */
  auth_token_revoke: { args: [domain: string, username: string, now: number]; result: boolean };
  auth_token_remove: { args: [domain: string, username: string]; result: boolean };
  auth_token_remove_domain: { args: [domain: string]; result: number };
}

/** Those that write nothing. */
export const AUTH_TOKEN_READS = ['auth_token_get'] as const satisfies readonly (keyof AuthTokenOperations)[];
