/** Which messages of other servers' files were taken: digests of 12 bytes, one after another. */
export const IMPORTED_MESSAGES = `
CREATE TABLE offline_imported (
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  digests BLOB NOT NULL,
  PRIMARY KEY (server, username)
) WITHOUT ROWID;
`;
