/** Inboxes. */
export const INBOX = `
CREATE TABLE inbox (
  lserver TEXT NOT NULL,
  luser TEXT NOT NULL,
  remote_bare_jid TEXT NOT NULL,
  msg_id TEXT NOT NULL,
  box TEXT NOT NULL DEFAULT 'inbox',
  timestamp INTEGER NOT NULL,
  muted_until INTEGER NOT NULL DEFAULT 0,
  unread_count INTEGER NOT NULL,
  -- What the last message did to the conversation: 1 brought it back into the inbox, 2 began it.
  effect INTEGER NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (lserver, luser, remote_bare_jid)
) WITHOUT ROWID;
-- None for the order of an inbox: each message would change it, for 10 µs; and a page of an inbox of 100 conversations would cost half as much again, of one of 10,000
-- 2 ms less.
CREATE INDEX inbox_bin ON inbox (lserver, timestamp) WHERE box = 'bin';

-- The last request of each writer that was done.
CREATE TABLE inbox_writer (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  number INTEGER NOT NULL
);
`;
