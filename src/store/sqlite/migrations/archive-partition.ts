/** Which partition a file is, and of which archive. */
export const ARCHIVE_PARTITION = `
CREATE TABLE archive_partition (
  set_id TEXT NOT NULL,
  number INTEGER NOT NULL
);
`;
