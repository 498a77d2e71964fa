import { existsSync } from 'node:fs';
import { AdminError } from '../admin/errors.ts';
import { partitionBeside, partitionName } from '../store/sqlite/archive-files.ts';
import { layoutsIn, partitionsOf } from '../store/sqlite/archive-layout.ts';
import type { Sqlite } from '../store/sqlite/database.ts';
import {
  checkDatabase,
  NotADatabaseError,
  openForCheck,
  type StorageCheck,
} from '../store/sqlite/integrity.ts';

/** Opens a database file in order to look at it. Throws `storage_damaged` for a file that is none, `storage_failed` for one that cannot be read. */
function openStorageFile(file: string): Sqlite {
  try {
    return openForCheck(file);
  } catch (cause) {
    const { message } = cause as Error;
    if (cause instanceof NotADatabaseError) throw new AdminError('storage_damaged', message);
    throw new AdminError('storage_failed', `cannot read ${file}: ${message}`);
  }
}

/** Checks an open database. Throws `storage_damaged` and `storage_newer`, with all that was found. */
function requireSound(db: Sqlite, file: string, isQuick: boolean): StorageCheck {
  const check = checkDatabase(db, file, isQuick);
  if (check.problems.length > 0) {
    throw new AdminError('storage_damaged', [`${file} is damaged`, ...check.problems].join('\n'), check);
  }
  if (check.schema > check.known) {
    const text = `${file} has schema ${check.schema}, this version of Meerkat knows ${check.known}: it was made by a newer one`;
    throw new AdminError('storage_newer', text, check);
  }
  return check;
}

/** A database and the partitions of its archive, open and sound; the database first. */
export interface StorageFiles {
  readonly open: readonly Sqlite[];
  readonly checks: readonly StorageCheck[];
}

/**
 * Opens a database, or a backup, with all partitions of its archive, which are beside it, checks them, and lets `work` have them. Throws what {@link openStorageFile} and
 * {@link requireSound} do, and `storage_damaged` if a partition is missing or is not of this archive.
 */
export function withSoundFiles<T>(file: string, isQuick: boolean, work: (files: StorageFiles) => T): T {
  const open = [openStorageFile(file)];
  try {
    const checks = [requireSound(open[0]!, file, isQuick)];
    const setId = layoutsIn(open[0]!)?.[0]?.setId;
    const count = partitionsOf(open[0]!);
    for (let number = 1; number < count; number++) {
      const part = partitionBeside(file, number);
      if (!existsSync(part))
        throw new AdminError('storage_damaged', `a part of the archive is missing: there is no ${part}`);
      const db = openStorageFile(part);
      open.push(db);
      checks.push(requireSound(db, part, isQuick));
      const name = partitionName(db);
      if (name?.setId !== setId || name?.number !== number)
        throw new AdminError('storage_damaged', `${part} is not the part of this archive that it should be`);
    }
    return work({ open, checks });
  } finally {
    for (const db of open) db.close();
  }
}
