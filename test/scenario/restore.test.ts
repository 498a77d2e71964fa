import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { copyDatabase } from '../../src/store/sqlite/backup.ts';
import {
  DATABASE_FILE,
  lockDirectory,
  openDatabase,
  RESTORING_FILE,
} from '../../src/store/sqlite/database.ts';
import { MIGRATIONS } from '../../src/store/sqlite/migrations.ts';
import { MeerkatRun, meerkat, type Result } from '../helpers/meerkat.ts';
import { makeOldDatabase } from '../helpers/old-databases.ts';

/** Backups that are put back, databases that are looked at, and what is left when either is cut off. */

// Each starts several processes.
vi.setConfig({ testTimeout: 120_000 });

let directory: string;
let data: string;
let config: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk-restore-'));
  data = join(directory, 'data');
  config = join(directory, 'meerkat.toml');
  writeFileSync(
    config,
    '[general]\n  hosts = ["localhost"]\n[[listen.c2s]]\n  port = 0\n  ip_address = "127.0.0.1"\n[modules.mod_offline]\n',
  );
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const run = (...args: readonly string[]): Promise<Result> => meerkat(['--config', config, ...args]);

/** Adds an account to the database of a directory, as a server would have left it. */
function addUser(where: string, user: string): void {
  const db = openDatabase(where, 'full');
  db.prepare("INSERT INTO users VALUES ('localhost', ?, 'x', 1)").run(user);
  db.close();
}

/** Who has an account in the storage directory, as its file says. */
function users(): string[] {
  const db = new Database(join(data, DATABASE_FILE), { readonly: true });
  const names = db.prepare('SELECT username FROM users').pluck().all() as string[];
  db.close();
  return names;
}

/** A backup with this user in it. */
function backupOf(user: string): string {
  const own = join(directory, user);
  addUser(own, user);
  const file = join(directory, `${user}.db`);
  copyDatabase(own, file);
  return file;
}

describe('meerkat restore', () => {
  it('puts a backup into an empty directory, where a server goes on from it', async () => {
    const file = backupOf('romeo');
    const { status, stdout } = await run('--json', 'restore', file);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ directory: data, schema: MIGRATIONS.length, replaced: null });
    expect(statSync(join(data, DATABASE_FILE)).mode & 0o777).toBe(0o600);
    // Through the server, which brings it up.
    expect((await run('user', 'list')).stdout).toBe('romeo@localhost\n');
  });

  it('replaces a database only when told to, and keeps what was there', async () => {
    const file = backupOf('romeo');
    addUser(data, 'juliet');
    const refused = await run('restore', file);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('[file_exists]');
    expect(users()).toEqual(['juliet']);
    const { stdout } = await run('--json', 'restore', file, '--force');
    const { replaced } = JSON.parse(stdout) as { replaced: string };
    expect(users()).toEqual(['romeo']);
    // It can be put back in turn.
    expect((await run('restore', join(replaced, DATABASE_FILE), '--force')).status).toBe(0);
    expect(users()).toEqual(['juliet']);
  });

  it('leaves the log of the old database behind, which belongs to other pages', async () => {
    const file = backupOf('romeo');
    const db = openDatabase(data, 'full');
    db.exec("INSERT INTO users VALUES ('localhost', 'ghost', 'x', 1)");
    // A crash leaves the log; so it is here while the database is open.
    const lock = existsSync(join(data, `${DATABASE_FILE}-wal`));
    expect(lock).toBe(true);
    const { status } = await run('restore', file, '--force');
    expect(status).toBe(0);
    db.close();
    expect(existsSync(join(data, `${DATABASE_FILE}-wal`))).toBe(false);
    expect(users()).toEqual(['romeo']);
  });

  it('keeps out of the directory of a server that runs', async () => {
    const file = backupOf('romeo');
    const lock = lockDirectory(data);
    const { status, stderr } = await run('restore', file);
    lock.release();
    expect(status).toBe(1);
    expect(stderr).toContain('[storage_in_use]');
  });

  it('takes a backup of an earlier version, which the next start brings up to date', async () => {
    const old = mkdtempSync(join(directory, 'old-'));
    makeOldDatabase(old, 1);
    expect((await run('restore', join(old, DATABASE_FILE))).stdout).toContain('schema 1');
    expect((await run('user', 'list')).stdout).toBe('juliet@localhost\n');
  });

  it('must be told where', async () => {
    const { status, stderr } = await meerkat(['restore', backupOf('romeo')], { cwd: directory });
    expect(status).toBe(2);
    expect(stderr).toContain('--config or --data');
    expect(existsSync(data)).toBe(false);
  });
});

