import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ARCHIVE_INDEX_MS_MAX, ARCHIVE_INDEX_QUEUE_MAX } from '../../../src/limits.ts';
import { ARCHIVE_EXPORT_BYTES } from '../../../src/store/operations/archive.ts';
import { type ArchivePageQuery, type ArchiveRecord, ArchiveSide } from '../../../src/store/operations.ts';
import { Archive } from '../../../src/store/sqlite/archive.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import { SqliteDriver } from '../../../src/store/sqlite/driver.ts';
import * as monotonic from '../../../src/util/monotonic.ts';

/** What is SQLite's own about archives: work that is put off, and what is left in the tables. */

const ROMEO = 'romeo@localhost';
const JULIET = 'juliet@localhost';
const NURSE = 'nurse@localhost';
const FIRST = 1_700_000_000_000_000;
const BOTH = ArchiveSide.SENDER | ArchiveSide.RECIPIENT;

const id = (n: number): bigint => BigInt(FIRST + n) * 256n;

function record(n: number, fields: Partial<ArchiveRecord> = {}): ArchiveRecord {
  return {
    micros: FIRST + n,
    shard: 0,
    sides: BOTH,
    from: `${ROMEO}/orchard`,
    to: JULIET,
    packet: Buffer.from(`<message><body>number ${n}</body></message>`),
    originId: null,
    isGroupchat: false,
    isSearchable: true,
    ...fields,
  };
}

const numbers = (count: number, first = 1): ArchiveRecord[] =>
  Array.from({ length: count }, (_unused, i) => record(first + i));

let directory: string;
let driver: SqliteDriver;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk-'));
  driver = new SqliteDriver(directory, 'normal');
});

afterEach(() => {
  driver.close();
  rmSync(directory, { recursive: true });
});

/** As after a crash of the store: what was committed is there, what was known is not. */
function reopen(): void {
  driver.close();
  driver = new SqliteDriver(directory, 'normal');
}

function append(...records: ArchiveRecord[]): void {
  driver.begin();
  driver.run('archive_append', [records]);
  driver.commit();
}

function found(query: Partial<ArchivePageQuery> = {}): bigint[] {
  const base = { owner: ROMEO, includeGroupchat: true, isBackward: false, limit: 5_000, isCounted: false };
  return driver.run('archive_page', [{ ...base, ...query }]).messages.map((message) => message.id);
}

/** Rows of a table, seen from beside. */
function rowsOf(table: string): number {
  const db = openDatabase(directory, 'normal');
  try {
    return db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck(true).get()!;
  } finally {
    db.close();
  }
}

function workToEnd(): number {
  let steps = 0;
  for (; driver.hasWork; steps++) driver.work();
  return steps;
}

describe('indexing what was archived', () => {
  it('is put off until one of those concerned looks at his archive', () => {
    append(record(1), record(2, { from: NURSE, to: NURSE }));
    expect(rowsOf('mam_index_queue')).toBe(1);
    driver.run('archive_size', ['stranger@localhost']);
    expect(rowsOf('mam_index_queue')).toBe(1);
    expect(found()).toEqual([id(1)]);
    expect(rowsOf('mam_index_queue')).toBe(0);
    expect(found({ owner: NURSE })).toEqual([id(2)]);
  });

  it('is put off for others, if it is only theirs', () => {
    append(record(1));
    expect(found({ owner: JULIET })).toEqual([id(1)]);
    append(record(2));
    expect(found({ owner: NURSE })).toEqual([]);
    expect(rowsOf('mam_index_queue')).toBe(1);
  });

  it('is put off until much waits', () => {
    append(...numbers(ARCHIVE_INDEX_QUEUE_MAX));
    expect(rowsOf('mam_index_queue')).toBe(1);
    append(record(ARCHIVE_INDEX_QUEUE_MAX + 1));
    expect(rowsOf('mam_index_queue')).toBe(0);
    expect(driver.run('archive_size', [JULIET])).toBe(ARCHIVE_INDEX_QUEUE_MAX + 1);
  });

  it('is put off for a moment, while more messages come', () => {
    let now = 1_000;
    const clock = vi.spyOn(monotonic, 'monotonicMs').mockImplementation(() => now);
    append(record(1));
    now += ARCHIVE_INDEX_MS_MAX;
    append(record(2));
    expect(rowsOf('mam_index_queue')).toBe(2);
    now += 1;
    append(record(3));
    expect(rowsOf('mam_index_queue')).toBe(0);
    clock.mockRestore();
  });

  it('is put off until there is time', () => {
    append(record(1, { isSearchable: false }));
    expect(driver.hasWork).toBe(true);
    driver.work();
    expect(driver.hasWork).toBe(false);
    expect(rowsOf('mam_index_queue')).toBe(0);
    expect(found()).toEqual([id(1)]);
  });

  it('is done by whoever comes after a crash', () => {
    append(record(1));
    reopen();
    expect(driver.hasWork).toBe(true);
    expect(found({ owner: JULIET })).toEqual([id(1)]);
    append(record(2, { from: NURSE }));
    reopen();
    append(record(3, { from: NURSE }));
    expect(found({ owner: NURSE })).toEqual([id(2), id(3)]);
  });

  it('happens within the batch that is open', () => {
    driver.begin();
    driver.run('archive_append', [[record(1)]]);
    expect(found()).toEqual([id(1)]);
    expect(driver.isOpen).toBe(true);
    driver.commit();
    expect(found()).toEqual([id(1)]);
  });
});

