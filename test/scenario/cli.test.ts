import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { meerkat, type Result, type RunOptions } from '../helpers/meerkat.ts';
import { TestServer } from '../helpers/server.ts';

/** The `meerkat` command against a real server on two shards. */

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ shards: 2, users: ['romeo', 'juliet', 'nurse'] });
});

afterAll(async () => {
  await server.stop();
});

/** Runs a command for that server. */
function run(args: readonly string[], options?: RunOptions): Promise<Result> {
  return meerkat(['--config', server.configFile, ...args], options);
}

async function json(args: readonly string[], options?: RunOptions): Promise<unknown> {
  const { stdout } = await run([...args, '--json'], options);
  return JSON.parse(stdout);
}

async function loginError(jid: string, password: string): Promise<string | undefined> {
  try {
    const client = await TestClient.login(server.port(), jid, { password });
    await client.close();
    return undefined;
  } catch (cause) {
    return (cause as Error).message;
  }
}

describe('accounts', () => {
  it('adds an account that can log in at once', async () => {
    expect(await run(['user', 'add', 'Tybalt@localhost', 'prince of cats'])).toMatchObject({
      status: 0,
      stdout: 'tybalt@localhost added\n',
    });
    expect(await loginError('tybalt@localhost/rapier', 'prince of cats')).toBeUndefined();
  });

  it('takes the password from standard input, for - and for nothing', async () => {
    expect((await run(['user', 'add', 'paris@localhost', '-'], { input: 'count\nrest\n' })).status).toBe(0);
    expect(await loginError('paris@localhost/x', 'count')).toBeUndefined();
    expect((await run(['user', 'passwd', 'paris@localhost'], { input: 'duke\r\n' })).status).toBe(0);
    expect(await loginError('paris@localhost/x', 'count')).toContain('not-authorized');
    expect(await loginError('paris@localhost/x', 'duke')).toBeUndefined();
  });

  it('refuses an account that exists, with a stable code on both kinds of output', async () => {
    const words = await run(['user', 'add', 'romeo@localhost', 'x']);
    expect(words).toEqual({
      status: 1,
      stdout: '',
      stderr: 'meerkat: romeo@localhost exists already [user_exists]\n',
    });
    expect(await json(['user', 'add', 'romeo@localhost', 'x'])).toEqual({
      error: { code: 'user_exists', message: 'romeo@localhost exists already' },
    });
  });

  it.each([
    ['no address', ['user', 'add', '@', 'x'], 'invalid_jid'],
    ['an address without a user', ['user', 'add', 'localhost', 'x'], 'invalid_jid'],
    ['a foreign domain', ['user', 'add', 'romeo@verona.example', 'x'], 'domain_unknown'],
    ['an unknown account', ['user', 'passwd', 'nobody@localhost', 'x'], 'user_unknown'],
    ['an unknown account to delete', ['user', 'delete', 'nobody@localhost'], 'user_unknown'],
    ['an empty password', ['user', 'add', 'x@localhost', ''], 'password_refused'],
    ['no password at all', ['user', 'add', 'x@localhost'], 'password_missing'],
    ['users of a foreign domain', ['user', 'list', 'verona.example'], 'domain_unknown'],
  ])('refuses %s', async (_what, args, code) => {
    const { status, stdout } = await run([...args, '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code } });
  });

  it('says by its exit status whether an account exists', async () => {
    expect(await run(['user', 'exists', 'romeo@localhost'])).toMatchObject({ status: 0 });
    expect(await run(['user', 'exists', 'nobody@localhost'])).toMatchObject({ status: 1 });
    expect(await json(['user', 'exists', 'romeo@localhost'])).toEqual({
      jid: 'romeo@localhost',
      exists: true,
    });
  });

  it('lists accounts in order, of one domain or of all', async () => {
    const all = (await json(['user', 'list'])) as string[];
    expect(all).toEqual([...all].sort());
    expect(all).toContain('juliet@localhost');
    const { stdout } = await run(['user', 'list', 'localhost']);
    expect(stdout.trim().split('\n')).toEqual(all);
  });

  it('deletes an account, its sessions and its messages', async () => {
    await run(['user', 'add', 'mercutio@localhost', 'queen mab']);
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    romeo.send("<message to='mercutio@localhost' type='chat'><body>Peace!</body></message>");
    await romeo.nothingElse();
    const mercutio = await TestClient.login(server.port(), 'mercutio@localhost/street', {
      password: 'queen mab',
      isAvailable: false,
    });
    expect((await run(['user', 'delete', 'mercutio@localhost'])).status).toBe(0);
    expect(await mercutio.streamError()).toBe('conflict');
    expect(await loginError('mercutio@localhost/street', 'queen mab')).toContain('not-authorized');
    await run(['user', 'add', 'mercutio@localhost', 'queen mab']);
    const again = await TestClient.login(server.port(), 'mercutio@localhost/street', {
      password: 'queen mab',
    });
    await again.nothingElse();
    await again.close();
    await romeo.close();
  });
});

describe('sessions', () => {
  it('lists who is connected, on all shards, and ends sessions', async () => {
    const balcony = await TestClient.login(server.port(), 'juliet@localhost/balcony', { priority: 5 });
    const chamber = await TestClient.login(server.port(), 'juliet@localhost/chamber', { isAvailable: false });
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');

    const sessions = (await json(['session', 'list'])) as Record<string, unknown>[];
    expect(sessions.map(({ jid }) => jid)).toEqual([
      'juliet@localhost/balcony',
      'juliet@localhost/chamber',
      'nurse@localhost/hall',
    ]);
    expect(new Set(sessions.map(({ shard }) => shard))).toEqual(new Set([0, 1]));
    expect(sessions[0]).toMatchObject({ priority: 5, isEncrypted: false, address: '127.0.0.1' });
    expect(sessions[1]).toMatchObject({ priority: null });
    const own = (await json(['session', 'list', 'juliet@localhost'])) as unknown[];
    expect(own).toHaveLength(2);
    const { stdout } = await run(['session', 'list', '--domain', 'localhost']);
    expect(stdout).toMatch(/^juliet@localhost\/balcony +priority 5 +127\.0\.0\.1 port \d+ +plain +shard \d/m);

    expect(await json(['session', 'kick', 'juliet@localhost/chamber', 'Out!'])).toEqual({ ended: 1 });
    expect(await chamber.streamError()).toBe('conflict');
    expect((await run(['session', 'kick', 'juliet@localhost'])).stdout).toBe('1 session ended\n');
    expect(await balcony.streamError()).toBe('conflict');
    expect(await run(['session', 'kick', 'juliet@localhost', '--json'])).toMatchObject({ status: 1 });
    await nurse.nothingElse();
    await nurse.close();
  });

  it('says so when nobody is connected', async () => {
    expect((await run(['session', 'list', 'paris@localhost'])).stdout).toBe('nobody is connected\n');
  });
});

describe('statistics', () => {
  it('count what went through, and fit on a screen', async () => {
    const before = (await json(['stats'])) as Stats;
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
    for (let i = 0; i < 3; i++)
      romeo.send("<message to='nurse@localhost' type='chat'><body>x</body></message>");
    for (let i = 0; i < 3; i++) await nurse.message();
    romeo.send("<message to='nobody@localhost' type='chat'><body>x</body></message>");
    await romeo.message();
    const after = (await json(['stats'])) as Stats;
    expect(after.sessions).toBe(2);
    expect(after.stanzas.received.message - before.stanzas.received.message).toBe(4);
    expect(after.routed.bounced.message - before.routed.bounced.message).toBe(1);
    expect(after.logins.success - before.logins.success).toBe(2);
    expect(after.store.isReady).toBe(true);
    const { stdout } = await run(['stats']);
    expect(stdout).toMatch(/^sessions +2 of at most/m);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(130);
    await romeo.close();
    await nurse.close();
  });
});

interface Stats {
  readonly sessions: number;
  readonly stanzas: { readonly received: { readonly message: number } };
  readonly routed: { readonly bounced: { readonly message: number } };
  readonly logins: { readonly success: number };
  readonly store: { readonly isReady: boolean };
}

describe('the command line', () => {
  it.each([
    ['an unknown command', ['frobnicate']],
    ['an unknown option', ['stats', '--frobnicate']],
    ['a missing argument', ['user', 'add']],
    ['too many arguments', ['user', 'exists', 'a@localhost', 'b@localhost']],
    ['a bad number', ['trace', 'a@localhost', '--for', 'ever']],
    ['no command', []],
    ['half a command', ['user']],
  ])('exits with 2 for %s', async (_what, args) => {
    const { status, stdout, stderr } = await run(args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toBe('');
  });

  it('says on both kinds of output what is wrong with a command line', async () => {
    const { status, stdout, stderr } = await run(['stats', '--frobnicate', '--json']);
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'usage', message: "unknown option '--frobnicate'" },
    });
    expect(stderr).toContain("unknown option '--frobnicate'");
    expect(JSON.parse((await run(['--json'])).stdout)).toEqual({
      error: { code: 'usage', message: 'no command given' },
    });
  });

  it('exits with 3 when there is no server to reach', async () => {
    const { status, stderr } = await meerkat(['stats', '--socket', '/nonexistent/meerkat.sock']);
    expect(status).toBe(3);
    expect(stderr).toContain('[server_unreachable]');
    expect(stderr).toContain('/nonexistent/meerkat.sock');
  });

  it('finds the server by configuration, directory, socket and environment', async () => {
    const data = join(server.directory, 'data');
    const socket = join(data, 'meerkat.sock');
    for (const [args, env] of [
      [['--data', data], {}],
      [['--socket', socket], {}],
      [[], { MEERKAT_CONFIG: server.configFile }],
      [[], { MEERKAT_DATA: data }],
      [[], { MEERKAT_ADMIN_SOCKET: socket }],
    ] as const) {
      expect((await meerkat(['user', 'exists', 'romeo@localhost', ...args], { env })).status).toBe(0);
    }
  });

  it('finds the server although its configuration has become invalid', async () => {
    const file = join(server.directory, 'broken.toml');
    writeFileSync(file, '[general]\n  hosts = 5\n[storage]\n  directory = "./data"\n');
    expect((await meerkat(['--config', file, 'user', 'exists', 'romeo@localhost'])).status).toBe(0);
  });

  it('knows its version and explains itself', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await meerkat(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n` });
    expect((await meerkat(['version', '--json'])).stdout).toContain(`"version":"${version}"`);
    const { status, stdout } = await meerkat(['help']);
    expect(status).toBe(0);
    for (const verb of [
      'start',
      'check-config',
      'user',
      'session',
      'route',
      'trace',
      'stats',
      'backup',
      'reload',
    ])
      expect(stdout).toMatch(new RegExp(`^ {2}${verb}\\b`, 'm'));
    expect(await meerkat(['help', 'user'])).toMatchObject({ status: 0 });
  });
});

describe('check-config', () => {
  it('accepts the configuration of a running server', async () => {
    expect(await run(['check-config'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('valid'),
    });
    expect(await json(['check-config'])).toEqual({ isValid: true, warnings: [] });
  });

  it('tells everything that is wrong, each with its place, and starts nothing', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mk-check-'));
    const file = join(directory, 'meerkat.toml');
    writeFileSync(file, '[general]\n  hosts = ["localhost"]\n  loglevl = "info"\n  shards = 0\n');
    const { status, stderr } = await meerkat(['check-config', '--config', file]);
    expect(status).toBe(1);
    expect(stderr).toContain(`${file}:3:3 general.loglevl: unknown key; did you mean "loglevel"?`);
    expect(stderr).toContain(`${file}:4:3 general.shards:`);
    const { stdout } = await meerkat(['check-config', '--config', file, '--json']);
    const { error } = JSON.parse(stdout) as { error: { code: string; details: { line: number }[] } };
    expect(error.code).toBe('config_invalid');
    expect(error.details.map(({ line }) => line)).toEqual([3, 4]);
    expect(existsSync(join(directory, 'data'))).toBe(false);
    rmSync(directory, { recursive: true });
  });

  it("tells what is wrong with an operator's own module", async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mk-check-'));
    const file = join(directory, 'meerkat.toml');
    writeFileSync(join(directory, 'mod-mine.ts'), 'export default 5;\n');
    writeFileSync(file, '[general]\n  hosts = ["localhost"]\n[modules.mod_mine]\n  path = "./mod-mine.ts"\n');
    const { status, stderr } = await meerkat(['check-config', '--config', file]);
    expect(status).toBe(1);
    expect(stderr).toContain('modules.mod_mine');
    rmSync(directory, { recursive: true });
  });
});
