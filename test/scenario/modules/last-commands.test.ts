import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askAdmin } from '../../helpers/admin.ts';
import { TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { eventually } from '../../helpers/process.ts';
import { TestServer } from '../../helpers/server.ts';
import { LAB, loginOn, nobodyThere, presence } from './support.ts';

/** mod_last: what an administrator asks and says about when users were there. */

const USERS = ['romeo', 'juliet', 'nurse', 'paris', 'tybalt'];
const DAY_US = 86_400e6;

describe('last activity for administrators', () => {
  let server: TestServer;
  let romeo: TestClient;
  const ask = (command: string, args: Record<string, unknown>): Promise<unknown> =>
    askAdmin(server, `last_${command}`, args);

  beforeAll(async () => {
    server = await TestServer.start({
      shards: 2,
      users: USERS,
      hosts: ['localhost', 'verona.example', 'mantua.example'],
      toml: `[modules.mod_presence]
[modules.mod_last]
${LAB}
[[host_config]]
  host = "mantua.example"
  [host_config.modules.mod_presence]`,
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  });

  afterAll(() => server.stop());

  function database<T>(work: (db: Database.Database) => T): T {
    const db = new Database(join(server.directory, 'data', 'meerkat.db'));
    try {
      return work(db);
    } finally {
      db.close();
    }
  }

  /** What is kept of a user's last activity. */
  function row(username: string): unknown {
    return database(
      (db) => db.prepare('SELECT timestamp, status FROM last WHERE username = ?').get(username) ?? null,
    );
  }

  beforeEach(() => database((db) => db.exec('DELETE FROM last')));

  it('is told of who has left, and of who is there', async () => {
    const juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    expect(await ask('get', { jid: 'juliet@localhost' })).toEqual({
      jid: 'juliet@localhost',
      isOnline: true,
      timestamp: null,
      status: '',
    });
    const before = Date.now();
    juliet.send("<presence type='unavailable'><status>Good night</status></presence>");
    // The client hears of it itself.
    expect((await presence(juliet)).attribute('type')).toBe('unavailable');
    await juliet.close();
    await nobodyThere(romeo, 'juliet@localhost');
    await eventually(() => row('juliet') !== null, 'the time is noted');
    const last = (await ask('get', { jid: 'Juliet@localhost/x' })) as { timestamp: string };
    expect(last).toEqual({
      jid: 'juliet@localhost',
      isOnline: false,
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      status: 'Good night',
    });
    expect(Date.parse(last.timestamp)).toBeGreaterThanOrEqual(before - 1);
    expect(await ask('get', { jid: 'nurse@localhost' })).toEqual({ error: 'nothing_stored' });
  });

  it('is set to an earlier time, too, and clients are told that', async () => {
    expect(await ask('set', { jid: 'nurse@localhost', status: 'Asleep' })).toMatchObject({
      status: 'Asleep',
    });
    const set = { jid: 'nurse@localhost', timestamp: '2020-05-01T12:00:00.5Z', status: 'Away' };
    const done = { ...set, timestamp: '2020-05-01T12:00:00.500Z' };
    expect(await ask('set', set)).toEqual(done);
    expect(await ask('get', { jid: 'nurse@localhost' })).toEqual({ ...done, isOnline: false });
    const own = await loginOn(server, 'nurse@localhost/x', 'other', romeo);
    await own.close();
    await nobodyThere(romeo, 'nurse@localhost');
    // What the session left counts again: it is later.
    await eventually(() => (row('nurse') as { status: string }).status === '', 'the time is noted');
    await ask('set', { jid: 'nurse@localhost', timestamp: '2020-05-01', status: '' });
    expect(row('nurse')).toEqual({ timestamp: Date.UTC(2020, 4, 1) * 1_000, status: '' });
  });

  it('counts who is there, or was since a time', async () => {
    await ask('set', { jid: 'nurse@localhost', timestamp: '2026-01-10', status: '' });
    await ask('set', { jid: 'paris@localhost', timestamp: '2026-01-20', status: '' });
    const count = async (since: string, more = {}): Promise<unknown> =>
      await ask('active', { domain: 'localhost', since, ...more });
    // Romeo is connected.
    expect(await count('2026-01-20T00:00:00Z')).toEqual({ count: 2, next: null });
    expect(await count('2026-01-20T00:00:01Z')).toEqual({ count: 1, next: null });
    expect(await count('2026-01-10T01:00:00+01:00')).toEqual({ count: 3, next: null });
    expect(await count('2026-01-10', { limit: 2 })).toEqual({ count: 1, next: 'nurse' });
    expect(await count('2026-01-10', { limit: 2, after: 'nurse' })).toEqual({ count: 2, next: 'romeo' });
    expect(await count('2026-01-10', { limit: 2, after: 'romeo' })).toEqual({ count: 0, next: null });
    expect(await ask('active', { domain: 'verona.example', since: '2026-01-01' })).toEqual({
      count: 0,
      next: null,
    });
  });

  it('lists who has not been there: neither those who are there, nor who was not known yet', async () => {
    expect(await askAdmin(server, 'user_add', { jid: 'rosaline@localhost', password: 'secret' })).toBe(
      'rosaline@localhost',
    );
    await ask('set', { jid: 'nurse@localhost', timestamp: '2026-01-10', status: '' });
    await ask('set', { jid: 'paris@localhost', timestamp: '2026-01-20', status: '' });
    const old = [
      { jid: 'juliet@localhost', timestamp: null },
      { jid: 'nurse@localhost', timestamp: '2026-01-10T00:00:00.000Z' },
      { jid: 'tybalt@localhost', timestamp: null },
    ];
    const list = (more = {}) => ask('old', { domain: 'localhost', before: '2026-01-20', ...more });
    expect(await list()).toEqual({ users: old, next: null });
    expect(await list({ limit: 2 })).toEqual({ users: old.slice(0, 2), next: 'nurse' });
    expect(await list({ limit: 2, after: 'nurse' })).toEqual({ users: [], next: 'romeo' });
    expect(await list({ limit: 2, after: 'romeo' })).toEqual({ users: old.slice(2), next: null });
  });

  it('sees users, too, whom no authentication method lists', async () => {
    database((db) =>
      db
        .prepare(
          "INSERT INTO last (server, username, timestamp, status) VALUES ('localhost', 'abram', ?, '')",
        )
        .run(DAY_US),
    );
    const { users } = (await ask('old', { domain: 'localhost', before: '1971-01-01' })) as {
      users: unknown[];
    };
    expect(users[0]).toEqual({ jid: 'abram@localhost', timestamp: '1970-01-02T00:00:00.000Z' });
  });

  it('removes the accounts of those users, and no others', async () => {
    await ask('set', { jid: 'juliet@localhost', timestamp: '2026-02-01', status: '' });
    await ask('set', { jid: 'nurse@localhost', timestamp: '2020-01-10', status: 'kept' });
    await ask('set', { jid: 'romeo@localhost', timestamp: '2020-01-10', status: '' });
    const args = { domain: 'localhost', before: '2026-01-20' };
    expect(await ask('remove_old', { ...args, limit: 3 })).toEqual({
      removed: ['nurse@localhost', 'paris@localhost'],
      next: 'paris',
    });
    expect(row('nurse')).toBe(null);
    expect(await ask('remove_old', { ...args, after: 'paris' })).toEqual({
      removed: ['tybalt@localhost'],
      next: null,
    });
    expect(await askAdmin(server, 'user_list', { domain: 'localhost' })).toEqual([
      'juliet@localhost',
      'romeo@localhost',
      'rosaline@localhost',
    ]);
    expect(await ask('get', { jid: 'nurse@localhost' })).toEqual({ error: 'user_unknown' });
    await romeo.nothingElse();
  });

  it.each([
    ['get', { jid: 'nobody@localhost' }, 'user_unknown'],
    ['get', { jid: 'localhost' }, 'invalid_jid'],
    ['get', {}, 'bad_request'],
    ['get', { jid: 'romeo@elsewhere.example' }, 'domain_unknown'],
    ['get', { jid: 'romeo@mantua.example' }, 'module_not_loaded'],
    ['set', { jid: 'nobody@localhost' }, 'user_unknown'],
    ['set', { jid: 'romeo@localhost', timestamp: '2999-01-01' }, 'bad_request'],
    ['set', { jid: 'romeo@localhost', timestamp: 'yesterday' }, 'bad_request'],
    ['set', { jid: 'romeo@localhost', timestamp: '2026-02-30T00:00:00Z' }, 'bad_request'],
    ['set', { jid: 'romeo@localhost', timestamp: '1969-12-31' }, 'bad_request'],
    ['set', { jid: 'romeo@localhost', timestamp: '2026-01-01T00:00:00' }, 'bad_request'],
    ['set', { jid: 'romeo@localhost', timestamp: 5 }, 'bad_request'],
    ['set', { jid: 'romeo@localhost', status: 'x'.repeat(1_025) }, 'bad_request'],
    ['set', { jid: 'romeo@localhost', status: '\ud800' }, 'bad_request'],
    ['set', { jid: 'romeo@localhost', status: 5 }, 'bad_request'],
    ['active', { domain: 'localhost' }, 'bad_request'],
    ['active', { domain: 'localhost', since: '' }, 'bad_request'],
    ['active', { domain: 'elsewhere.example', since: '2026-01-01' }, 'domain_unknown'],
    ['active', { domain: 'mantua.example', since: '2026-01-01' }, 'module_not_loaded'],
    ['active', { domain: '__proto__', since: '2026-01-01' }, 'domain_unknown'],
    ['old', { domain: 'localhost', before: '2026-01-01', limit: -1 }, 'bad_request'],
    ['old', { domain: 'localhost', before: '2026-01-01', limit: '1' }, 'bad_request'],
    ['old', { domain: 'localhost', before: '2026-01-01', after: 'x'.repeat(1_024) }, 'bad_request'],
    ['remove_old', { domain: 'localhost' }, 'bad_request'],
    ['remove_old', { domain: 'mantua.example', before: '2026-01-01' }, 'module_not_loaded'],
  ])('refuses %s %j with %s', async (command, args, code) => {
    expect(await ask(command, args)).toEqual({ error: code });
  });

  it('is the command `meerkat last`', async () => {
    const run = async (...args: string[]): Promise<string> => {
      const { status, stdout, stderr } = await meerkat(['--config', server.configFile, 'last', ...args]);
      return `${status} ${stdout}${stderr}`.trim();
    };
    expect(await run('set', 'juliet@localhost', 'Out\u001b[31m', '--at', '2020-01-01')).toBe(
      '0 juliet@localhost last seen 2020-01-01T00:00:00.000Z',
    );
    expect(await run('get', 'juliet@localhost')).toMatch(
      /^0 juliet@localhost +offline +2020-01-01T00:00:00.000Z +Out\\u001b\[31m$/,
    );
    expect(await run('get', 'romeo@localhost')).toMatch(/^0 romeo@localhost +online +never seen leaving$/);
    expect(JSON.parse((await run('get', 'juliet@localhost', '--json')).slice(2))).toMatchObject({
      isOnline: false,
      status: 'Out\u001b[31m',
    });
    expect(await run('active', 'localhost', '--since', '2025-01-01')).toBe('0 1');
    expect(await run('active', 'localhost', '--since', '2025-01-01', '--json')).toBe(
      '0 {"domain":"localhost","count":1}',
    );
    expect(await run('old', 'localhost', '--before', '2025-01-01')).toMatch(
      /^0 juliet@localhost +2020-01-01T00:00:00.000Z$/,
    );
    expect(await run('remove-old', 'localhost', '--before', '2025-01-01')).toMatch(/^2 .*--yes.*\[usage\]$/);
    expect(await run('remove-old', 'localhost', '--before', '2025-01-01', '--yes')).toBe(
      '0 juliet@localhost removed',
    );
    expect(await run('old', 'localhost', '--before', '2025-01-01', '--json')).toBe('0 []');
    expect(await run('get', 'juliet@localhost')).toMatch(/^1 .*\[user_unknown\]$/);
    expect(await run('old', 'localhost')).toMatch(/^2 /);
  });
});