describe('a message that comes again', () => {
  it('is not given back to an archive that it has left', () => {
    append(record(1));
    expect(found()).toEqual([id(1)]);
    driver.run('archive_remove_user', [ROMEO]);
    append(record(1, { sides: ArchiveSide.RECIPIENT }));
    expect(found({ owner: JULIET })).toEqual([id(1)]);
    expect(found()).toEqual([]);
  });
});

describe('a batch that fails', () => {
  it('leaves nothing, and nothing wrong is remembered', () => {
    append(record(1));
    driver.begin();
    driver.run('archive_append', [[record(2, { from: NURSE, to: NURSE })]]);
    const broken = record(3, { from: 'tybalt@localhost', packet: null as unknown as Buffer });
    expect(() => driver.run('archive_append', [[record(4, { from: 'paris@localhost' }), broken]])).toThrow();
    expect(driver.isOpen).toBe(false);
    append(record(5, { from: 'benvolio@localhost' }), record(6, { from: NURSE }));
    expect(found()).toEqual([id(1)]);
    expect(found({ owner: JULIET })).toEqual([id(1), id(5), id(6)]);
    const senders = driver.run('archive_export', [JULIET, 0n, 10]).map(({ from }) => from);
    expect(senders).toEqual([`${ROMEO}/orchard`, 'benvolio@localhost', NURSE]);
    expect(found({ owner: 'paris@localhost' })).toEqual([]);
    expect(rowsOf('mam_message')).toBe(3);
  });
});

describe('words', () => {
  it('are found before they are indexed, meanwhile, and afterwards', () => {
    for (let n = 1; n <= 300; n++) append(record(n));
    expect(found({ words: ['number', '7'] })).toEqual([id(7)]);
    driver.work();
    expect(rowsOf('mam_search_queue')).toBeGreaterThan(0);
    expect(found({ words: ['number'] })).toHaveLength(300);
    const query = { owner: ROMEO, words: ['number'], includeGroupchat: true, isBackward: true, limit: 200 };
    const back = driver.run('archive_page', [{ ...query, isCounted: true }]);
    expect(back).toMatchObject({ total: 300, offset: 100, hasMore: true });
    workToEnd();
    expect(rowsOf('mam_search_queue')).toBe(0);
    expect(found({ words: ['number'] })).toHaveLength(300);
    expect(found({ words: ['number', '7'] })).toEqual([id(7)]);
  });

  it('are those of messages archived long before others, too', () => {
    append(record(1_000));
    workToEnd();
    append(record(1));
    expect(found({ words: ['number'] })).toEqual([id(1), id(1_000)]);
    reopen();
    workToEnd();
    expect(found({ words: ['number'] })).toEqual([id(1), id(1_000)]);
  });

  it('wait in a queue that does not grow for ever', () => {
    const db = openDatabase(directory, 'normal');
    try {
      const archive = new Archive(db, 200).operations();
      for (let n = 0; n < 10; n++) archive.archive_append(numbers(50, n * 50));
      const waiting = db.prepare('SELECT total(length(messages)) / 16 FROM mam_search_queue').pluck(true);
      expect(waiting.get()).toBeLessThanOrEqual(200);
      expect(waiting.get()).toBeGreaterThan(0);
    } finally {
      db.close();
    }
    expect(found({ words: ['number'] })).toHaveLength(500);
  });

  it('leave nothing behind when nobody has the message any more', () => {
    append(...numbers(20), record(21, { to: ROMEO }));
    workToEnd();
    expect(rowsOf('mam_search_docsize')).toBe(21);
    driver.run('archive_remove_user', [ROMEO]);
    expect(rowsOf('mam_message')).toBe(20);
    expect(rowsOf('mam_search_docsize')).toBe(20);
    expect(found({ owner: JULIET, words: ['number'] })).toHaveLength(20);
    driver.run('archive_remove_user', [JULIET]);
    expect(rowsOf('mam_message')).toBe(0);
    expect(rowsOf('mam_search_docsize')).toBe(0);
  });

  it('that were never indexed leave nothing either', () => {
    append(record(1));
    driver.run('archive_remove_user', [ROMEO]);
    driver.run('archive_remove_user', [JULIET]);
    workToEnd();
    expect(rowsOf('mam_message')).toBe(0);
    expect(rowsOf('mam_search_docsize')).toBe(0);
    expect(rowsOf('mam_search_queue')).toBe(0);
  });
});

