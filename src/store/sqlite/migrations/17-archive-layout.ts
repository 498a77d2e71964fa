/**
 * Among how many partitions conversations were distributed, now (the last row) and earlier, as long as messages of that time are there. Nothing is in it while there has
 * always been one.
 */
export const ARCHIVE_LAYOUT = `
CREATE TABLE archive_layout (
  id INTEGER PRIMARY KEY,
  -- The same in all files of this archive.
  set_id TEXT NOT NULL,
  partitions INTEGER NOT NULL,
  -- The newest message when the next layout took its place.
  up_to INTEGER
);
`;
