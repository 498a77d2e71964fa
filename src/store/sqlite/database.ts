import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { MIGRATIONS } from './migrations.ts';

/** `full`: a commit is on the disk when it returns. `normal`: a power cut may lose the last moments, a crash of the process nothing. */
export type Durability = 'full' | 'normal';

export type Sqlite = Database.Database;

/** The file, inside the storage directory. */
export const DATABASE_FILE = 'meerkat.db';

/** Another process may hold the database for a moment; longer, and the request has failed: nobody's loop waits for it. */
const BUSY_MS_MAX = 1_000;

/** The database was made by a newer version. */
export class NewerSchemaError extends Error {}

/** While this is in a storage directory, a restore has begun there and not ended: the database may be missing, or the old one. */
export const RESTORING_FILE = 'meerkat.restoring';

/** A restore was cut off. */
export class RestoreUnfinishedError extends Error {}

/** Another server uses the same storage directory. */
export class StorageInUseError extends Error {}

/**
 * Opens the database in `directory` for writing, and brings it to the present schema.
 * `docs/operations.md` explains the settings.
 */
export function openDatabase(directory: string, durability: Durability): Sqlite {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (existsSync(join(directory, RESTORING_FILE)))
    throw new RestoreUnfinishedError('a restore was cut off: run meerkat restore again');
  return openFile(join(directory, DATABASE_FILE), MIGRATIONS, durability);
}

/** Opens a database file for writing, and brings it to the last one of these schemas. */
export function openFile(file: string, migrations: readonly string[], durability: Durability): Sqlite {
  const db = new Database(file, { timeout: BUSY_MS_MAX });
  try {
    checkVersion(db, migrations.length);
    db.pragma('journal_mode = WAL');
    db.pragma(`synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
    // 64 MiB of pages in memory, and checkpoints every 20,000 pages: random inserts are what costs.
    db.pragma('cache_size = -65536');
    db.pragma('wal_autocheckpoint = 20000');
    db.pragma('temp_store = MEMORY');
    migrate(db, migrations);
    return db;
  } catch (cause) {
    db.close();
    throw cause;
  }
}

/** Opens the database for reading only, beside the writer. */
export function openReader(directory: string): Sqlite {
  return openReaderOf(join(directory, DATABASE_FILE));
}

/** The same for any database file. */
export function openReaderOf(file: string): Sqlite {
  const db = new Database(file, { readonly: true, fileMustExist: true, timeout: 5_000 });
  db.pragma('cache_size = -16384');
  return db;
}

/**
 * Takes the storage directory for this process. The lock is the operating system's: it ends with the process, however that ends.
 * Throws {@link StorageInUseError}.
 */
export function lockDirectory(directory: string): { release(): void } {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const lock = new Database(join(directory, 'meerkat.lock'), { timeout: 0 });
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    throw new StorageInUseError(`another server uses ${directory}`, { cause });
  }
  return { release: () => lock.close() };
}

/** Runs the migrations that the database has not seen, each in its own transaction (`PRAGMA user_version` counts them). */
export function migrate(db: Sqlite, migrations: readonly string[] = MIGRATIONS): void {
  const version = checkVersion(db, migrations.length);
  for (let next = version; next < migrations.length; next++) {
    db.transaction(() => {
      db.exec(migrations[next]!);
      db.pragma(`user_version = ${next + 1}`);
    })();
  }
}

function checkVersion(db: Sqlite, known: number): number {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version <= known) return version;
  throw new NewerSchemaError(
    `the database has schema ${version}, this version of Meerkat knows ${known}: it was made by a newer one`,
  );
}
