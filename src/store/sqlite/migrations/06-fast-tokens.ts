/** Tokens for logging in again (XEP-0484). */
export const FAST_TOKENS = `
CREATE TABLE fast_auth_token (
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  user_agent_id TEXT NOT NULL,
  -- 0: in use; 1: given to the client and not used yet.
  slot INTEGER NOT NULL,
  token TEXT NOT NULL,
  mechanism TEXT NOT NULL,
  auth_method TEXT NOT NULL,
  expire INTEGER NOT NULL,
  -- The highest count that came with a login; -1 before the first.
  count INTEGER NOT NULL,
  PRIMARY KEY (server, username, user_agent_id, slot)
) WITHOUT ROWID;
CREATE INDEX fast_auth_token_expire ON fast_auth_token (server, expire);

CREATE TABLE fast_auth_revocation (
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  revoked_at INTEGER NOT NULL,
  PRIMARY KEY (server, username)
) WITHOUT ROWID;
`;
