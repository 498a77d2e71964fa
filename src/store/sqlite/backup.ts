import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openReader } from './database.ts';

/**
 * Copies the database in `directory` to `file`, while another thread or process may be writing it: the copy is what was committed when it
 * began, in one piece. The writer is not held up; its log grows until the copy is done. Takes long, so never on a thread with a loop.
 * Returns the size in bytes.
 */
export function copyDatabase(directory: string, file: string): number {
  const target = dirname(file);
  const part = join(target, `.${basename(file)}.${process.pid}.part`);
  // It holds the keys of all accounts. SQLite writes into an empty file that is there already.
  closeSync(openSync(part, 'wx', 0o600));
  try {
    const db = openReader(directory);
    try {
      db.prepare('VACUUM INTO ?').run(part);
    } finally {
      db.close();
    }
    // VACUUM INTO does not wait for the disk by itself.
    flush(part);
    renameSync(part, file);
    flush(target);
    return statSync(file).size;
  } catch (cause) {
    rmSync(part, { force: true });
    throw cause;
  }
}

function flush(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
