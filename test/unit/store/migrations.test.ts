import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoreArgs, StoreOperation, StoreResult } from '../../../src/store/operations.ts';
import {
  DATABASE_FILE,
  migrate,
  NewerSchemaError,
  openDatabase,
} from '../../../src/store/sqlite/database.ts';
import { SqliteDriver } from '../../../src/store/sqlite/driver.ts';
import { checkDatabase } from '../../../src/store/sqlite/integrity.ts';
import { MIGRATIONS } from '../../../src/store/sqlite/migrations.ts';
import { DETAILS, DROPPED, makeOldDatabase, PACKET, rowsOf, tablesOf } from '../../helpers/old-databases.ts';

/** Databases of every earlier version, with data in them, opened by this one. */

const VERSIONS = MIGRATIONS.map((_sql, i) => i + 1);

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk-migrations-'));
  file = join(directory, DATABASE_FILE);
});

afterEach(() => rmSync(directory, { recursive: true }));

/** What the present store says of data that the tables of old have, by the table they are in. */
const ANSWERS: Readonly<Record<string, readonly [question: (ask: Ask) => unknown, answer: unknown]>> = {
  users: [(ask) => ask('account_get', 'localhost', 'juliet'), DETAILS],
  offline_message: [
    (ask) =>
      ask('offline_page', 'localhost', 'juliet', null, 10, 1_000).map(({ from, packet, keys }) => [
        from,
        Buffer.from(packet).toString(),
        keys,
      ]),
    [['romeo@localhost/o', PACKET, [['stable_stanza_id/value', 'X']]]],
  ],
  module_value: [(ask) => ask('value_get', 'mod_greeter', 'juliet@localhost', 'greeting'), 'Good morrow'],
  roster_item: [
    (ask) =>
      ask('roster_get', 'localhost', 'juliet').contacts.map(({ jid, subscription, groups }) => [
        jid,
        subscription,
        ...groups,
      ]),
    [['romeo@localhost', 'both', 'Friends']],
  ],
  roster_version: [(ask) => ask('roster_get', 'localhost', 'juliet').version, 12],
  private_storage: [(ask) => ask('private_list', 'localhost', 'juliet'), [['urn:x', "<x xmlns='urn:x'/>"]]],
  last: [(ask) => ask('last_get', 'localhost', 'juliet'), { timestamp: 99, status: 'gone' }],
  vcard: [(ask) => ask('vcard_get', 'localhost', 'juliet'), expect.stringContaining('Juliet')],
  vcard_search: [
    (ask) =>
      ask(
        'vcard_search',
        'localhost',
        [{ field: 'fn', value: 'juliet', isPrefix: false }],
        10,
        10,
        1_000,
      ).map(({ username }) => username),
    ['juliet'],
  ],
  fast_auth_token: [(ask) => ask('fast_token_get', 'localhost', 'juliet', 'agent').current?.token, 'token'],
  auth_token: [(ask) => ask('auth_token_get', 'localhost', 'juliet')?.sequence, 3],
  privacy_list: [
    (ask) => ask('privacy_list', 'localhost', 'juliet', 'quiet')?.items,
    [['j', 'tybalt@localhost', 'd', 1, 0]],
  ],
  privacy_default_list: [(ask) => ask('privacy_names', 'localhost', 'juliet').default, 'quiet'],
  mam_message: [
    (ask) =>
      ask('archive_export', 'juliet@localhost', 0n, 10).map(({ id, from, packet }) => [
        id,
        from,
        Buffer.from(packet).toString(),
      ]),
    [[256_000_001n, 'romeo@localhost/o', PACKET]],
  ],
  mam_config: [(ask) => ask('archive_get_prefs', 'juliet@localhost')?.defaultMode, 'roster'],
  blocklist: [(ask) => ask('blocklist_get', 'localhost', 'tybalt'), 'spam'],
};

type Ask = <O extends StoreOperation>(operation: O, ...args: StoreArgs<O>) => StoreResult<O>;

describe('a database', () => {
  it.each(VERSIONS)('of schema %i has everything after the present version has opened it', (schema) => {
    const before = makeOldDatabase(directory, schema);
    expect(before.size).toBeGreaterThan(2);
    openDatabase(directory, 'full').close();
    const db = new Database(file, { readonly: true });
    expect(db.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    const kept = [...before].filter(([table]) => !DROPPED.has(table));
    expect(tablesOf(db)).toEqual(expect.arrayContaining(kept.map(([table]) => table)));
    expect(tablesOf(db).filter((table) => DROPPED.has(table))).toEqual([]);
    for (const [table, rows] of kept) {
      // Columns may have come since.
      expect(rowsOf(db, table), table).toEqual(rows.map((row) => expect.objectContaining(row)));
    }
    expect(checkDatabase(db, file)).toMatchObject({ problems: [], schema: MIGRATIONS.length });
    db.close();
  });

  it.each(VERSIONS)('of schema %i is understood by the present store', (schema) => {
    const before = makeOldDatabase(directory, schema);
    const driver = new SqliteDriver(directory, 'normal');
    const ask: Ask = (operation, ...args) => driver.run(operation, args);
    for (const [table, [question, answer]] of Object.entries(ANSWERS))
      if (before.has(table)) expect(question(ask), table).toEqual(answer);
    // And it goes on from there.
    driver.begin();
    expect(ask('account_insert', 'localhost', 'romeo', DETAILS, 1)).toBe('ok');
    driver.commit();
    driver.close();
    const again = new SqliteDriver(directory, 'normal');
    expect(again.run('account_count', ['localhost'])).toBe(2);
    again.close();
  });

  it('that stops half-way through a migration is as it was before it', () => {
    makeOldDatabase(directory, 2);
    const db = new Database(file);
    const broken = [
      ...MIGRATIONS.slice(0, 3),
      'CREATE TABLE half (a INTEGER); INSERT INTO nowhere VALUES (1);',
    ];
    expect(() => migrate(db, broken)).toThrow('nowhere');
    expect(db.pragma('user_version', { simple: true })).toBe(3);
    expect(tablesOf(db)).not.toContain('half');
    db.close();
    openDatabase(directory, 'full').close();
  });

  it('of a newer version is refused, and not touched', () => {
    openDatabase(directory, 'full').close();
    const db = new Database(file);
    db.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    db.pragma('journal_mode = DELETE');
    db.close();
    const bytes = readFileSync(file);
    expect(() => openDatabase(directory, 'full')).toThrow(NewerSchemaError);
    expect(() => openDatabase(directory, 'full')).toThrow(`has schema ${MIGRATIONS.length + 1}`);
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });
});
