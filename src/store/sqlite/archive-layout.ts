import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { makePartition, openKnownPartition } from './archive-files.ts';
import { DATABASE_FILE, type Durability, openDatabase, type Sqlite } from './database.ts';

interface Row {
  readonly setId: string;
  readonly partitions: number;
  readonly upTo: bigint | null;
}

/** Ids of the oldest and the newest message. */
type Span = readonly [oldest: bigint | null, newest: bigint | null];

/**
 * Makes the archive in a storage directory one of so many partitions, if it is not, and says among how many conversations are distributed, and were as long as there are messages of
 * that time: the present number comes last. Nothing is moved. The caller holds the directory. Throws
 * {@link import('./archive-files.ts').ArchiveFilesError} if a file is missing.
 */
export function prepareArchive(directory: string, partitions: number, durability: Durability): number[] {
  // Most have one, and always had: then nothing is opened for writing.
  if (partitions === 1 && knownLayouts(directory) === undefined) return [1];
  const db = openDatabase(directory, durability);
  try {
    const known = rowsOf(db);
    const all = known.length > 0 ? known : firstRows(db);
    const spans = spansOf(directory, db, all, durability);
    const oldest = least(spans.map(([first]) => first));
    // Of messages that were written before it there are none left.
    const rows = all.filter(({ upTo }) => upTo === null || (oldest !== undefined && oldest <= upTo));
    const setId = all[0]?.setId ?? randomUUID();
    if (rows.at(-1)?.partitions !== partitions) {
      const newest = greatest(spans.map(([, last]) => last));
      // Whatever an empty archive was like does not matter.
      const before = newest === undefined ? [] : rows.map((row) => ({ ...row, upTo: row.upTo ?? newest }));
      rows.splice(0, rows.length, ...before, { setId, partitions, upTo: null });
    }
    for (let number = 1; number < partitions; number++)
      makePartition(directory, { setId, number }, durability);
    note(db, rows);
    return rows.map((row) => row.partitions);
  } finally {
    db.close();
  }
}

/** The layouts that a storage directory has on record; undefined if there was never more than one partition. */
export function knownLayouts(
  directory: string,
): readonly { readonly setId: string; readonly partitions: number }[] | undefined {
  const file = join(directory, DATABASE_FILE);
  if (!existsSync(file)) return undefined;
  const db = new Database(file, { readonly: true, timeout: 5_000 });
  try {
    return layoutsIn(db);
  } finally {
    db.close();
  }
}

/** The same of an open database, of whatever schema. */
export function layoutsIn(
  db: Sqlite,
): readonly { readonly setId: string; readonly partitions: number }[] | undefined {
  const table = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'archive_layout'");
  const rows = table.get() === undefined ? [] : rowsOf(db);
  return rows.length === 0 ? undefined : rows;
}

/** How many files an archive is in. */
export function partitionsOf(db: Sqlite): number {
  return Math.max(1, ...(layoutsIn(db) ?? []).map(({ partitions }) => partitions));
}

function rowsOf(db: Sqlite): Row[] {
  const rows = db
    .prepare<[], { set_id: string; partitions: bigint; up_to: bigint | null }>(
      'SELECT set_id, partitions, up_to FROM archive_layout ORDER BY id',
    )
    .safeIntegers(true)
    .all();
  return rows.map((row) => ({ setId: row.set_id, partitions: Number(row.partitions), upTo: row.up_to }));
}

/** Up to now there was one partition. */
function firstRows(db: Sqlite): Row[] {
  return spanOf(db)[0] === null ? [] : [{ setId: randomUUID(), partitions: 1, upTo: null }];
}

function spansOf(directory: string, db: Sqlite, rows: readonly Row[], durability: Durability): Span[] {
  const spans = [spanOf(db)];
  const files = Math.max(1, ...rows.map(({ partitions }) => partitions));
  for (let number = 1; number < files; number++) {
    const part = openKnownPartition(directory, { setId: rows[0]!.setId, number }, durability);
    try {
      spans.push(spanOf(part));
    } finally {
      part.close();
    }
  }
  return spans;
}

function spanOf(db: Sqlite): Span {
  // Each by itself: together SQLite would go through the whole table.
  const [first, last] = ['min', 'max'].map((which) =>
    db
      .prepare<[], bigint | null>(`SELECT ${which}(id) FROM mam_message`)
      .safeIntegers(true)
      .pluck(true)
      .get(),
  );
  return [first ?? null, last ?? null];
}

function note(db: Sqlite, rows: readonly Row[]): void {
  const insert = db.prepare<[string, number, bigint | null]>(
    'INSERT INTO archive_layout (set_id, partitions, up_to) VALUES (?, ?, ?)',
  );
  db.transaction(() => {
    db.exec('DELETE FROM archive_layout');
    for (const { setId, partitions, upTo } of rows) insert.run(setId, partitions, upTo);
  })();
}

function least(ids: readonly (bigint | null)[]): bigint | undefined {
  return ids.reduce<bigint | undefined>(
    (a, b) => (b === null || (a !== undefined && a < b) ? a : b),
    undefined,
  );
}

function greatest(ids: readonly (bigint | null)[]): bigint | undefined {
  return ids.reduce<bigint | undefined>(
    (a, b) => (b === null || (a !== undefined && a > b) ? a : b),
    undefined,
  );
}
