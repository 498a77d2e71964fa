/**
 * Archives of messages (XEP-0313). Ids are times in microseconds above eight bits of the shard (`xmpp/stable-id.ts`), so the order of ids is that of time, and new rows
 * come at the end of the table.
 */
export const ARCHIVE = `
-- Bare JIDs as numbers: of users, and of whoever they talk to.
CREATE TABLE mam_jid (
  id INTEGER PRIMARY KEY,
  server TEXT NOT NULL,
  user_name TEXT NOT NULL,
  UNIQUE (server, user_name)
);

-- One row for both archives that have the message. What is read without the message comes first: large ones go on in pages of their own.
CREATE TABLE mam_message (
  id INTEGER PRIMARY KEY,
  sender INTEGER NOT NULL,
  recipient INTEGER NOT NULL,
  -- The sender again if his archive has it, and the recipient if his has.
  sent INTEGER,
  received INTEGER,
  is_groupchat INTEGER NOT NULL,
  -- Whether it is, or will be, in mam_search.
  is_searchable INTEGER NOT NULL,
  -- A number made of origin_id: to find it without reading messages.
  origin_hash INTEGER,
  sender_resource TEXT,
  recipient_resource TEXT,
  origin_id TEXT,
  packet BLOB NOT NULL
);
CREATE INDEX mam_sent ON mam_message (sent, is_groupchat) WHERE sent IS NOT NULL;
CREATE INDEX mam_received ON mam_message (received, is_groupchat) WHERE received IS NOT NULL;
CREATE INDEX mam_conversation ON mam_message (sender, recipient, id, sent, received, is_groupchat, origin_hash);

-- Accounts that were removed, and up to which id their messages have still to be deleted.
CREATE TABLE mam_removed (
  owner INTEGER PRIMARY KEY,
  up_to INTEGER NOT NULL
);

-- Preferences (XEP-0441): A (always), N (never) or R (roster); the default has the JID ''.
CREATE TABLE mam_config (
  user_id INTEGER NOT NULL,
  remote_jid TEXT NOT NULL,
  behaviour TEXT NOT NULL,
  PRIMARY KEY (user_id, remote_jid)
) WITHOUT ROWID;

-- The words of messages, each with the number of every owner before it: who searches walks over nobody else's.
CREATE VIRTUAL TABLE mam_search USING fts5 (
  words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
-- Messages whose words have still to be indexed, as they were archived: pairs of doubles (microseconds, shard).
CREATE TABLE mam_search_queue (
  id INTEGER PRIMARY KEY,
  messages BLOB NOT NULL
);

-- Archives of rooms; numbers of mam_jid as above.
CREATE TABLE mam_muc_message (
  id INTEGER PRIMARY KEY,
  room_id INTEGER NOT NULL,
  sender_id INTEGER NOT NULL,
  is_searchable INTEGER NOT NULL,
  origin_hash INTEGER,
  nick_name TEXT NOT NULL,
  origin_id TEXT,
  message BLOB NOT NULL
);
CREATE INDEX mam_muc_room ON mam_muc_message (room_id);
CREATE INDEX mam_muc_sender ON mam_muc_message (sender_id, room_id, id, origin_hash);
`;
