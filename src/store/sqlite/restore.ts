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
import { partitionBeside } from './archive-files.ts';
import { type Copy, flush, nameCopies, writeCopies } from './backup.ts';
import { DATABASE_FILE, RESTORING_FILE, type Sqlite } from './database.ts';

/** Files of a database and of partitions of its archive; a log and its index are those of these pages, and of no others. */
const OURS = /^(meerkat|archive-\d+)\.db(-wal|-shm)?$/;
const REMAINS = /^\.(meerkat|archive-\d+)\.db\.\d+\.part$/;

/** Whether there is a database in a storage directory, or what a restore that was cut off has left of one. */
export function hasDatabase(directory: string): boolean {
  return existsSync(join(directory, DATABASE_FILE)) && !existsSync(join(directory, RESTORING_FILE));
}

/**
 * Puts copies of a database and of the partitions of its archive, all of which have been checked, in the place of those in `directory`: `sources` are in the order of their
 * numbers, the database first. The caller holds the directory. What was there is moved into a directory of its own beside it, whose path is returned; null when there was
 * nothing.
 *
 * ```
 * copies under other names ▸ marker ▸ old files away ▸ copies get their names ▸ marker away
 * ```
 *
 * Cut off before the marker, nothing has changed. Cut off behind it, a server does not start there until a restore has come to its end.
 */
export function restoreDatabase(
  sources: readonly Sqlite[],
  directory: string,
  now: Date,
): { readonly bytes: number; readonly replaced: string | null } {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  removeRemains(directory);
  const file = join(directory, DATABASE_FILE);
  const marker = join(directory, RESTORING_FILE);
  const copies = sources.map((db, i): Copy => ({ db, file: i === 0 ? file : partitionBeside(file, i) }));
  let replaced: string | null = null;
  writeCopies(copies, (parts) => {
    closeSync(openSync(marker, 'w', 0o600));
    flush(directory);
    const old = readdirSync(directory).filter((name) => OURS.test(name));
    if (old.length > 0) {
      replaced = freshDirectory(directory, now);
      for (const name of old) renameSync(join(directory, name), join(replaced, name));
      flush(replaced);
    }
    nameCopies(parts, copies);
    rmSync(marker);
    flush(directory);
  });
  return { bytes: copies.reduce((bytes, copy) => bytes + statSync(copy.file).size, 0), replaced };
}

/** Copies of restores that were cut off. */
function removeRemains(directory: string): void {
  for (const name of readdirSync(directory)) if (REMAINS.test(name)) rmSync(join(directory, name));
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
