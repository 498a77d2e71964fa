/** Accounts, messages for absent users, what modules keep for themselves. */
export const CORE = `
CREATE TABLE users (
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  -- Serialised SCRAM keys, never a password.
  pass_details TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (server, username)
) WITHOUT ROWID;

CREATE TABLE offline_message (
  -- Never used again: a late confirmation must not delete somebody else's message.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  timestamp INTEGER NOT NULL,
  expire INTEGER,
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  from_jid TEXT NOT NULL,
  to_jid TEXT NOT NULL,
  packet BLOB NOT NULL,
  permanent_fields BLOB
);
CREATE INDEX offline_message_user ON offline_message (server, username, timestamp, id);
CREATE INDEX offline_message_expire ON offline_message (server, expire) WHERE expire IS NOT NULL;

CREATE TABLE module_value (
  module TEXT NOT NULL,
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (module, scope, key)
) WITHOUT ROWID;
CREATE INDEX module_value_scope ON module_value (scope);
`;
