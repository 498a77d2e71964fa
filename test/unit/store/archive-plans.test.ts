import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArchivePageQuery, ArchiveSide } from '../../../src/store/operations.ts';
import { Archive } from '../../../src/store/sqlite/archive.ts';
import { openDatabase, type Sqlite } from '../../../src/store/sqlite/database.ts';

/** How SQLite does what archives ask of it: no statement may go through a table, whoever it belongs to. */

const ROMEO = 'romeo@localhost';
const JULIET = 'juliet@localhost';
const FIRST = 1_800_000_000_000_000;
const ID = BigInt(FIRST) * 256n;

/** Tables that hold next to nothing, or are looked through only when nothing is in the way. */
const SMALL = ['mam_removed', 'mam_index_queue', 'mam_search_queue'];

let directory: string;
let db: Sqlite;
const statements = new Set<string>();

/** Runs every operation in every variant, and notes what is prepared for it. */
function exercise(): void {
  const prepare = db.prepare.bind(db);
  db.prepare = ((sql: string) => {
    statements.add(sql);
    return prepare(sql);
  }) as typeof db.prepare;
  const archive = new Archive(db);
  const run = archive.operations();
  const base = {
    micros: FIRST,
    shard: 0,
    sides: ArchiveSide.SENDER | ArchiveSide.RECIPIENT,
    isGroupchat: false,
  };
  const packet = Buffer.from('<message><body>sun</body></message>');
  run.archive_append([
    { ...base, from: ROMEO, to: JULIET, packet, originId: 'a', isSearchable: true },
    { ...base, micros: FIRST + 1, from: JULIET, to: ROMEO, packet, originId: null, isSearchable: true },
  ]);
  const queries: Partial<ArchivePageQuery>[] = [{}, { words: ['sun'] }];
  const withs: ArchivePageQuery['with'][] = [undefined, { bare: JULIET }, { bare: JULIET, resource: 'a' }];
  const pages = () => {
    for (const isBackward of [false, true])
      for (const includeGroupchat of [false, true])
        for (const peer of withs)
          for (const query of queries)
            for (const index of [undefined, 0]) {
              const place = { isBackward, includeGroupchat, with: peer, index, limit: 5, isCounted: true };
              run.archive_page({ owner: ROMEO, ...query, ...place, pageAfter: index === 0 ? undefined : ID });
            }
  };
  pages();
  while (archive.hasWork) archive.work();
  pages();
  run.archive_get(ROMEO, [ID]);
  run.archive_range(ROMEO);
  run.archive_size(ROMEO);
  run.archive_export(ROMEO, 0n, 5);
  run.archive_find_retracted({ from: ROMEO, to: JULIET, by: 'origin_id', id: 'a' });
  run.archive_find_retracted({ from: ROMEO, to: JULIET, by: 'stanza_id', id: '1' });
  run.archive_replace(ID, packet);
  run.archive_set_prefs(ROMEO, { defaultMode: 'always', always: [JULIET], never: [] });
  run.archive_get_prefs(ROMEO);
  run.archive_trim('localhost', 1, 10, '');
  run.archive_remove_before('localhost', FIRST + 1, 10, '');
  run.archive_remove_user(JULIET);
  run.archive_remove_domain('localhost', 10, '');
  while (archive.hasWork) archive.work();
  db.prepare = prepare;
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk-'));
  db = openDatabase(directory, 'normal');
  exercise();
});

afterAll(() => {
  db.close();
  rmSync(directory, { recursive: true });
});

function planOf(sql: string): string[] {
  const parameters: Record<string, unknown> = {};
  for (const [, name] of sql.matchAll(/:(\w+)/g)) parameters[name!] = name === 'match' ? '"x"' : 1;
  const count = Object.keys(parameters).length > 0 ? 0 : sql.split('?').length - 1;
  const values = Array.from({ length: count }, () => (sql.includes('json_each') ? '[1]' : 1));
  const explain = db.prepare(`EXPLAIN QUERY PLAN ${sql}`);
  const rows = count > 0 ? explain.all(...values) : explain.all(parameters);
  return rows.map((row) => (row as { detail: string }).detail);
}

describe('the statements of archives', () => {
  it('are all known', () => {
    expect(statements.size).toBeGreaterThan(50);
  });

  it('go through no table', () => {
    for (const sql of statements) {
      // A step of a plan that looks at all of something: a table, an index of all of it, or what a step before it found.
      const scans = planOf(sql).filter(
        (step) =>
          /^SCAN /.test(step) &&
          !/^SCAN json_each VIRTUAL TABLE/.test(step) &&
          // The full-text index: one entry, or words and a range of ids.
          !/^SCAN mam_search VIRTUAL TABLE INDEX \d+:=$/.test(step) &&
          !/^SCAN s VIRTUAL TABLE INDEX \d+:(?=.*M)(?=.*>)(?=.*<)/.test(step) &&
          !/^SCAN CONSTANT ROW/.test(step) &&
          !/^SCAN c$/.test(step) &&
          !SMALL.some((table) => step.startsWith(`SCAN ${table}`)),
      );
      expect(scans, sql).toEqual([]);
    }
  });

  it('put nothing in order that an index has in order', () => {
    for (const sql of statements) {
      expect(
        planOf(sql).filter((step) => step.startsWith('USE TEMP B-TREE')),
        sql,
      ).toEqual([]);
    }
  });

  it('count without looking at messages', () => {
    const counts = [...statements].filter((sql) => /^SELECT \(SELECT count/.test(sql));
    expect(counts.length).toBeGreaterThanOrEqual(4);
    for (const sql of counts) {
      const searches = planOf(sql).filter((step) => step.startsWith('SEARCH'));
      expect(searches.length, sql).toBeGreaterThan(0);
      for (const step of searches) expect(step).toMatch(/USING COVERING INDEX .*id>\? AND \w*id<\?/);
    }
  });

  it('find pages by the place in an index, not by counting to it', () => {
    const pages = [...statements].filter((sql) => sql.includes('UNION ALL') && !sql.includes('OFFSET'));
    expect(pages.length).toBeGreaterThan(4);
    for (const sql of pages) {
      for (const step of planOf(sql)) {
        if (step.startsWith('SEARCH')) expect(step, sql).toMatch(/\(.*id>\? AND \w*id<\?\)/);
      }
    }
  });
});
