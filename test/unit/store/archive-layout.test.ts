import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArchiveFilesError, openPartition } from '../../../src/store/sqlite/archive-files.ts';
import { prepareArchive } from '../../../src/store/sqlite/archive-layout.ts';
import { openDatabase, type Sqlite } from '../../../src/store/sqlite/database.ts';
import { openDriver } from '../../../src/store/sqlite/open-driver.ts';
import { partitions, record } from './partitions/support.ts';

/** Archives whose number of files changes: nothing is moved, and everything is found. */

const OWNER = 'juliet@localhost';
const FIRST = 1_800_000_000_000_000;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk-layout-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

const prepare = (count: number): number[] => prepareArchive(directory, count, 'normal');
const id = (n: number): bigint => BigInt(FIRST + n) * 256n;

/** Runs the archive of a directory as a server does. */
async function withArchive<T>(
  layouts: readonly number[],
  work: (archive: ReturnType<typeof partitions>) => Promise<T>,
): Promise<T> {
  const drivers = Array.from({ length: Math.max(...layouts) }, (_unused, i) =>
    openDriver(directory, 'normal', i),
  );
  try {
    return await work(partitions(layouts, drivers));
  } finally {
    for (const driver of drivers) driver.close();
  }
}

/** Twelve messages from as many users. */
async function write(layouts: readonly number[], from: number): Promise<void> {
  await withArchive(layouts, async ({ ask, drivers }) => {
    const records = Array.from({ length: 12 }, (_unused, i) =>
      record(FIRST + from + i, `user${i}@localhost`, OWNER),
    );
    await ask('archive_append', records);
    for (const driver of drivers) while (driver.hasWork === true) driver.work!();
  });
}

/** What is found in all, and with one of the users. */
function find(layouts: readonly number[]): Promise<{ all: bigint[]; one: bigint[] }> {
  return withArchive(layouts, async ({ ask }) => {
    const query = { owner: OWNER, includeGroupchat: true, isBackward: false, isCounted: true, limit: 100 };
    const all = await ask('archive_page', query);
    const one = await ask('archive_page', { ...query, with: { bare: 'user5@localhost' } });
    expect([all.total, one.total]).toEqual([all.messages.length, one.messages.length]);
    return { all: all.messages.map((message) => message.id), one: one.messages.map((message) => message.id) };
  });
}

const span = (from: number): bigint[] => Array.from({ length: 12 }, (_unused, i) => id(from + i));
const files = (): string[] =>
  readdirSync(directory)
    .filter((name) => /^archive-\d+\.db$/.test(name))
    .sort();

