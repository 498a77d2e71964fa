import { Archive } from './archive.ts';
import { openPartition } from './archive-files.ts';
import type { Durability } from './database.ts';
import { FileDriver } from './file-driver.ts';

/** A partition of the archive other than the first: a file that has nothing else in it. */
export class ArchiveDriver extends FileDriver {
  constructor(directory: string, partition: number, durability: Durability) {
    const db = openPartition(directory, partition, durability);
    super(db, { archive: new Archive(db), operations: {} });
  }
}
