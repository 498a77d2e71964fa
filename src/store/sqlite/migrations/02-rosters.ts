/** Rosters: contacts, and a version for each roster. */
export const ROSTERS = `
CREATE TABLE roster_item (
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  jid TEXT NOT NULL,
  nick TEXT NOT NULL,
  -- N, T, F, B: none, to, from, both.
  subscription TEXT NOT NULL,
  -- N, I, O, B: no request waits, one of the contact's does, one of the user's, both.
  ask TEXT NOT NULL,
  askmessage TEXT NOT NULL,
  -- Approved in advance (RFC 6121 3.4).
  approved INTEGER NOT NULL,
  -- 0: only a request of a stranger, which clients do not see.
  listed INTEGER NOT NULL,
  -- JSON.
  groups TEXT NOT NULL,
  -- XML.
  xs TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (server, username, jid)
) WITHOUT ROWID;

CREATE TABLE roster_version (
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (server, username)
) WITHOUT ROWID;
`;
