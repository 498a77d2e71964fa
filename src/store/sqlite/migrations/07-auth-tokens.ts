/** Which tokens of X-OAUTH count. Times are seconds since the epoch, as in the tokens. */
export const AUTH_TOKENS = `
CREATE TABLE auth_token (
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  seq_no INTEGER NOT NULL,
  valid_since INTEGER NOT NULL,
  PRIMARY KEY (server, username)
) WITHOUT ROWID;
`;
