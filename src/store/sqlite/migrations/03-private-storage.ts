/** Private XML storage (XEP-0049). */
export const PRIVATE_STORAGE = `
CREATE TABLE private_storage (
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  namespace TEXT NOT NULL,
  -- Elements of the namespace, one after another.
  data TEXT NOT NULL,
  PRIMARY KEY (server, username, namespace)
) WITHOUT ROWID;
`;
