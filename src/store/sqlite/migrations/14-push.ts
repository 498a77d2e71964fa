/** Who is told of messages (XEP-0357). */
export const PUSH = `
CREATE TABLE push_subscription (
  server TEXT NOT NULL,
  username TEXT NOT NULL,
  service TEXT NOT NULL,
  node TEXT NOT NULL,
  -- Publish options as JSON, [[name, value], …]; NULL: none.
  form TEXT,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (server, username, service, node)
) WITHOUT ROWID;
`;
