import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serialize } from '../../../src/xml/writer.ts';
import { type Element, TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, crash, errorType, fixture, LAB, loginOn, nobodyThere, shardOf } from './support.ts';

/** mod_last (XEP-0012): when users were there last, told to those who may see their presence. */

const NS = 'jabber:iq:last';
const QUERY = `<query xmlns='${NS}'/>`;

const see = (user: string, contact: string, subscription: string): string =>
  `{ user = "${user}@localhost", contact = "${contact}@localhost", subscription = "${subscription}" }`;

const MODULES = `
[auth.internal]
[auth.anonymous]
[modules.mod_presence]
[modules.mod_disco]
[modules.mod_last]
${LAB}
${fixture(
  'mod_roster',
  'mod-roster-stub.ts',
  `entries = [${[
    see('juliet', 'romeo', 'both'),
    see('juliet', 'nurse', 'from'),
    see('juliet', 'paris', 'to'),
    see('juliet', 'tybalt', 'from'),
    see('benvolio', 'romeo', 'from'),
    see('balthasar', 'romeo', 'from'),
  ].join(', ')}]`,
)}
${fixture(
  'mod_privacy',
  'mod-privacy-stub.ts',
  'denied = [{ user = "juliet@localhost", contact = "tybalt@localhost" }]',
)}`;

const USERS = ['romeo', 'juliet', 'nurse', 'paris', 'tybalt', 'benvolio', 'balthasar'];

function told(answer: Element): { seconds: number; status: string } {
  expect(answer.attribute('type')).toBe('result');
  const query = answer.child('query', NS)!;
  expect(query.attribute('seconds')).toMatch(/^[0-9]+$/);
  return { seconds: Number(query.attribute('seconds')), status: query.text() };
}

/** Everything of an answer that does not repeat the question. */
function shape(answer: Element, name: string): string {
  return serialize(answer).replaceAll(name, 'X');
}

