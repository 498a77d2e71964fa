/**
 * The last batches of kept writes of each shard, and what their writes returned: a batch takes the place of the one that came `KEPT_BATCHES_MAX` before it. The row
 * of shard -1 is there for the probe to change.
 */
export const WRITE_BATCHES = `
CREATE TABLE write_batch (
  shard INTEGER NOT NULL,
  place INTEGER NOT NULL,
  since INTEGER NOT NULL,
  number INTEGER NOT NULL,
  results BLOB NOT NULL,
  PRIMARY KEY (shard, place)
) WITHOUT ROWID;
INSERT INTO write_batch VALUES (-1, 0, 0, 0, x'');
`;
