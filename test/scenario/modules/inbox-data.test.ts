import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import {
  BACKENDS,
  bodies,
  inboxOf,
  NS_CONVERSATION,
  NS_INBOX,
  question,
  say,
  say as sayAtOnce,
  set,
} from './inbox-support.ts';
import { condition, crash, LAB, loginOn } from './support.ts';

/** mod_inbox: inboxes as data that is exported and deleted, and what becomes of them in accidents. */

const MODULES = `
[auth.internal]
[auth.anonymous]
[modules.mod_presence]
[modules.mod_stream_management]
${LAB}`;
const inbox = (backend: string): string => `[modules.mod_inbox]\n  backend = "${backend}"\n`;
const SM = 'urn:xmpp:sm:3';
const USERS = ['romeo', 'juliet', 'nurse', 'paris', 'tybalt'];

describe.each(BACKENDS)('data of inboxes (%s)', (backend) => {
  const INBOX = inbox(backend);
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;
  const run = (...args: string[]) => meerkat(['--config', server.configFile, ...args]);

  async function table(jid: string): Promise<{ columns: string[]; rows: string[][] }> {
    const { stdout } = await run('user', 'export', jid, '--json');
    return JSON.parse(stdout).tables.find(({ name }: { name: string }) => name === 'inbox');
  }

  beforeAll(async () => {
    server = await TestServer.start({ shards: 2, users: USERS, toml: MODULES + INBOX });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
  });

  afterAll(() => server.stop());

  it('are exported, the bin too, and go with the account; who comes after it begins anew', async () => {
    const nurse = await loginOn(server, 'nurse@localhost/x', 'other', romeo);
    await say(romeo, nurse, 'one &amp; two');
    await say(juliet, nurse, 'binned');
    await set(nurse, 'juliet@localhost', '<box>bin</box>');
    const { columns, rows } = await table('nurse@localhost');
    expect(columns).toEqual(['jid', 'content', 'unread_count', 'timestamp']);
    expect(rows.map(([jid, , unread]) => [jid, unread])).toEqual([
      ['romeo@localhost', '1'],
      ['juliet@localhost', '1'],
    ]);
    expect(rows[0]![1]).toContain('<body>one &amp; two</body>');
    expect(rows[0]![3]).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect((await run('user', 'delete', 'nurse@localhost')).status).toBe(0);
    expect(await nurse.streamError()).toBe('conflict');
    expect((await run('user', 'add', 'nurse@localhost', 'secret')).status).toBe(0);
    expect((await table('nurse@localhost')).rows).toEqual([]);
    // What others had with the account stays theirs.
    expect(await bodies(romeo)).toEqual(['one & two 0']);
  });

  it('of anonymous users go when they do', async () => {
    const guest = await TestClient.connect(server.port());
    await guest.openStream('localhost');
    guest.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>");
    await guest.element();
    guest.restart();
    await guest.openStream('localhost');
    const jid = (await guest.bind('')).split('/')[0]!;
    guest.send("<message type='chat' to='romeo@localhost' id='g'><body>boo</body></message>");
    await romeo.until((element) => element.attribute('id') === 'g');
    // No command exports the data of a guest.
    const db = new Database(join(server.directory, 'data', 'meerkat.db'));
    const count = db.prepare('SELECT count(*) FROM inbox WHERE luser = ?').pluck();
    const [name] = jid.split('@');
    while (count.get(name) === 0) await romeo.iq('get', 'localhost', "<nothing xmlns='urn:test:nothing'/>");
    await guest.close();
    while (count.get(name) !== 0) await romeo.iq('get', 'localhost', "<nothing xmlns='urn:test:nothing'/>");
    db.close();
  });

  it('in bins are deleted by the administrator: of a user, a domain, or all; and of an age', async () => {
    const paris = await TestClient.login(server.port(), 'paris@localhost/x');
    const flush = async (...args: string[]) => {
      const { status, stdout } = await run('inbox', 'flush-bin', ...args, '--json');
      return [status, JSON.parse(stdout)];
    };
    const fill = async (): Promise<void> => {
      for (const client of [romeo, juliet]) {
        await say(client, paris, 'x');
        await set(paris, client.jid.split('/')[0]!, '<box>bin</box>');
      }
      await set(romeo, 'paris@localhost', '<box>bin</box>');
    };
    await fill();
    expect(await flush('paris@localhost', '--days', '1')).toEqual([0, { removed: 0 }]);
    expect(await flush('paris@localhost')).toEqual([0, { removed: 2 }]);
    expect(await flush('localhost')).toEqual([0, { removed: 1 }]);
    await fill();
    expect(await flush('--all')).toEqual([0, { removed: 3 }]);
    expect(await inboxOf(paris, question({ box: 'bin' }))).toMatchObject({ count: 0 });
    const { stdout } = await run('inbox', 'flush-bin', 'localhost');
    expect(stdout).toBe('0 deleted\n');
    await paris.close();
  });

  it('stay while the module is off; what comes meanwhile is not counted; other options count at once', async () => {
    const base = readFileSync(server.configFile, 'utf8').replace(INBOX, '');
    const reload = async (more: string): Promise<void> => {
      writeFileSync(server.configFile, base + more);
      expect((await run('reload')).status).toBe(0);
    };
    await say(romeo, juliet, 'before');
    await reload('');
    for (const payload of [question(), `<query xmlns='${NS_CONVERSATION}' jid='romeo@localhost'/>`]) {
      expect(condition(await juliet.iq('set', undefined, payload))).toBe('service-unavailable');
    }
    const off = await run('inbox', 'flush-bin', 'localhost', '--json');
    expect(JSON.parse(off.stdout).error.code).toBe('module_not_loaded');
    await say(romeo, juliet, 'meanwhile');
    await reload(`${INBOX}  boxes = ["travel"]\n  max_result_limit = 1\n`);
    expect(await bodies(juliet)).toEqual(['before 1']);
    await say(romeo, juliet, 'after');
    expect(await bodies(juliet)).toEqual(['after 2']);
    expect((await set(juliet, 'romeo@localhost', '<box>travel</box>')).attribute('type')).toBe('result');
    expect((await inboxOf(juliet)).shown[0]!.box).toBe('travel');
    await reload(INBOX);
    // A box that the configuration does not have any more keeps what is in it.
    expect((await inboxOf(juliet)).shown[0]!.box).toBe('travel');
    const bad = await juliet.iq('set', undefined, question({ box: 'travel' }));
    expect(condition(bad)).toBe('bad-request');
    writeFileSync(server.configFile, `${base}${INBOX}  boxes = ["bin"]\n`);
    expect((await run('reload')).status).not.toBe(0);
    writeFileSync(server.configFile, base + INBOX);
  });

  it('go with the data of a domain', async () => {
    await say(romeo, juliet, 'last');
    expect((await run('domain', 'remove-data', 'localhost', '--yes')).status).toBe(0);
    expect((await run('user', 'add', 'juliet@localhost', 'secret')).status).toBe(0);
    const again = await TestClient.login(server.port(), 'juliet@localhost/x');
    expect(await inboxOf(again)).toMatchObject({ count: 0 });
    const empty = await again.iq('set', undefined, `<empty-bin xmlns='${NS_INBOX}'/>`);
    expect(empty.child('empty-bin', NS_INBOX)!.childText('num')).toBe('0');
  });
});

