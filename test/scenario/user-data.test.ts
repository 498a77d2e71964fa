import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { meerkat, type Result } from '../helpers/meerkat.ts';
import { TestServer } from '../helpers/server.ts';
import { messagesUntilNow } from './modules/support.ts';

/** What is stored about users: exported for one of them, removed for a whole domain. */

const GREETER = new URL('../../docs/examples/mod_greeter.ts', import.meta.url).pathname;
const NS_GREETER = 'urn:example:greeter';

/** Cannot export what it has of `nurse`, and removes nothing while a file is there. */
const BROKEN = (file: string): string => `
import { existsSync, readFileSync } from 'node:fs';
import { defineModule, stop, z } from 'meerkat/module';
export default defineModule({
  name: 'mod_broken',
  options: z.strictObject({}),
  setup(context) {
    context.hook('get_personal_data', 60, (data, { jid }) => {
      if (jid.local === 'nurse') throw new Error('torn');
      if (jid.bare !== 'romeo@verona.example') return data;
      return [...data, { name: 'long', columns: ['number'], rows: [['1']], next: '1' }];
    });
    // A table of three rows that takes one page more, and breaks in the end.
    context.hook('get_personal_data_page', 60, (_page, { table, after }) => {
      if (table !== 'long') return undefined;
      if (after === '3') throw new Error('torn');
      return { rows: [[String(Number(after) + 1)]], next: String(Number(after) + 1) };
    });
    context.hook('remove_domain', 60, (removal) => {
      if (!existsSync('${file}')) return undefined;
      if (readFileSync('${file}', 'utf8') === 'throws') throw new Error('torn');
      return stop({ failed: [...removal.failed, context.module] });
    });
  },
});`;

let directory: string;
let server: TestServer;
const obstacle = (): string => join(directory, 'obstacle');

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mk-data-'));
  writeFileSync(join(directory, 'mod_broken.ts'), BROKEN(obstacle()));
  server = await TestServer.start({
    users: ['romeo', 'juliet', 'nurse', 'romeo@verona.example', 'paris@verona.example'],
    config: `
      [general]
        hosts = ["localhost", "verona.example"]
        loglevel = "none"
        shards = 2
      [[listen.c2s]]
        port = 0
        ip_address = "127.0.0.1"
        shaper = "none"
      [storage]
        directory = "./data"
      [modules.mod_presence]
      [modules.mod_offline]
      [modules.mod_greeter]
        path = "${GREETER}"
      [modules.mod_broken]
        path = "${join(directory, 'mod_broken.ts')}"`,
  });
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

beforeEach(() => rmSync(obstacle(), { force: true }));

function run(...args: string[]): Promise<Result> {
  return meerkat(['--config', server.configFile, ...args]);
}

async function json(...args: string[]): Promise<unknown> {
  return JSON.parse((await run(...args, '--json')).stdout);
}

function login(jid: string): Promise<TestClient> {
  return TestClient.login(server.port(), jid, { isAvailable: false });
}

async function choose(client: TestClient, greeting: string): Promise<void> {
  const { domain = '' } = /@(?<domain>[^/]+)/.exec(client.jid)!.groups!;
  const payload = `<greeting xmlns='${NS_GREETER}'>${greeting}</greeting>`;
  expect((await client.iq('set', domain, payload)).attribute('type')).toBe('result');
}

describe('meerkat user export', () => {
  beforeAll(async () => {
    const romeo = await login('romeo@localhost/orchard');
    romeo.send("<message to='juliet@localhost' type='chat' id='e'><body>hello</body></message>");
    await romeo.iq('get', `nobody@localhost`, "<query xmlns='urn:test:nobody'/>");
    await romeo.close();
    const juliet = await login('juliet@localhost/balcony');
    await choose(juliet, 'Good morrow');
    await juliet.close();
  });

  it('gives everything that is stored as tables', async () => {
    const all = (await json('user', 'export', 'Juliet@localhost')) as {
      jid: string;
      tables: { name: string; columns: string[]; rows: string[][] }[];
    };
    expect(all.jid).toBe('juliet@localhost');
    expect(all.tables.map(({ name }) => name).toSorted()).toEqual(['account', 'greeter', 'offline']);
    const tables = new Map(all.tables.map((table) => [table.name, table]));
    expect(tables.get('greeter')).toEqual({
      name: 'greeter',
      columns: ['greeting'],
      rows: [['Good morrow']],
    });
    const [row, ...more] = tables.get('offline')!.rows;
    expect(more).toEqual([]);
    expect(row!.slice(1, 3)).toEqual(['romeo@localhost/orchard', 'juliet@localhost']);
    expect(row![3]).toContain('<body>hello</body>');
  });

  it('shows them in words', async () => {
    const { status, stdout } = await run('user', 'export', 'juliet@localhost');
    expect(status).toBe(0);
    expect(stdout).toContain('greeter (1)\ngreeting\nGood morrow\n');
    expect(stdout).toMatch(/^offline \(1\)\ntimestamp +from +to +packet\n20/m);
  });

  it('ends with an error where a long table cannot be read any further: what was shown is not all', async () => {
    for (const format of [[], ['--json']]) {
      const { status, stdout, stderr } = await run('user', 'export', 'romeo@verona.example', ...format);
      expect(status).toBe(1);
      expect(format.length > 0 ? stdout : stderr).toContain('export_failed');
      if (format.length > 0) expect(() => JSON.parse(stdout) as unknown).toThrow();
    }
  });

  it('says so when there is nothing, or no such account', async () => {
    expect((await json('user', 'export', 'paris@verona.example')) as object).toEqual({
      jid: 'paris@verona.example',
      tables: [
        {
          name: 'account',
          columns: ['jid', 'created'],
          rows: [['paris@verona.example', expect.any(String)]],
        },
        { name: 'offline', columns: ['timestamp', 'from', 'to', 'packet'], rows: [] },
      ],
    });
    for (const [jid, code] of [
      ['nobody@localhost', 'user_unknown'],
      ['romeo@elsewhere.example', 'domain_unknown'],
      ['localhost', 'invalid_jid'],
    ] as const) {
      expect(await json('user', 'export', jid)).toMatchObject({ error: { code } });
    }
  });

  it('gives nothing rather than a part when a module fails', async () => {
    const { status, stdout } = await run('user', 'export', 'nurse@localhost', '--json');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'export_failed' } });
  });
});

