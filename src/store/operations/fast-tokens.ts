/** A token for one mechanism, with the authentication method that its owner had logged in by. */
export interface FastToken {
  readonly token: string;
  readonly mechanism: string;
  readonly method: string;
  readonly expires: number;
}

/** A client's two places for tokens: the one in use, and one that was given to it and has not been used yet. */
export interface FastTokens {
  readonly current: FastToken | null;
  readonly fresh: FastToken | null;
}

/** Tokens of clients (XEP-0484), by account and the id of the client's user agent. */
export interface FastTokenOperations {
  fast_token_get: { args: [domain: string, username: string, agent: string]; result: FastTokens };
  /**
   * A login with a token that the client has. A fresh one becomes the current one. False, and nothing done, when it is not there any more, or `count`
   * (null: none) is not above all earlier ones. `isLast`: both places are emptied.
   */
  fast_token_use: {
    args: [
      domain: string,
      username: string,
      agent: string,
      token: string,
      count: number | null,
      isLast: boolean,
    ];
    result: boolean;
  };
  /**
   * Puts a token into the place of fresh ones. False, and nothing done, if tokens of the account were revoked since `startedAt`, when its login began.
   * Beyond `agentsMax` clients of an account, those whose tokens end first lose theirs.
   */
  fast_token_issue: {
    args: [
      domain: string,
      username: string,
      agent: string,
      token: FastToken,
      startedAt: number,
      now: number,
      agentsMax: number,
    ];
    result: boolean;
  };
  /** Deletes the tokens of a client, or (null) of all, and keeps logins that are under way from getting new ones. */
  fast_token_revoke: {
    args: [domain: string, username: string, agent: string | null, now: number];
    result: number;
  };
  /** What is known of an account's tokens, for its owner: not the tokens themselves. */
  fast_token_list: {
    args: [domain: string, username: string];
    result: { readonly agent: string; readonly mechanism: string; readonly expires: number }[];
  };
  fast_token_remove_domain: { args: [domain: string]; result: number };
  /** Deletes tokens of a domain that have expired, at most `limit` a call, and forgets revocations that no login can be older than. */
  fast_token_remove_expired: {
    args: [domain: string, now: number, revokedBefore: number, limit: number];
    result: number;
  };
}

/** Those that write nothing. */
export const FAST_TOKEN_READS = [
  'fast_token_get',
  'fast_token_list',
] as const satisfies readonly (keyof FastTokenOperations)[];
