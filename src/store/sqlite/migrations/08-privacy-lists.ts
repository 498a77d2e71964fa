/** Privacy lists: a list is read and written as a whole. Items are JSON, in the form of `StoredPrivacyItem`. */
export const PRIVACY_LISTS = `
CREATE TABLE privacy_list (
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  name TEXT NOT NULL,
  items TEXT NOT NULL,
  PRIMARY KEY (server, username, name)
) WITHOUT ROWID;

CREATE TABLE privacy_default_list (
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (server, username)
) WITHOUT ROWID;
`;
