/** Last activity (XEP-0012). */
export const LAST = `
CREATE TABLE last (
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  timestamp INTEGER NOT NULL,
  status TEXT NOT NULL,
  PRIMARY KEY (server, username)
) WITHOUT ROWID;
-- For questions about all accounts of a domain: who was there since, who was not.
CREATE INDEX last_timestamp ON last (server, timestamp);
`;
