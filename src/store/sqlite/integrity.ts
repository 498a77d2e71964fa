import { closeSync, openSync, readSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { ARCHIVE_MIGRATIONS, partitionName } from './archive-files.ts';
import type { Sqlite } from './database.ts';
import { MIGRATIONS } from './migrations.ts';

/** What is wrong with a file, beyond this many, is not listed. */
const PROBLEMS_MAX = 100;
const HEADER = 'SQLite format 3\0';

/** What a look at a database has found. */
export interface StorageCheck {
  readonly file: string;
  readonly bytes: number;
  /** Migrations that were done on it, and those that this version knows. */
  readonly schema: number;
  readonly known: number;
  /** What is wrong, as SQLite says it; none if it is sound. */
  readonly problems: readonly string[];
}

/** The file is no database of a server. */
export class NotADatabaseError extends Error {}

/** Opens a database for reading, without changing anything. Throws {@link NotADatabaseError}; also a Node.js error when it cannot be read. */
export function openForCheck(file: string): Sqlite {
  if (!statSync(file).isFile()) throw new NotADatabaseError(`${file} is no file`);
  if (!hasHeader(file)) throw new NotADatabaseError(`${file} is no database`);
  return new Database(file, { readonly: true, fileMustExist: true, timeout: 5_000 });
}

/**
 * Looks at an open database: whether the pages, the tables and the indices that lead to them are sound, whether what points to other rows points to some, and which schema it has.
 * `isQuick` leaves out the comparison of indices with tables, which takes most of the time.
 */
export function checkDatabase(db: Sqlite, file: string, isQuick = false): StorageCheck {
  const problems: string[] = [];
  let schema = 0;
  let known = MIGRATIONS.length;
  try {
    schema = db.pragma('user_version', { simple: true }) as number;
    const check = isQuick ? 'quick_check' : 'integrity_check';
    const lines = db.pragma(`${check}(${PROBLEMS_MAX})`) as Record<string, string>[];
    for (const line of lines) for (const text of Object.values(line)) if (text !== 'ok') problems.push(text);
    const rows = db.pragma('foreign_key_check') as { table: string; rowid: number | null; parent: string }[];
    for (const { table, rowid, parent } of rows.slice(0, PROBLEMS_MAX))
      problems.push(`row ${rowid ?? '?'} of ${table} points to no row of ${parent}`);
    // Any other program's database is sound, too.
    const isOurs = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'users'").get();
    if (partitionName(db) !== undefined) known = ARCHIVE_MIGRATIONS.length;
    else if (isOurs === undefined)
      problems.push('it has no table of accounts: it is not of a Meerkat server');
  } catch (cause) {
    // Where it is damaged badly, SQLite throws instead of telling.
    problems.push((cause as Error).message);
  }
  return { file, bytes: statSync(file).size, schema, known, problems };
}

function hasHeader(file: string): boolean {
  const fd = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(HEADER.length);
    return (
      readSync(fd, bytes, 0, bytes.length, 0) === bytes.length &&
      bytes.latin1Slice(0, bytes.length) === HEADER
    );
  } finally {
    closeSync(fd);
  }
}
