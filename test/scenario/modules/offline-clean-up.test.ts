import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DATABASE_FILE } from '../../../src/store/sqlite/database.ts';
import { TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';

/** An administrator deletes messages that are stored for absent users. */

const DAY_US = 86_400_000_000;

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    hosts: ['localhost', 'other.example'],
    users: ['romeo@localhost', 'juliet@localhost', 'nurse@localhost', 'paris@other.example'],
    toml: '[modules.mod_presence]\n[modules.mod_offline]\n',
  });
  const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  for (const to of ['juliet@localhost', 'nurse@localhost', 'paris@other.example']) {
    const send = (body: string, more = ''): void =>
      romeo.send(`<message to='${to}' type='chat'><body>${body}</body>${more}</message>`);
    send('old');
    send('expired', "<x xmlns='jabber:x:expire' seconds='3600'/>");
    send('new');
  }
  await romeo.nothingElse();
  await romeo.close();
  const db = new Database(join(server.directory, 'data', DATABASE_FILE), { timeout: 10_000 });
  const long = Date.now() * 1_000 - 3 * DAY_US;
  const age = db.prepare(
    `UPDATE offline_message SET timestamp = ${long} WHERE CAST(packet AS TEXT) LIKE '%<body>old%'`,
  );
  expect(age.run().changes).toBe(3);
  expect(db.prepare('UPDATE offline_message SET expire = 1 WHERE expire IS NOT NULL').run().changes).toBe(3);
  db.close();
});

afterAll(() => server.stop());

async function run(...args: string[]): Promise<[status: unknown, answer: unknown]> {
  const { status, stdout } = await meerkat(['--config', server.configFile, '--json', 'offline', ...args]);
  return [status, JSON.parse(stdout)];
}

it('those that have expired, of a domain or of all', async () => {
  expect(await run('delete-expired', 'localhost')).toEqual([0, { removed: 2 }]);
  expect(await run('delete-expired', '--all')).toEqual([0, { removed: 1 }]);
  expect(await run('delete-expired', '--all')).toEqual([0, { removed: 0 }]);
});

it('those that are older than so many days', async () => {
  expect(await run('delete-old', 'localhost', '--days', '4')).toEqual([0, { removed: 0 }]);
  expect(await run('delete-old', 'localhost', '--days', '2')).toEqual([0, { removed: 2 }]);
  expect(await run('delete-old', '--all', '--days', '2')).toEqual([0, { removed: 1 }]);
});

it('and is told what is wrong', async () => {
  const code = async (...args: string[]): Promise<string> => {
    const [status, answer] = await run(...args);
    expect(status).not.toBe(0);
    return (answer as { error: { code: string } }).error.code;
  };
  expect(await code('delete-expired')).toBe('usage');
  expect(await code('delete-expired', 'localhost', '--all')).toBe('usage');
  expect(await code('delete-old', 'localhost', '--days', 'x')).toBe('usage');
  expect(await code('delete-old', 'localhost', '--days', '99999')).toBe('bad_request');
  expect(await code('delete-expired', 'nowhere.example')).toBe('domain_unknown');
});

it('what is left comes', async () => {
  const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  expect((await juliet.message()).childText('body')).toBe('new');
  await juliet.nothingElse();
  await juliet.close();
});
