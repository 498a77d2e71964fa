import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openReader, type Sqlite } from './database.ts';

/**
 * Copies the database in `directory` to `file`, while another thread or process may be writing it: the copy is what was committed when it
 * began, in one piece. The writer is not held up; its log grows until the copy is done. Takes long, so never on a thread with a loop.
 * Returns the size in bytes.
 */
export function copyDatabase(directory: string, file: string): number {
  const db = openReader(directory);
  try {
    writeCopy(db, file, (part) => {
      renameSync(part, file);
      flush(dirname(file));
    });
    return statSync(file).size;
  } finally {
    db.close();
  }
}

/**
 * Copies an open database into a file beside `file`, under a name that nobody takes for finished, waits until it is on the disk, and has `finish` give it its name. If
 * anything fails nothing is left of it.
 */
export function writeCopy(db: Sqlite, file: string, finish: (part: string) => void): void {
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
