/** Users who may not log in. The key serves the list of a domain, too. */
export const BLOCKLIST = `
CREATE TABLE blocklist (
  lserver TEXT NOT NULL,
  luser TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (lserver, luser)
) WITHOUT ROWID;
`;