describe('an archive', () => {
  it('is in the database alone if nothing else was ever wanted, and nothing is made for that', () => {
    expect(prepare(1)).toEqual([1]);
    expect(readdirSync(directory)).toEqual([]);
    openDatabase(directory, 'normal').close();
    expect(prepare(1)).toEqual([1]);
    expect(files()).toEqual([]);
  });

  it('is in as many files as were wanted first', async () => {
    expect(prepare(3)).toEqual([3]);
    expect(files()).toEqual(['archive-1.db', 'archive-2.db']);
    await write([3], 0);
    expect(prepare(3)).toEqual([3]);
    expect(await find([3])).toEqual({ all: span(0), one: [id(5)] });
    await withArchive([3], async ({ drivers }) => {
      const sizes = drivers.map((driver) => driver.run('archive_size', [OWNER]));
      expect(sizes.reduce((a, b) => a + b)).toBe(12);
      expect(Math.min(...sizes)).toBeGreaterThan(0);
    });
  });

  it('may get more files, and fewer: what is there stays where it is, and is found', async () => {
    prepare(1);
    await write([1], 0);
    expect(prepare(3)).toEqual([1, 3]);
    await write([1, 3], 100);
    expect(await find([1, 3])).toEqual({ all: [...span(0), ...span(100)], one: [id(5), id(105)] });
    expect(prepare(3)).toEqual([1, 3]);
    expect(prepare(2)).toEqual([1, 3, 2]);
    await write([1, 3, 2], 200);
    expect(prepare(1)).toEqual([1, 3, 2, 1]);
    expect(await find([1, 3, 2, 1])).toEqual({
      all: [...span(0), ...span(100), ...span(200)],
      one: [id(5), id(105), id(205)],
    });
    expect(files()).toEqual(['archive-1.db', 'archive-2.db']);
  });

  it('forgets how it was when no message of that time is left', async () => {
    prepare(3);
    await write([3], 0);
    expect(prepare(1)).toEqual([3, 1]);
    await write([3, 1], 100);
    await withArchive([3, 1], async ({ ask }) => {
      for (let cursor: string | null = ''; cursor !== null; )
        cursor = (await ask('archive_remove_before', 'localhost', FIRST + 100, 100, cursor)).cursor;
    });
    expect(prepare(1)).toEqual([1]);
    expect(await find([1])).toEqual({ all: span(100), one: [id(105)] });
    // Its files can be used again.
    expect(prepare(3)).toEqual([1, 3]);
    await write([1, 3], 200);
    expect((await find([1, 3])).all).toEqual([...span(100), ...span(200)]);
  });

  it('does not care how an empty one was', () => {
    expect(prepare(4)).toEqual([4]);
    expect(prepare(2)).toEqual([2]);
    expect(prepare(1)).toEqual([1]);
  });

  it('is refused if a file is missing, or is not the one that it should be', async () => {
    prepare(3);
    await write([3], 0);
    const [first, second] = [1, 2].map((n) => join(directory, `archive-${n}.db`)) as [string, string];
    renameSync(first, `${first}.away`);
    expect(() => prepare(3)).toThrow(ArchiveFilesError);
    expect(() => prepare(1)).toThrow('a part of the archive is missing');
    expect(existsSync(first)).toBe(false);
    renameSync(second, first);
    renameSync(`${first}.away`, second);
    expect(() => prepare(3)).toThrow('is not the part of this archive that it should be');
  });

  it('uses files that a start has left which was cut off, and none of another archive', async () => {
    // It had made them, and not noted it yet.
    const db = openDatabase(directory, 'normal');
    prepare(2);
    db.exec('DELETE FROM archive_layout');
    db.close();
    expect(prepare(2)).toEqual([2]);
    await write([2], 0);
    expect((await find([2])).all).toEqual(span(0));
    const again = openDatabase(directory, 'normal');
    again.exec('DELETE FROM archive_layout');
    again.close();
    expect(() => prepare(2)).toThrow('has messages of another archive');
  });
});

describe('a partition', () => {
  it('has the tables that the archive has in the database', () => {
    const schemaOf = (db: Sqlite): unknown[] => {
      const sql =
        "SELECT name, sql FROM sqlite_schema WHERE name LIKE 'mam%' OR name LIKE 'write_batch%' ORDER BY name";
      const rows = db.prepare(sql).all();
      db.close();
      return rows;
    };
    const whole = schemaOf(openDatabase(directory, 'normal'));
    expect(whole.length).toBeGreaterThan(8);
    expect(schemaOf(openPartition(directory, 1, 'normal'))).toEqual(whole);
  });

  it('does nothing but archives', () => {
    const driver = openDriver(directory, 'normal', 1);
    expect(() => driver.run('account_count', ['localhost'])).toThrow('no operation account_count');
    expect(driver.run('ping', [])).toBeNull();
    driver.begin();
    driver.run('write_probe', []);
    driver.run('archive_append', [[record(FIRST, 'romeo@localhost', OWNER)]]);
    const batch = [0, 1, 1] as [number, number, number];
    const write = ['archive_append', [[record(FIRST + 1, 'romeo@localhost', OWNER)]]] as const;
    expect(driver.run('write_all', [batch, [write], false])).toEqual([null]);
    expect(driver.run('write_all', [batch, [write], false])).toEqual([null]);
    driver.commit();
    expect(driver.run('archive_size', [OWNER])).toBe(2);
    driver.begin();
    driver.run('archive_append', [[record(FIRST + 2, 'nurse@localhost', OWNER)]]);
    expect(() => driver.run('archive_append', [[{} as never]])).toThrow();
    expect(driver.isOpen).toBe(false);
    expect(driver.run('archive_size', [OWNER])).toBe(2);
    driver.close();
  });
});