describe('a large archive whose owner is removed', () => {
  beforeEach(() => {
    append(...numbers(1_200).map((one) => ({ ...one, isSearchable: false })));
  });

  it('is empty at once, and goes little by little', () => {
    expect(found()).toHaveLength(1_200);
    driver.run('archive_remove_user', [ROMEO]);
    expect(found()).toEqual([]);
    expect(driver.run('archive_size', [ROMEO])).toBe(0);
    expect(driver.run('archive_range', [ROMEO])).toBeNull();
    expect(driver.run('archive_get', [ROMEO, [id(1_200)]])).toEqual([]);
    expect(driver.run('archive_export', [ROMEO, 0n, 10])).toEqual([]);
    append(record(1, { micros: (Date.now() + 3_600_000) * 1_000 }));
    expect(found()).toHaveLength(1);
    expect(workToEnd()).toBeGreaterThan(1);
    expect(found()).toHaveLength(1);
    expect(found({ owner: JULIET })).toHaveLength(1_201);
    driver.run('archive_remove_user', [JULIET]);
    workToEnd();
    expect(rowsOf('mam_message')).toBe(1);
    expect(rowsOf('mam_removed')).toBe(0);
  });

  it('stays empty over a crash', () => {
    driver.run('archive_remove_user', [ROMEO]);
    reopen();
    expect(found()).toEqual([]);
    workToEnd();
    expect(found()).toEqual([]);
    expect(rowsOf('mam_removed')).toBe(0);
  });

  it('whatever the clock said when its messages were sent', () => {
    append(record(5, { micros: (Date.now() + 3_600_000) * 1_000 }));
    driver.run('archive_remove_user', [ROMEO]);
    expect(found()).toEqual([]);
  });

  it('takes old messages of whoever has the name next, once nobody sends to the one before any more', () => {
    driver.run('archive_remove_user', [ROMEO]);
    // The memory of who was removed a moment ago is gone with the thread.
    reopen();
    append(record(2_000));
    expect(found()).toEqual([id(2_000)]);
    expect(workToEnd()).toBeGreaterThan(0);
    expect(found()).toEqual([id(2_000)]);
  });
});

describe('counts of a long archive', () => {
  it('are right while messages come, come late and go', () => {
    const second = (n: number) => record(n * 1_000_000, { isSearchable: false });
    const query = { owner: ROMEO, includeGroupchat: true, isBackward: false, limit: 100, isCounted: true };
    const page = (pageAfter?: bigint) => driver.run('archive_page', [{ ...query, pageAfter }]);
    append(...Array.from({ length: 1_500 }, (_unused, i) => second(2 * i)));
    for (let n = 1; n <= 3; n++)
      expect(page(id(200_000_000 * n))).toMatchObject({ total: 1_500, offset: 100 * n + 1 });
    append(second(5_000), second(3_001));
    expect(page(id(800_000_000))).toMatchObject({ total: 1_502, offset: 401 });
    append(second(101));
    expect(page(id(800_000_000))).toMatchObject({ total: 1_503, offset: 402 });
    driver.run('archive_remove_before', ['localhost', FIRST + 100_000_000, 5_000, '']);
    expect(page(id(800_000_000))).toMatchObject({ total: 1_453, offset: 352 });
    expect(page()).toMatchObject({ total: 1_453, offset: 0 });
    driver.run('archive_trim', ['localhost', 1_200, 5_000, '']);
    expect(page()).toMatchObject({ total: 1_200, offset: 0 });
  });
});

describe('a query for which too much would have to be looked at', () => {
  afterEach(() => vi.restoreAllMocks());

  it('fails after a while (threat T64)', () => {
    append(...numbers(2_500).map((one) => ({ ...one, isSearchable: false })));
    const query = { with: { bare: JULIET, resource: 'nowhere' } };
    expect(found(query)).toEqual([]);
    let now = 0;
    vi.spyOn(monotonic, 'monotonicMs').mockImplementation(() => {
      now += 400;
      return now;
    });
    expect(() => found(query)).toThrow('too many messages');
  });
});