describe('inboxes in accidents', () => {
  const INBOX = inbox('rdbms');
  /** Logs in on the shard that has just died, once it is there again. */
  async function backAgain(server: TestServer, other: TestClient): Promise<TestClient> {
    for (;;) {
      const client = await loginOn(server, 'romeo@localhost/orchard', 'other', other).catch(() => undefined);
      if (client !== undefined) return client;
    }
  }

  /** Sends messages and waits until the server has acknowledged them all. */
  async function acknowledged(client: TestClient, to: string, texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      client.send(`<message type='chat' to='${to}' id='${text}'><body>${text}</body></message>`);
    }
    client.send(`<r xmlns='${SM}'/>`);
    for (;;) {
      const answer = await client.until(({ name, ns }) => name === 'a' && ns === SM);
      if (Number(answer.attribute('h')) >= texts.length) return;
      client.send(`<r xmlns='${SM}'/>`);
    }
  }

  async function enable(client: TestClient): Promise<void> {
    client.send(`<enable xmlns='${SM}'/>`);
    await client.until(({ name }) => name === 'enabled');
  }

  it('count each message once while the store comes and goes, and acknowledge it when it is counted', async () => {
    const server = await TestServer.start({
      shards: 2,
      users: USERS,
      toml: MODULES + INBOX,
      isFaulty: true,
    });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
      await sayAtOnce(romeo, juliet, 'before');
      await enable(romeo);
      const texts = Array.from({ length: 20 }, (_, i) => `m${i}`);
      await server.strike('store', 'stall-and-exit', 300);
      const all = acknowledged(romeo, 'juliet@localhost', texts);
      // Who is there gets them at once.
      for (const text of texts) expect((await juliet.message()).childText('body')).toBe(text);
      await all;
      let now: string[] = [];
      do now = await bodies(juliet).catch(() => []);
      while (now.length === 0);
      expect(now).toEqual(['m19 21']);
      expect(await bodies(romeo)).toEqual(['m19 0']);
    } finally {
      await server.stop();
    }
  }, 90_000);

  it('have what was acknowledged when the process is killed', async () => {
    const server = await TestServer.start({ shards: 2, users: USERS, toml: MODULES + INBOX });
    try {
      for (let round = 1; round <= 2; round++) {
        const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
        await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
        await enable(romeo);
        await acknowledged(
          romeo,
          'juliet@localhost',
          Array.from({ length: 10 }, (_, i) => `r${round}m${i}`),
        );
        await server.kill();
        await server.launch();
        const juliet = await TestClient.login(server.port(), 'juliet@localhost/x');
        expect(await bodies(juliet)).toEqual([`r${round}m9 ${round * 10}`]);
        juliet.cut();
      }
    } finally {
      await server.stop();
    }
  }, 90_000);

  it('go on when a shard dies, and its successor counts from one', async () => {
    const server = await TestServer.start({ shards: 2, users: USERS, toml: MODULES + INBOX });
    try {
      let romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
      for (const round of [1, 2]) {
        await enable(romeo);
        await acknowledged(romeo, 'juliet@localhost', [`a${round}`, `b${round}`]);
        await crash(romeo);
        romeo = await backAgain(server, juliet);
      }
      await sayAtOnce(romeo, juliet, 'last');
      expect(await bodies(juliet)).toEqual(['last 5']);
    } finally {
      await server.stop();
    }
  }, 90_000);
});
