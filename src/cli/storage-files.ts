import { AdminError } from '../admin/errors.ts';
import type { Sqlite } from '../store/sqlite/database.ts';
import {
  checkDatabase,
  NotADatabaseError,
  openForCheck,
  type StorageCheck,
} from '../store/sqlite/integrity.ts';

/** Opens a database file in order to look at it. Throws `storage_damaged` for a file that is none, `storage_failed` for one that cannot be read. */
export function openStorageFile(file: string): Sqlite {
  try {
    return openForCheck(file);
  } catch (cause) {
    const { message } = cause as Error;
    if (cause instanceof NotADatabaseError) throw new AdminError('storage_damaged', message);
    throw new AdminError('storage_failed', `cannot read ${file}: ${message}`);
  }
}

/** Checks an open database. Throws `storage_damaged` and `storage_newer`, with all that was found. */
export function requireSound(db: Sqlite, file: string, isQuick: boolean): StorageCheck {
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
