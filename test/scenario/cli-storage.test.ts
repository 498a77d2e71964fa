import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockDirectory, openReader } from '../../src/store/sqlite/database.ts';
import { TestClient } from '../helpers/client.ts';
import { meerkat, type Result, type RunOptions } from '../helpers/meerkat.ts';
import { TestServer } from '../helpers/server.ts';

/** Accounts and backups while no server runs: the command works on the storage directory itself. */

let directory: string;
let config: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mk-storage-'));
  config = join(directory, 'meerkat.toml');
  writeFileSync(
    config,
    `[general]
  hosts = ["localhost"]
[[listen.c2s]]
  port = 5222
  ip_address = "127.0.0.1"
[modules.mod_presence]
[modules.mod_offline]
`,
  );
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function run(args: readonly string[], options?: RunOptions): Promise<Result> {
  return meerkat(['--config', config, ...args], options);
}

describe('without a server', () => {
  it('accounts come, change and go', async () => {
    expect(await run(['user', 'add', 'romeo@localhost', 'secret'])).toMatchObject({ status: 0 });
    expect(await run(['user', 'add', 'romeo@localhost', 'secret', '--json'])).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('"user_exists"'),
    });
    expect(await run(['user', 'passwd', 'romeo@localhost', '-'], { input: 'other\n' })).toMatchObject({
      status: 0,
    });
    expect(await run(['user', 'list', '--json'])).toMatchObject({ stdout: '["romeo@localhost"]\n' });
    expect(await run(['user', 'delete', 'romeo@localhost'])).toMatchObject({ status: 0 });
    expect(await run(['user', 'exists', 'romeo@localhost'])).toMatchObject({ status: 1 });
  });

  it('keeps to itself what it writes', async () => {
    await run(['user', 'add', 'romeo@localhost', 'secret']);
    expect(statSync(join(directory, 'data')).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, 'data', 'meerkat.db')).mode & 0o777).toBe(0o600);
  });

  it('is told to name the storage, rather than to make one by mistake', async () => {
    const { status, stderr } = await meerkat(['user', 'add', 'romeo@localhost', 'secret'], {
      cwd: directory,
    });
    expect(status).toBe(3);
    expect(stderr).toContain('[server_unreachable]');
  });

  it('keeps out of a storage directory that somebody uses', async () => {
    const lock = lockDirectory(join(directory, 'data'));
    const { status, stderr } = await run(['user', 'add', 'romeo@localhost', 'secret']);
    lock.release();
    expect(status).toBe(1);
    expect(stderr).toContain('[storage_in_use]');
  });

  it('copies the database', async () => {
    await run(['user', 'add', 'romeo@localhost', 'secret']);
    const file = join(directory, 'copy', 'meerkat.db');
    expect(await run(['backup', file])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('[backup_failed]'),
    });
    expect(await run(['backup', join(directory, 'copy.db')])).toMatchObject({ status: 0 });
    expect(statSync(join(directory, 'copy.db')).mode & 0o777).toBe(0o600);
  });
});

describe('an account made without a server', () => {
  it('logs in when the server runs, and one deleted has nothing left', async () => {
    const server = await TestServer.start({ shards: 2, users: ['juliet'] });
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    await juliet.close();
    const ended = server.exited();
    server.signal('SIGTERM');
    await ended;
    const own = ['--config', server.configFile];
    expect((await meerkat([...own, 'user', 'add', 'romeo@localhost', 'secret'])).status).toBe(0);

    await server.launch();
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    romeo.send("<message to='juliet@localhost' type='chat'><body>Lost</body></message>");
    await romeo.nothingElse();
    await romeo.close();
    // The message is stored once this was answered: requests to the store keep their order.
    expect((await meerkat([...own, 'user', 'exists', 'juliet@localhost'])).status).toBe(0);
    const ended2 = server.exited();
    server.signal('SIGTERM');
    await ended2;

    const reader = openReader(join(server.directory, 'data'));
    const count = (): unknown => reader.prepare('SELECT count(*) FROM offline_message').pluck().get();
    expect(count()).toBe(1);
    expect((await meerkat([...own, 'user', 'delete', 'juliet@localhost'])).status).toBe(0);
    expect(count()).toBe(0);
    reader.close();
    await server.launch();
    await server.stop();
  });
});