describe('an export', () => {
  it('is in pieces that are not too large; what is larger by itself is one', () => {
    const long = (n: number, bytes: number): ArchiveRecord => record(n, { packet: Buffer.alloc(bytes, 'x') });
    const half = ARCHIVE_EXPORT_BYTES / 2;
    append(long(1, half), long(2, half), long(3, 1), long(4, ARCHIVE_EXPORT_BYTES + 1), long(5, 1));
    const pieces: bigint[][] = [];
    for (let after = 0n; ; after = pieces.at(-1)!.at(-1)!) {
      const piece = driver.run('archive_export', [ROMEO, after, 10]);
      if (piece.length === 0) break;
      pieces.push(piece.map((message) => message.id));
    }
    expect(pieces).toEqual([[id(1), id(2)], [id(3)], [id(4)], [id(5)]]);
  });
});

describe('names', () => {
  /** After every removal that the tests do: what is older is not archived for a removed account. */
  const LATER = (Date.now() + 86_400_000) * 1_000 - FIRST;

  function names(): string[] {
    const db = openDatabase(directory, 'normal');
    try {
      return db
        .prepare<[], string>("SELECT user_name FROM mam_jid WHERE server <> '' ORDER BY 1")
        .pluck(true)
        .all();
    } finally {
      db.close();
    }
  }

  it('stay as long as somebody has a message of theirs, and go with the last one', () => {
    append(record(1), record(2, { from: NURSE, to: ROMEO }));
    workToEnd();
    driver.run('archive_remove_user', [JULIET]);
    workToEnd();
    expect(names()).toEqual(['juliet', 'nurse', 'romeo']);
    expect(found()).toEqual([id(1), id(2)]);
    driver.run('archive_remove_user', [ROMEO]);
    workToEnd();
    expect(names()).toEqual(['nurse', 'romeo']);
    driver.run('archive_remove_user', [NURSE]);
    workToEnd();
    expect(names()).toEqual([]);
    append(record(LATER));
    expect(found()).toEqual([id(LATER)]);
    expect(found({ owner: JULIET })).toEqual([id(LATER)]);
    expect(found({ owner: NURSE })).toEqual([]);
  });

  it('stay with preferences, and while a message waits to be indexed', () => {
    driver.run('archive_set_prefs', [JULIET, { defaultMode: 'never', always: [], never: [] }]);
    append(record(1, { from: NURSE, to: NURSE }));
    reopen();
    workToEnd();
    expect(names()).toEqual(['juliet', 'nurse']);
    expect(driver.run('archive_get_prefs', [JULIET])).toMatchObject({ defaultMode: 'never' });
    driver.run('archive_remove_user', [JULIET]);
    workToEnd();
    expect(names()).toEqual(['nurse']);
  });

  it('of whoever is on the other side of what grew too old go, too', () => {
    append(record(1), record(2, { from: NURSE, to: ROMEO }));
    workToEnd();
    driver.run('archive_remove_before', ['localhost', FIRST + 2, 10, '']);
    workToEnd();
    expect(names()).toEqual(['nurse', 'romeo']);
  });

  it('that an earlier process has left go after the start, in steps', () => {
    const users = Array.from({ length: 500 }, (_unused, n) => `user${n}@localhost`);
    append(...users.map((user, n) => record(n + 1, { from: user, to: user })));
    workToEnd();
    for (const user of users) driver.run('archive_remove_user', [user]);
    while (rowsOf('mam_removed') > 0) driver.work();
    reopen();
    expect(names().length).toBeGreaterThan(400);
    expect(workToEnd()).toBeGreaterThan(2);
    expect(names()).toEqual([]);
  });

  it('never give their numbers to others', () => {
    append(record(1));
    workToEnd();
    const newest = (): number => {
      const db = openDatabase(directory, 'normal');
      try {
        return db.prepare<[], number>('SELECT max(id) FROM mam_jid').pluck(true).get()!;
      } finally {
        db.close();
      }
    };
    const before = newest();
    for (const user of [ROMEO, JULIET]) driver.run('archive_remove_user', [user]);
    workToEnd();
    expect(names()).toEqual([]);
    append(record(2, { from: NURSE, to: NURSE }));
    expect(newest()).toBeGreaterThan(before);
  });

  it('stay when the step that took them away was undone', () => {
    append(record(1));
    workToEnd();
    for (const user of [ROMEO, JULIET]) driver.run('archive_remove_user', [user]);
    const db = openDatabase(directory, 'normal');
    db.exec("CREATE TRIGGER torn BEFORE DELETE ON mam_jid BEGIN SELECT RAISE(ROLLBACK, 'torn'); END");
    expect(workToEnd).toThrow('torn');
    db.exec('DROP TRIGGER torn');
    db.close();
    append(record(LATER, { from: NURSE, to: ROMEO }));
    workToEnd();
    expect(names()).toEqual(['nurse', 'romeo']);
    expect(found()).toEqual([id(LATER)]);
  });
});
