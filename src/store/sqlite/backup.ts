import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { partitionBeside } from './archive-files.ts';
import { partitionsOf } from './archive-layout.ts';
import { DATABASE_FILE, openReader, openReaderOf, type Sqlite } from './database.ts';

/** What is copied where to. */
export interface Copy {
  readonly db: Sqlite;
  readonly file: string;
}

/**
 * Copies the database in `directory` to `file`, and further partitions of the archive beside it, while other threads or another process may be writing them: each copy is
 * what was committed when it began, in one piece. The writers are not held up; their logs grow until the copy is done. The database is copied first, so that the
 * archives have all that it knows of. Takes long, so never on a thread with a loop. Returns the size of all in bytes.
 */
export function copyDatabase(directory: string, file: string): number {
  const db = openReader(directory);
  const open = [db];
  try {
    const copies: Copy[] = [{ db, file }];
    for (let partition = 1; partition < partitionsOf(db); partition++) {
      const part = openReaderOf(partitionBeside(join(directory, DATABASE_FILE), partition));
      open.push(part);
      copies.push({ db: part, file: partitionBeside(file, partition) });
    }
    writeCopies(copies, (parts) => nameCopies(parts, copies));
    return copies.reduce((bytes, copy) => bytes + statSync(copy.file).size, 0);
  } finally {
    for (const one of open) one.close();
  }
}

/** Gives copies their names, the database last: where it is, the others are. */
export function nameCopies(parts: readonly string[], copies: readonly Copy[]): void {
  for (let i = parts.length - 1; i >= 0; i--) {
    renameSync(parts[i]!, copies[i]!.file);
    flush(dirname(copies[i]!.file));
  }
}

/** Writes several copies, one after the other (see {@link writeCopy}), and has `finish` give them their names when all are there. */
export function writeCopies(
  copies: readonly Copy[],
  finish: (parts: readonly string[]) => void,
  done: readonly string[] = [],
): void {
  const [first, ...rest] = copies;
  if (first === undefined) finish(done);
  else writeCopy(first.db, first.file, (part) => writeCopies(rest, finish, [...done, part]));
}

/**
 * Copies an open database into a file beside `file`, under a name that nobody takes for finished, waits until it is on the disk, and has `finish` give it its name. If
 * anything fails nothing is left of it.
 */
function writeCopy(db: Sqlite, file: string, finish: (part: string) => void): void {
  const part = join(dirname(file), `.${basename(file)}.${process.pid}.part`);
  // It holds the keys of all accounts. SQLite writes into an empty file that is there already.
  closeSync(openSync(part, 'wx', 0o600));
  try {
    db.prepare('VACUUM INTO ?').run(part);
    // VACUUM INTO does not wait for the disk by itself.
    flush(part);
    finish(part);
  } catch (cause) {
    rmSync(part, { force: true });
    throw cause;
  }
}

/** Waits until a file, or what a directory says of its files, is on the disk. */
export function flush(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
