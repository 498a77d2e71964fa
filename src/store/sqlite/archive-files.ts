import { existsSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DATABASE_FILE, type Durability, openFile, type Sqlite } from './database.ts';
import { WRITE_BATCHES } from './migrations/10-write-batches.ts';
import { ARCHIVE } from './migrations/11-archive.ts';
import { ARCHIVE_NAMES } from './migrations/18-archive-names.ts';
import { ARCHIVE_PARTITION } from './migrations/archive-partition.ts';

/** The schema of a partition, step by step, like {@link import('./migrations.ts').MIGRATIONS}. What changes the tables of archives there is to be done here, too. */
export const ARCHIVE_MIGRATIONS: readonly string[] = [
  `${WRITE_BATCHES}${ARCHIVE}${ARCHIVE_PARTITION}${ARCHIVE_NAMES}`,
];

/** A file of the archive is missing, or is another one's. */
export class ArchiveFilesError extends Error {}

/** Which partition a file is, and of which archive. */
export interface PartitionName {
  readonly setId: string;
  readonly number: number;
}

/** The file of a partition, inside the storage directory; the first one is the database itself. */
export function partitionFile(partition: number): string {
  return `archive-${partition}.db`;
}

/**
 * The file of a partition beside a database or a copy of it: a copy `backup.db` has the others as `backup.db.archive-1` and so on, the database of a storage directory
 * as it has them itself.
 */
export function partitionBeside(file: string, partition: number): string {
  return basename(file) === DATABASE_FILE
    ? join(dirname(file), partitionFile(partition))
    : `${file}.archive-${partition}`;
}

/** Opens a partition other than the first for writing, and brings it to the present schema. */
export function openPartition(directory: string, partition: number, durability: Durability): Sqlite {
  return openFile(join(directory, partitionFile(partition)), ARCHIVE_MIGRATIONS, durability);
}

/** What a partition says it is; undefined if it is none. */
export function partitionName(db: Sqlite): PartitionName | undefined {
  const table = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'archive_partition'");
  if (table.get() === undefined) return undefined;
  return db.prepare<[], PartitionName>('SELECT set_id AS setId, number FROM archive_partition LIMIT 1').get();
}

/** Makes a partition, if it is not there. Throws {@link ArchiveFilesError} for one that has messages of another archive. */
export function makePartition(directory: string, name: PartitionName, durability: Durability): void {
  const file = join(directory, partitionFile(name.number));
  const db = openPartition(directory, name.number, durability);
  try {
    const there = partitionName(db);
    if (there?.setId === name.setId && there.number === name.number) return;
    if (there === undefined) {
      db.prepare('INSERT INTO archive_partition (set_id, number) VALUES (?, ?)').run(name.setId, name.number);
      return;
    }
    if (!isEmpty(db)) throw new ArchiveFilesError(`${file} has messages of another archive`);
  } finally {
    db.close();
  }
  // Left by a start that was cut off before it had noted what it made.
  for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
  makePartition(directory, name, durability);
}

/** Opens a partition that must be there. Throws {@link ArchiveFilesError}. */
export function openKnownPartition(directory: string, name: PartitionName, durability: Durability): Sqlite {
  const file = join(directory, partitionFile(name.number));
  if (!existsSync(file)) throw new ArchiveFilesError(`a part of the archive is missing: there is no ${file}`);
  const db = openPartition(directory, name.number, durability);
  const there = partitionName(db);
  if (there?.setId === name.setId && there.number === name.number) return db;
  db.close();
  throw new ArchiveFilesError(`${file} is not the part of this archive that it should be`);
}

function isEmpty(db: Sqlite): boolean {
  return db.prepare('SELECT 1 FROM mam_message LIMIT 1').get() === undefined;
}
