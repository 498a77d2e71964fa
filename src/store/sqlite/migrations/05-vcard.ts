/** vCards (XEP-0054), and what they are searched for (XEP-0055): texts folded for comparison. Empty texts are in no index. */
export const VCARD = `
CREATE TABLE vcard (
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  vcard TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (server, username)
);
CREATE TABLE vcard_search (
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  -- The texts as they were written, as a JSON array.
  shown TEXT NOT NULL,
  lfn TEXT NOT NULL,
  lfirst TEXT NOT NULL,
  lmiddle TEXT NOT NULL,
  llast TEXT NOT NULL,
  lnick TEXT NOT NULL,
  lbday TEXT NOT NULL,
  lctry TEXT NOT NULL,
  llocality TEXT NOT NULL,
  lemail TEXT NOT NULL,
  lorgname TEXT NOT NULL,
  lorgunit TEXT NOT NULL,
  PRIMARY KEY (server, username)
) WITHOUT ROWID;
CREATE INDEX vcard_search_fn ON vcard_search (server, lfn) WHERE lfn <> '';
CREATE INDEX vcard_search_first ON vcard_search (server, lfirst) WHERE lfirst <> '';
CREATE INDEX vcard_search_middle ON vcard_search (server, lmiddle) WHERE lmiddle <> '';
CREATE INDEX vcard_search_last ON vcard_search (server, llast) WHERE llast <> '';
CREATE INDEX vcard_search_nick ON vcard_search (server, lnick) WHERE lnick <> '';
CREATE INDEX vcard_search_bday ON vcard_search (server, lbday) WHERE lbday <> '';
CREATE INDEX vcard_search_ctry ON vcard_search (server, lctry) WHERE lctry <> '';
CREATE INDEX vcard_search_locality ON vcard_search (server, llocality) WHERE llocality <> '';
CREATE INDEX vcard_search_email ON vcard_search (server, lemail) WHERE lemail <> '';
CREATE INDEX vcard_search_orgname ON vcard_search (server, lorgname) WHERE lorgname <> '';
CREATE INDEX vcard_search_orgunit ON vcard_search (server, lorgunit) WHERE lorgunit <> '';
`;
