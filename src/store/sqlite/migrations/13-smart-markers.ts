/** The last chat markers, and in which conversations absent users have missed some. */
export const SMART_MARKERS = `
CREATE TABLE smart_markers (
  lserver TEXT NOT NULL,
  luser TEXT NOT NULL,
  to_server TEXT NOT NULL,
  to_user TEXT NOT NULL,
  thread TEXT NOT NULL,
  type TEXT NOT NULL,
  msg_id TEXT NOT NULL,
  timestamp INTEGER NOT NULL,
  PRIMARY KEY (lserver, luser, to_server, to_user, thread, type)
) WITHOUT ROWID;
-- A marker that replaces an older one does not touch it.
CREATE INDEX smart_markers_to ON smart_markers (to_server, to_user, thread);

CREATE TABLE offline_markers (
  lserver TEXT NOT NULL,
  luser TEXT NOT NULL,
  thread TEXT NOT NULL,
  room TEXT NOT NULL,
  timestamp INTEGER NOT NULL,
  latest INTEGER NOT NULL,
  PRIMARY KEY (lserver, luser, thread, room)
) WITHOUT ROWID;
`;