describe.each([1, 2])('last activity on %i shards', (shards) => {
  let server: TestServer;
  let romeo: TestClient;
  const database = (): Database.Database => new Database(join(server.directory, 'data', 'meerkat.db'));
  const login = (jid: string, options = {}) => TestClient.login(server.port(), jid, options);
  const ask = (client: TestClient, to: string) => client.iq('get', to, QUERY);

  async function away(user: string, status: string): Promise<void> {
    const client = await loginOn(server, `${user}@localhost/x`, shards === 1 ? 'same' : 'other', romeo);
    client.send(`<presence type='unavailable'><status>${status}</status></presence>`);
    await client.nothingElse().catch(() => {});
    await client.close();
    await nobodyThere(romeo, `${user}@localhost`);
  }

  beforeAll(async () => {
    server = await TestServer.start({ shards, users: USERS, toml: MODULES });
    romeo = await login('romeo@localhost/orchard');
  });

  afterAll(() => server.stop());

  it('of a user who never left is unknown', async () => {
    const answer = await ask(romeo, 'benvolio@localhost');
    expect([condition(answer), errorType(answer)]).toEqual(['service-unavailable', 'cancel']);
  });

  it('is 0 while any resource is there, available or not, and the own', async () => {
    const juliet = await login('juliet@localhost/balcony', { isAvailable: false });
    expect(told(await ask(romeo, 'juliet@localhost'))).toEqual({ seconds: 0, status: '' });
    expect(told(await ask(juliet, 'juliet@localhost'))).toEqual({ seconds: 0, status: '' });
    await juliet.available();
    expect(told(await ask(romeo, 'juliet@localhost'))).toEqual({ seconds: 0, status: '' });
    await juliet.close();
    await nobodyThere(romeo, 'juliet@localhost');
  });

  it('is the time since the user left, with the status that he left', async () => {
    await away('juliet', 'Heading &lt;Home&gt; &amp; __proto__');
    const { seconds, status } = told(await ask(romeo, 'juliet@localhost'));
    expect(status).toBe('Heading <Home> & __proto__');
    expect(seconds).toBeLessThan(60);
    const db = database();
    db.prepare("UPDATE last SET timestamp = timestamp - 903000000 WHERE username = 'juliet'").run();
    db.close();
    const later = told(await ask(romeo, 'juliet@localhost')).seconds;
    expect(later).toBeGreaterThanOrEqual(903);
    expect(later).toBeLessThan(963);
    const nurse = await login('nurse@localhost/hall');
    expect(told(await ask(nurse, 'juliet@localhost')).status).toBe(status);
    await nurse.close();
  });

  it('is noted, too, when a session ends without a word', async () => {
    const client = await login('balthasar@localhost/x');
    client.cut();
    await nobodyThere(romeo, 'balthasar@localhost');
    expect(told(await ask(romeo, 'balthasar@localhost')).seconds).toBeLessThan(60);
  });

  it('keeps no more than so much of a status', async () => {
    await away('balthasar', `${'x'.repeat(1_023)}😀y`);
    const { status } = told(await ask(romeo, 'balthasar@localhost'));
    expect(status).toBe(`${'x'.repeat(1_023)}\ufffd`);
  });

  it('is forbidden to strangers, alike for users who are there, who are not, and who do not exist (T68)', async () => {
    await away('benvolio', 'away');
    const online = await login('juliet@localhost/balcony');
    for (const name of ['paris', 'tybalt']) {
      // Whose presence Juliet sees need not see hers; and from Tybalt a privacy list keeps it.
      const client = await login(`${name}@localhost/x`);
      for (const type of ['get', 'set'] as const) {
        const answers: string[] = [];
        for (const user of ['juliet', 'benvolio', 'nobody']) {
          const answer = await client.iq(type, `${user}@localhost`, QUERY, 'same');
          expect([condition(answer), errorType(answer)]).toEqual(
            type === 'get' ? ['forbidden', 'auth'] : ['not-allowed', 'cancel'],
          );
          answers.push(shape(answer, user));
        }
        expect(new Set(answers).size).toBe(1);
      }
      await client.close();
    }
    await online.close();
    await nobodyThere(romeo, 'juliet@localhost');
  });

  it('of the server is the time since its start', async () => {
    const { seconds, status } = told(await ask(romeo, 'localhost'));
    expect([seconds < 600, status]).toEqual([true, '']);
  });

  it.each(['localhost', 'juliet@localhost', 'romeo@localhost'])(
    'cannot be set, and is a query: %s',
    async (to) => {
      expect(condition(await romeo.iq('set', to, QUERY))).toBe('not-allowed');
      expect(condition(await romeo.iq('get', to, `<last xmlns='${NS}'/>`))).toBe('bad-request');
    },
  );

  it('of a client is asked of the client by those alone who may see its presence (XEP-0012 §3.2)', async () => {
    const juliet = await login('juliet@localhost/balcony');
    const own = await loginOn(server, 'juliet@localhost/chamber', shards === 1 ? 'same' : 'other', juliet);
    for (const name of ['paris', 'tybalt']) {
      const client = await login(`${name}@localhost/x`);
      const answer = await ask(client, juliet.jid);
      expect([condition(answer), errorType(answer)]).toEqual(['forbidden', 'auth']);
      expect(condition(await client.iq('set', juliet.jid, QUERY))).toBe('forbidden');
      // Other questions are not held back.
      client.send(`<iq type='get' id='v' to='${juliet.jid}'><query xmlns='jabber:iq:version'/></iq>`);
      const heard = await juliet.until(({ name: kind }) => kind === 'iq');
      expect(heard.child('query', 'jabber:iq:version')).toBeDefined();
      await client.close();
    }
    for (const client of [romeo, own]) {
      client.send(`<iq type='get' id='idle' to='${juliet.jid}'>${QUERY}</iq>`);
      const question = await juliet.until(({ name }) => name === 'iq');
      expect(question.child('query', NS)).toBeDefined();
      juliet.send(`<iq type='result' id='idle' to='${client.jid}'><query xmlns='${NS}' seconds='123'/></iq>`);
      expect(told(await client.until(({ name }) => name === 'iq')).seconds).toBe(123);
    }
    await own.close();
    await juliet.close();
  });

  it('is announced, for the server and for accounts', async () => {
    const info = 'http://jabber.org/protocol/disco#info';
    for (const to of ['localhost', 'romeo@localhost']) {
      const answer = await romeo.iq('get', to, `<query xmlns='${info}'/>`);
      const features = answer
        .child('query', info)!
        .elements()
        .map((one) => one.attribute('var'));
      expect(features).toContain(NS);
    }
  });

  it('is exported with the account, and goes with it, although its sessions end after that', async () => {
    const run = (...args: string[]) => meerkat(['--config', server.configFile, ...args]);
    const table = async (): Promise<unknown> => {
      const { stdout } = await run('user', 'export', 'benvolio@localhost', '--json');
      return JSON.parse(stdout).tables.find(({ name }: { name: string }) => name === 'last');
    };
    await away('benvolio', 'Farewell');
    expect(await table()).toEqual({
      name: 'last',
      columns: ['timestamp', 'status'],
      rows: [[expect.stringMatching(/^20\d\d-\d\d-\d\dT/), 'Farewell']],
    });
    const there = [
      await loginOn(server, 'benvolio@localhost/a', 'same', romeo),
      await loginOn(server, 'benvolio@localhost/b', shards === 1 ? 'same' : 'other', romeo),
    ];
    expect((await run('user', 'delete', 'benvolio@localhost')).status).toBe(0);
    for (const client of there) expect(await client.streamError()).toBe('conflict');
    expect((await run('user', 'add', 'benvolio@localhost', 'secret')).status).toBe(0);
    expect(await table()).toMatchObject({ rows: [] });
    // The new account is noted again.
    await away('benvolio', 'again');
    expect(told(await ask(romeo, 'benvolio@localhost')).status).toBe('again');
  });

  it('of an anonymous user is not kept', async () => {
    const client = await TestClient.connect(server.port());
    await client.openStream('localhost');
    client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>");
    await client.element();
    await client.openStream('localhost');
    const jid = await client.bind('');
    const [name = ''] = jid.split('@');
    client.send("<presence/><presence type='unavailable'/>");
    const db = database();
    const count = db.prepare('SELECT count(*) FROM last WHERE username = ?').pluck();
    while (count.get(name) === 0) await romeo.iq('get', 'localhost', QUERY);
    await client.close();
    while (count.get(name) !== 0) await romeo.iq('get', 'localhost', QUERY);
    db.close();
  });
});

