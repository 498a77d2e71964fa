import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AdminError } from '../../../src/admin/errors.ts';
import { withSoundFiles } from '../../../src/cli/storage-files.ts';
import { copyDatabase } from '../../../src/store/sqlite/backup.ts';
import { DATABASE_FILE } from '../../../src/store/sqlite/database.ts';
import { MIGRATIONS } from '../../../src/store/sqlite/migrations.ts';
import { makeOldDatabase } from '../../helpers/old-databases.ts';

/** Database files that somebody wants to rely on. */

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk-integrity-'));
  makeOldDatabase(directory, MIGRATIONS.length);
  file = join(directory, 'backup.db');
  copyDatabase(directory, file);
});

afterEach(() => rmSync(directory, { recursive: true }));

/** `sound`, or the code of what is wrong with it and what is said about it. */
function check(path: string, isQuick = false): string {
  try {
    return withSoundFiles(path, isQuick, () => 'sound');
  } catch (cause) {
    if (!(cause instanceof AdminError)) throw cause;
    return `${cause.code}: ${cause.message}`;
  }
}

/** Writes over some bytes of the file. */
function overwrite(from: number, to: number): void {
  const bytes = readFileSync(file);
  bytes.fill(0xa5, from, to);
  writeFileSync(file, bytes);
}

describe('a database file', () => {
  it('is sound as a backup leaves it, and as a server does', () => {
    expect(check(file)).toBe('sound');
    expect(check(join(directory, DATABASE_FILE))).toBe('sound');
  });

  it('of an earlier version is sound, and stays what it is', () => {
    const old = mkdtempSync(join(directory, 'old-'));
    makeOldDatabase(old, 1);
    const bytes = readFileSync(join(old, DATABASE_FILE));
    expect(check(join(old, DATABASE_FILE))).toBe('sound');
    expect(readFileSync(join(old, DATABASE_FILE)).equals(bytes)).toBe(true);
  });

  it('of a newer version is named as such', () => {
    const db = new Database(file);
    db.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    db.close();
    expect(check(file)).toMatch(/^storage_newer: .*has schema/);
  });

  it.each([2, 3, 10])('is damaged when something else was written over page %i', (page) => {
    const size = readFileSync(file).readUInt16BE(16);
    overwrite((page - 1) * size, page * size);
    expect(check(file)).toMatch(/^storage_damaged: /);
    expect(check(file, true)).toMatch(/^storage_damaged: /);
  });

  it('is damaged when an index does not lead to its rows, which the quick look does not see', () => {
    const db = new Database(file);
    db.unsafeMode();
    db.pragma('writable_schema = ON');
    db.exec(
      "UPDATE sqlite_schema SET sql = replace(sql, 'timestamp, id)', 'id, timestamp)') WHERE name = 'offline_message_user'",
    );
    db.close();
    expect(check(file)).toMatch(/^storage_damaged: .*offline_message_user/s);
    expect(check(file, true)).toBe('sound');
  });

  it('is damaged when it is cut off', () => {
    writeFileSync(file, readFileSync(file).subarray(0, 20_000));
    expect(check(file)).toMatch(/^storage_damaged: /);
  });

  it('is none when it is text, empty, a directory, or not there', () => {
    for (const text of ['Two households, both alike in dignity', '']) {
      writeFileSync(file, text);
      expect(check(file)).toMatch(/^storage_damaged: .*no database/);
    }
    expect(check(directory)).toMatch(/^storage_damaged: .*no file/);
    expect(check(join(directory, 'none.db'))).toMatch(/^storage_failed: /);
  });

  it('is not ours when another program made it', () => {
    const path = join(directory, 'other.db');
    const db = new Database(path);
    db.exec('CREATE TABLE play (act INTEGER)');
    db.close();
    expect(check(path)).toMatch(/^storage_damaged: .*not of a Meerkat server/s);
  });

  it('is damaged when a row points to one that is not there', () => {
    const db = new Database(file);
    db.pragma('foreign_keys = OFF');
    db.exec(
      'CREATE TABLE child (parent INTEGER REFERENCES parents (id)); CREATE TABLE parents (id INTEGER PRIMARY KEY); INSERT INTO child VALUES (7)',
    );
    db.close();
    expect(check(file)).toMatch(/^storage_damaged: .*row 1 of child points to no row of parents/s);
  });
});