describe('what is not sound', () => {
  it('is told by a check, and not restored', async () => {
    const file = backupOf('romeo');
    writeFileSync(file, readFileSync(file).subarray(0, 20_000));
    for (const verb of ['check-storage', 'restore']) {
      const { status, stderr } = await run(verb, file);
      expect(status).toBe(1);
      expect(stderr).toContain('[storage_damaged]');
    }
    expect(existsSync(join(data, DATABASE_FILE))).toBe(false);
  });

  it('is a database of a newer version: neither restored nor started with', async () => {
    const file = backupOf('romeo');
    const db = new Database(file);
    db.pragma(`user_version = ${MIGRATIONS.length + 1}`);
    db.close();
    const { status, stderr } = await run('restore', file);
    expect(status).toBe(1);
    expect(stderr).toContain('[storage_newer]');
    expect(stderr).toContain(
      `has schema ${MIGRATIONS.length + 1}, this version of Meerkat knows ${MIGRATIONS.length}`,
    );
    mkdirSync(data, { recursive: true });
    copyFileSync(file, join(data, DATABASE_FILE));
    const started = await run('start');
    expect(started.status).toBe(1);
    expect(started.stderr).toContain('made by a newer one');
  });
});

describe('meerkat check-storage', () => {
  it('says that the database of a server that does not run is sound', async () => {
    addUser(data, 'juliet');
    const { status, stdout } = await run('--json', 'check-storage');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      problems: [],
      schema: MIGRATIONS.length,
      known: MIGRATIONS.length,
    });
    expect((await run('check-storage', '--quick')).stdout).toContain('sound');
  });

  it('changes nothing: a database of an earlier version stays one', async () => {
    const old = mkdtempSync(join(directory, 'old-'));
    makeOldDatabase(old, 2);
    const file = join(old, DATABASE_FILE);
    const bytes = readFileSync(file);
    expect((await run('check-storage', file)).stdout).toContain(
      `schema 2, which the next start brings to ${MIGRATIONS.length}`,
    );
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  it('keeps out of the directory of a server that runs', async () => {
    addUser(data, 'juliet');
    const lock = lockDirectory(data);
    expect((await run('check-storage')).stderr).toContain('[storage_in_use]');
    lock.release();
  });
});

describe('cut off', () => {
  /** Makes a database large enough that copying it takes a while. */
  function fill(where: string): void {
    const db = openDatabase(where, 'normal');
    db.exec(`INSERT INTO module_value (module, scope, key, value)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
      SELECT 'fill', 'x', i, randomblob(4000) FROM n`);
    db.close();
  }

  /** Runs a command, and kills it as soon as a file with this ending has appeared in a directory. */
  async function killedAt(ending: string, where: string, ...args: readonly string[]): Promise<void> {
    const appeared = new Promise<void>((resolve) => {
      const watcher = watch(where, (_event, name) => {
        if (name?.endsWith(ending) !== true) return;
        watcher.close();
        resolve();
      });
    });
    const killed = new MeerkatRun(['--config', config, ...args]);
    await appeared;
    killed.child.kill('SIGKILL');
    expect((await killed.result()).status).toBe('SIGKILL');
  }

  it('a backup leaves nothing under its name', async () => {
    fill(data);
    const file = join(directory, 'copy.db');
    await killedAt('.part', directory, 'backup', file);
    expect(existsSync(file)).toBe(false);
    expect((await run('backup', file)).status).toBe(0);
    expect((await run('check-storage', file)).status).toBe(0);
  });

  it('a restore leaves the old database, and the next one clears up', async () => {
    const large = join(directory, 'large');
    fill(large);
    addUser(data, 'juliet');
    await killedAt('.part', data, 'restore', join(large, DATABASE_FILE), '--force');
    expect(users()).toEqual(['juliet']);
    expect((await run('restore', backupOf('romeo'), '--force')).status).toBe(0);
    expect(users()).toEqual(['romeo']);
    expect(readdirSync(data).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('a restore that had begun to move files leaves a directory in which no server starts', async () => {
    const file = backupOf('romeo');
    addUser(data, 'juliet');
    // As it is left between two steps: the old database moved away, the new one not there yet.
    writeFileSync(join(data, RESTORING_FILE), '');
    rmSync(join(data, DATABASE_FILE));
    const { status, stderr } = await run('start');
    expect(status).toBe(1);
    expect(stderr).toContain('a restore was cut off');
    expect(existsSync(join(data, DATABASE_FILE))).toBe(false);
    expect((await run('restore', file)).status).toBe(0);
    expect(users()).toEqual(['romeo']);
  });
});