describe('last activity in accidents', () => {
  it('is noted for the sessions of a shard that dies', async () => {
    const server = await TestServer.start({ shards: 2, users: USERS, toml: MODULES });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
      expect(await shardOf(juliet)).not.toBe(await shardOf(romeo));
      await crash(juliet);
      await nobodyThere(romeo, 'juliet@localhost');
      let answer: Element;
      do answer = await romeo.iq('get', 'juliet@localhost', QUERY);
      while (condition(answer) === 'service-unavailable');
      expect(told(answer).status).toBe('');
    } finally {
      await server.stop();
    }
  });

  it('is noted later when the store is away', async () => {
    const server = await TestServer.start({ shards: 2, users: USERS, toml: MODULES, isFaulty: true });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
      await server.strike('store', 'stall-and-exit', 200);
      juliet.send("<presence type='unavailable'><status>Farewell</status></presence>");
      juliet.cut();
      await nobodyThere(romeo, 'juliet@localhost');
      let answer: Element;
      do answer = await romeo.iq('get', 'juliet@localhost', QUERY);
      while (answer.attribute('type') === 'error');
      expect(told(answer).status).toBe('Farewell');
    } finally {
      await server.stop();
    }
  });

  it('survives an orderly stop with the users there', async () => {
    const server = await TestServer.start({ shards: 2, users: USERS, toml: MODULES });
    try {
      for (const name of ['juliet', 'balthasar']) {
        await TestClient.login(server.port(), `${name}@localhost/x`);
      }
      server.signal('SIGTERM');
      await server.exited();
      await server.launch();
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      for (const name of ['juliet', 'balthasar']) told(await romeo.iq('get', `${name}@localhost`, QUERY));
    } finally {
      await server.stop();
    }
  });
});
