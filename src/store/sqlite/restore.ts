import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { flush, writeCopy } from './backup.ts';
import { DATABASE_FILE, RESTORING_FILE, type Sqlite } from './database.ts';

/** The database and what belongs to it. The log and its index are those of these pages, and of no others. */
const FILES = [DATABASE_FILE, `${DATABASE_FILE}-wal`, `${DATABASE_FILE}-shm`] as const;

/** Whether there is a database in a storage directory, or what a restore that was cut off has left of one. */
export function hasDatabase(directory: string): boolean {
  return existsSync(join(directory, DATABASE_FILE)) && !existsSync(join(directory, RESTORING_FILE));
}

/**
 * Puts a copy of `source`, which has been checked, in the place of the database in `directory`. The caller holds the directory. What was there is moved into a
 * directory of its own beside it, whose path is returned; null when there was nothing.
 *
 * ```
 * copy under another name ▸ marker ▸ old files away ▸ copy gets its name ▸ marker away
 * ```
 *
 * Cut off before the marker, nothing has changed. Cut off behind it, a server does not start there until a restore has come to its end.
 */
export function restoreDatabase(
  source: Sqlite,
  directory: string,
  now: Date,
): { readonly bytes: number; readonly replaced: string | null } {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  removeRemains(directory);
  const file = join(directory, DATABASE_FILE);
  const marker = join(directory, RESTORING_FILE);
  let replaced: string | null = null;
  writeCopy(source, file, (part) => {
    closeSync(openSync(marker, 'w', 0o600));
    flush(directory);
    const old = FILES.filter((name) => existsSync(join(directory, name)));
    if (old.length > 0) {
      replaced = freshDirectory(directory, now);
      for (const name of old) renameSync(join(directory, name), join(replaced, name));
      flush(replaced);
    }
    renameSync(part, file);
    flush(directory);
    rmSync(marker);
    flush(directory);
  });
  return { bytes: statSync(file).size, replaced };
}

/** Copies of restores that were cut off. */
function removeRemains(directory: string): void {
  for (const name of readdirSync(directory))
    if (name.startsWith(`.${DATABASE_FILE}.`) && name.endsWith('.part')) rmSync(join(directory, name));
}

function freshDirectory(directory: string, now: Date): string {
  const stamp = now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  for (let i = 1; ; i++) {
    const path = join(directory, `replaced-${stamp}${i === 1 ? '' : `-${i}`}`);
    if (existsSync(path)) continue;
    mkdirSync(path, { mode: 0o700 });
    return path;
  }
}