describe('meerkat domain remove-data', () => {
  const rows = (sql: string): unknown => {
    const db = new Database(join(server.directory, 'data', 'meerkat.db'), { readonly: true });
    try {
      return db.prepare(sql).pluck().all();
    } finally {
      db.close();
    }
  };
  const accounts = (): unknown => rows("SELECT username || '@' || server FROM users ORDER BY 1");

  it('does nothing without --yes, or for a domain that is none of ours', async () => {
    const { status, stderr } = await run('domain', 'remove-data', 'verona.example');
    expect(status).toBe(2);
    expect(stderr).toContain('--yes');
    const answer = await json('domain', 'remove-data', 'elsewhere.example', '--yes');
    expect(answer).toMatchObject({ error: { code: 'domain_unknown' } });
    expect(accounts()).toContain('paris@verona.example');
  });

  it('says what failed, and may be tried again', async () => {
    for (const how of ['says so', 'throws']) {
      writeFileSync(obstacle(), how);
      const { status, stderr } = await run('domain', 'remove-data', 'verona.example', '--yes');
      expect(status).toBe(1);
      expect(stderr).toContain('[removal_failed]');
      expect(stderr).toContain(how === 'throws' ? 'a handler that failed' : 'mod_broken');
    }
    rmSync(obstacle());
    expect((await run('domain', 'remove-data', 'verona.example', '--yes')).status).toBe(0);
  });

  it('removes accounts, messages and values, ends the sessions on all shards, and leaves other domains alone', async () => {
    for (const user of ['romeo', 'paris', 'tybalt']) {
      expect((await run('user', 'add', `${user}@verona.example`, 'secret')).status).toBe(0);
    }
    const others = await Promise.all(['a', 'b'].map((name) => login(`romeo@localhost/${name}`)));
    const theirs = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => login(`romeo@verona.example/${name}`)),
    );
    await choose(theirs[0]!, 'Ay me');
    await choose(others[0]!, 'Good pilgrim');
    const message = (to: string): string => `<message to='${to}' type='chat'><body>x</body></message>`;
    others[0]!.send(message('paris@verona.example') + message('juliet@localhost'));
    await others[0]!.iq('get', 'nobody@localhost', "<query xmlns='urn:test:nobody'/>");

    const { status, stdout } = await run('domain', 'remove-data', 'Verona.example', '--yes');
    expect([status, stdout]).toEqual([0, 'all data of verona.example removed\n']);
    for (const client of theirs) expect(await client.streamError()).toBe('conflict');
    for (const client of others) expect(await messagesUntilNow(client)).toEqual([]);
    expect(accounts()).toEqual(['juliet@localhost', 'nurse@localhost', 'romeo@localhost']);
    expect(rows('SELECT DISTINCT server FROM offline_message')).toEqual(['localhost']);
    expect(rows("SELECT scope FROM module_value WHERE scope LIKE '%romeo@%'")).toEqual(['romeo@localhost']);
    // Nobody takes them for accounts any more, on no shard.
    for (const [i, client] of others.entries()) {
      client.send(`<message to='paris@verona.example' type='chat' id='late${i}'><body>x</body></message>`);
      expect((await client.message()).attribute('type')).toBe('error');
    }
    expect(rows("SELECT count(*) FROM offline_message WHERE server = 'verona.example'")).toEqual([0]);
    // The domain itself stays.
    expect((await run('user', 'add', 'paris@verona.example', 'secret')).status).toBe(0);
    const paris = await login('paris@verona.example/x');
    await Promise.all([...others, paris].map((client) => client.close()));
  });

  it('works while no server runs', async () => {
    server.signal('SIGTERM');
    await server.exited();
    const all = (await json('user', 'export', 'juliet@localhost')) as { tables: { name: string }[] };
    expect(all.tables.map(({ name }) => name)).toContain('greeter');
    expect((await run('domain', 'remove-data', 'verona.example', '--yes')).status).toBe(0);
    expect(accounts()).toEqual(['juliet@localhost', 'nurse@localhost', 'romeo@localhost']);
    await server.launch();
  });
});
