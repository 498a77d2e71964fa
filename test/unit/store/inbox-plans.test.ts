import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Sqlite } from '../../../src/store/sqlite/database.ts';
import { INBOX_SQL, pageSql } from '../../../src/store/sqlite/inbox.ts';
import { OFFLINE_MARKERS_SQL } from '../../../src/store/sqlite/offline-markers.ts';
import { OFFLINE_SQL } from '../../../src/store/sqlite/offline-messages.ts';
import { SMART_MARKERS_SQL } from '../../../src/store/sqlite/smart-markers.ts';

/** How the database does what inboxes, chat markers and clean-ups of stored messages ask of it: by keys and indexes, whatever is in it. */

const STATEMENTS = Object.entries({
  ...INBOX_SQL,
  ...Object.fromEntries(Object.entries(OFFLINE_SQL).map(([name, sql]) => [`offline: ${name}`, sql])),
  'page, newest first': pageSql('DESC'),
  'page, oldest first': pageSql('ASC'),
  ...Object.fromEntries(Object.entries(SMART_MARKERS_SQL).map(([name, sql]) => [`markers: ${name}`, sql])),
  ...Object.fromEntries(Object.entries(OFFLINE_MARKERS_SQL).map(([name, sql]) => [`missed: ${name}`, sql])),
});

let directory: string;
let db: Sqlite;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk-'));
  db = openDatabase(directory, 'normal');
});

afterAll(() => {
  db.close();
  rmSync(directory, { recursive: true });
});

function plan(sql: string): string[] {
  const names = [...sql.matchAll(/:(\w+)/g)].map(([, name]) => [name!, 1] as const);
  const statement = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
  const rows =
    names.length > 0
      ? statement.all(Object.fromEntries(names))
      : statement.all(...Array(sql.split('?').length - 1).fill(1));
  return rows.map(({ detail }) => detail);
}

describe('plans of inboxes and chat markers', () => {
  it.each(STATEMENTS)('look at no table as a whole: %s', (_name, sql) => {
    // A list that the statement itself is given is read as a whole.
    const scans = plan(sql).filter((step) => step.startsWith('SCAN') && !step.includes('json_each'));
    expect(scans).toEqual([]);
  });

  it.each(STATEMENTS.filter(([, sql]) => /^\s*(SELECT|UPDATE|DELETE)/.test(sql)))(
    'begin with the user, the room, or the domain: %s',
    (_name, sql) => {
      const searches = plan(sql).filter((step) => step.startsWith('SEARCH'));
      expect(searches.length).toBeGreaterThan(0);
      for (const step of searches) expect(step).toMatch(/\((l?server|to_server)=\? ?/);
    },
  );

  it('are told apart from those that do', () => {
    expect(plan('SELECT * FROM inbox WHERE unread_count > ?')[0]).toMatch(/^SCAN/);
  });
});
