import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { errorText } from './inbox-support.ts';
import { condition, errorType, fixture, LAB, loginOn, messagesUntilNow } from './support.ts';

/** mod_smart_markers: the last chat markers of each conversation. */

const NS = 'esl:xmpp:smart-markers:0';
const MARKERS = 'urn:xmpp:chat-markers:0';
const ROOMS = 'urn:test:rooms';

const BACKENDS = ['rdbms', 'rdbms_async'];
const USERS = Array.from({ length: 40 }, (_, i) => `u${i}`);
const ROOM_MODULE = fixture('mod_play_rooms', 'mod-play-rooms.ts');

const modules = (options: string): string => `
[auth.internal]
[auth.anonymous]
[modules.mod_presence]
[modules.mod_offline]
[modules.mod_smart_markers]
${options}
${ROOM_MODULE}
${LAB}`;

interface Shown {
  readonly from: string;
  readonly id: string;
  readonly type: string;
  readonly thread: string | undefined;
  readonly timestamp: string;
}

async function ask(client: TestClient, attributes: string): Promise<Element> {
  return await client.iq('get', undefined, `<query xmlns='${NS}' ${attributes}/>`);
}

async function markers(client: TestClient, peer: string, attributes = ''): Promise<Shown[]> {
  const answer = await ask(client, `peer='${peer}' ${attributes}`);
  expect(answer.attribute('type')).toBe('result');
  const query = answer.child('query', NS)!;
  expect(query.attribute('peer')).toBe(peer);
  return query.elements().map((one) => ({
    from: one.attribute('from')!,
    id: one.attribute('id')!,
    type: one.attribute('type')!,
    thread: one.attribute('thread'),
    timestamp: one.attribute('timestamp')!,
  }));
}

/** Sender, kind and id of each marker. */
async function brief(client: TestClient, peer: string, attributes = ''): Promise<string[]> {
  return (await markers(client, peer, attributes)).map(({ from, type, id }) => `${from} ${type} ${id}`);
}

const bareOf = ({ jid }: TestClient): string => jid.split('/')[0]!;

function send(client: TestClient, to: string, kind: string, id: string, more = '', type = 'chat'): void {
  client.send(
    `<message type='${type}' to='${to}' id='m'><${kind} xmlns='${MARKERS}' id='${id}'/>${more}</message>`,
  );
}

describe.each(BACKENDS)('smart markers (%s)', (backend) => {
  let server: TestServer;
  let next = 0;
  const clients: TestClient[] = [];

  async function pair(): Promise<[TestClient, TestClient]> {
    const one = await TestClient.login(server.port(), `u${next++}@localhost/one`);
    const two = await loginOn(server, `u${next++}@localhost/two`, 'other', one);
    clients.push(one, two);
    return [one, two];
  }

  beforeAll(async () => {
    server = await TestServer.start({
      shards: 2,
      users: USERS,
      toml: modules(`  backend = "${backend}"`),
    });
  });

  afterAll(async () => {
    for (const client of clients) client.cut();
    await server.stop();
  });

  it('of a conversation are those of both sides, and reach their recipients', async () => {
    const [one, two] = await pair();
    send(one, two.jid, 'received', 'a');
    expect((await two.message()).child('received', MARKERS)).toBeDefined();
    send(one, bareOf(two), 'displayed', 'a');
    await two.message();
    send(two, bareOf(one), 'acknowledged', 'b');
    await one.message();
    const expected = [
      `${bareOf(one)} received a`,
      `${bareOf(one)} displayed a`,
      `${bareOf(two)} acknowledged b`,
    ];
    expect(await brief(one, bareOf(two))).toEqual(expected);
    expect(await brief(two, bareOf(one))).toEqual(expected);
    for (const { timestamp, thread } of await markers(one, bareOf(two))) {
      expect(timestamp).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      expect(thread).toBeUndefined();
    }
  });

  it('are the last of their kind, whatever they are about', async () => {
    const [one, two] = await pair();
    for (const id of ['a', 'c', 'b']) {
      send(one, bareOf(two), 'displayed', id);
      await two.message();
    }
    expect(await brief(two, bareOf(one))).toEqual([`${bareOf(one)} displayed b`]);
  });

  it('are kept for each thread', async () => {
    const [one, two] = await pair();
    send(one, bareOf(two), 'displayed', 'main');
    send(one, bareOf(two), 'displayed', 'side', '<thread>t&amp;1</thread>');
    await two.message();
    await two.message();
    expect(await brief(two, bareOf(one))).toEqual([`${bareOf(one)} displayed main`]);
    expect(await brief(two, bareOf(one), "thread='t&amp;1'")).toEqual([`${bareOf(one)} displayed side`]);
    expect((await markers(two, bareOf(one), "thread='t&amp;1'"))[0]!.thread).toBe('t&1');
    expect(await brief(two, bareOf(one), "thread='__proto__'")).toEqual([]);
  });

  it('are shown if they are younger than a time', async () => {
    const [one, two] = await pair();
    send(one, bareOf(two), 'received', 'a');
    await two.message();
    send(one, bareOf(two), 'displayed', 'a');
    await two.message();
    expect(await brief(two, bareOf(one))).toEqual([
      `${bareOf(one)} received a`,
      `${bareOf(one)} displayed a`,
    ]);
    const [first, second] = await markers(two, bareOf(one));
    expect(await brief(two, bareOf(one), `after='${first!.timestamp}'`)).toEqual([
      `${bareOf(one)} displayed a`,
    ]);
    expect(await brief(two, bareOf(one), `after='${second!.timestamp}'`)).toEqual([]);
    const both = [`${bareOf(one)} received a`, `${bareOf(one)} displayed a`];
    expect(await brief(two, bareOf(one), "after='2002-09-10T23:08:25Z'")).toEqual(both);
  });

  it.each([
    ['no peer', '', 'invalid-peer'],
    ['no address', "peer='@'", 'invalid-peer'],
    ['an empty one', "peer=''", 'invalid-peer'],
    ['a client', "peer='u1@localhost/x'", 'invalid-peer'],
    ['a bad time', "peer='u1@localhost' after='yesterday'", 'invalid-timestamp'],
    ['no time', "peer='u1@localhost' after=''", 'invalid-timestamp'],
  ])('are refused for %s', async (_what, attributes, text) => {
    const [one] = clients;
    const answer = await ask(one!, attributes);
    expect([condition(answer), errorType(answer), errorText(answer)]).toEqual([
      'bad-request',
      'modify',
      text,
    ]);
  });

  it('cannot be set, and are for nobody else (T68)', async () => {
    const [one, two] = await pair();
    const query = `<query xmlns='${NS}' peer='u1@localhost'/>`;
    const set = await one.iq('set', undefined, query);
    expect([condition(set), errorType(set)]).toEqual(['not-allowed', 'cancel']);
    for (const to of [bareOf(two), 'nobody@localhost']) {
      expect(condition(await one.iq('get', to, query))).toBe('forbidden');
    }
    expect(await brief(one, 'nobody@localhost')).toEqual([]);
    expect(await brief(one, 'somebody@elsewhere.example')).toEqual([]);
  });

  it('are not kept without an id, of errors, of other namespaces, to other servers, or if they are too long', async () => {
    const [one, two] = await pair();
    const to = bareOf(two);
    one.send(`<message to='${to}'><displayed xmlns='${MARKERS}'/></message>`);
    one.send(`<message to='${to}'><displayed xmlns='${MARKERS}' id=''/></message>`);
    one.send(`<message to='${two.jid}' type='error'><displayed xmlns='${MARKERS}' id='e'/></message>`);
    one.send(`<message to='${to}'><displayed xmlns='urn:other' id='x'/></message>`);
    one.send(`<message to='${to}'><markable xmlns='${MARKERS}'/><body>displayed</body></message>`);
    send(one, to, 'displayed', 'i'.repeat(1_025));
    send(one, to, 'displayed', 'long thread', `<thread>${'t'.repeat(1_025)}</thread>`);
    send(one, 'somebody@elsewhere.example', 'displayed', 'far');
    expect((await messagesUntilNow(one)).length).toBe(1);
    await one.iq('get', undefined, "<nothing xmlns='urn:test:nothing'/>");
    send(one, to, 'displayed', 'last');
    await two.until((element) => element.child('displayed', MARKERS)?.attribute('id') === 'last');
    expect(await brief(one, to)).toEqual([`${bareOf(one)} displayed last`]);
    expect(await brief(one, 'somebody@elsewhere.example')).toEqual([]);
  });

  it('in a room are those of all, for who may enter; of others nothing is kept, and nothing shown', async () => {
    const [one, two] = await pair();
    const [stranger] = await pair();
    const room = `${bareOf(one).split('@')[0]}.${bareOf(two).split('@')[0]}@light.localhost`;
    send(one, room, 'displayed', 'r1', '', 'groupchat');
    send(two, room, 'received', 'r2', '<thread>t</thread>', 'groupchat');
    send(two, room, 'displayed', 'r3', '', 'groupchat');
    send(stranger, room, 'displayed', 'forged', '', 'groupchat');
    // Something said to the room, but not in it.
    send(two, room, 'acknowledged', 'private', '', 'chat');
    for (const client of [one, two, stranger]) await messagesUntilNow(client);
    const all = [`${bareOf(one)} displayed r1`, `${bareOf(two)} displayed r3`];
    expect(await brief(one, room)).toEqual(all);
    expect(await brief(two, room)).toEqual(all);
    expect(await brief(two, room, "thread='t'")).toEqual([`${bareOf(two)} received r2`]);
    expect(await brief(stranger, room)).toEqual([]);
  });

  it('in a room go with their sender, and with the room', async () => {
    const [one, two] = await pair();
    const [name = '', other = ''] = [bareOf(one).split('@')[0], bareOf(two).split('@')[0]];
    const room = `${name}.${other}@light.localhost`;
    send(one, room, 'displayed', 'r1', '', 'groupchat');
    send(two, room, 'displayed', 'r2', '', 'groupchat');
    for (const client of [one, two]) await messagesUntilNow(client);
    expect(await brief(one, room)).toEqual([`${bareOf(one)} displayed r1`, `${bareOf(two)} displayed r2`]);
    await one.iq('set', 'localhost', `<members xmlns='${ROOMS}' room='${room}' users='${name}'/>`);
    expect(await brief(one, room)).toEqual([`${bareOf(one)} displayed r1`]);
    await one.iq('set', 'localhost', `<forget xmlns='${ROOMS}' room='${room}'/>`);
    expect(await brief(one, room)).toEqual([]);
  });

  it('are exported with their sender, and go with accounts: those from them, and those to them', async () => {
    const [one, two] = await pair();
    const run = (...args: string[]) => meerkat(['--config', server.configFile, ...args]);
    send(one, bareOf(two), 'displayed', 'a', '<thread>t</thread>');
    send(one, bareOf(two), 'displayed', 'b');
    await two.message();
    await two.message();
    send(two, bareOf(one), 'displayed', 'c');
    await one.message();
    expect(await brief(two, bareOf(one))).toEqual([
      `${bareOf(one)} displayed b`,
      `${bareOf(two)} displayed c`,
    ]);
    const table = async (): Promise<{ columns: string[]; rows: string[][] }> => {
      const { stdout } = await run('user', 'export', bareOf(one), '--json');
      return JSON.parse(stdout).tables.find(({ name }: { name: string }) => name === 'smart_markers');
    };
    const { columns, rows } = await table();
    expect(columns).toEqual(['to', 'thread', 'type', 'id', 'timestamp']);
    expect(rows.map((row) => row.slice(0, 4))).toEqual([
      [bareOf(two), '', 'displayed', 'b'],
      [bareOf(two), 't', 'displayed', 'a'],
    ]);
    expect((await run('user', 'delete', bareOf(one))).status).toBe(0);
    expect(await brief(two, bareOf(one))).toEqual([]);
    expect((await run('user', 'add', bareOf(one), 'secret')).status).toBe(0);
    expect((await table()).rows).toEqual([]);
  });

  it('of anonymous users go when they do', async () => {
    const [one] = await pair();
    const guest = await TestClient.connect(server.port());
    await guest.openStream('localhost');
    guest.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>");
    await guest.element();
    guest.restart();
    await guest.openStream('localhost');
    const jid = (await guest.bind('')).split('/')[0]!;
    send(guest, bareOf(one), 'displayed', 'g');
    await one.message();
    expect(await brief(one, jid)).toEqual([`${jid} displayed g`]);
    await guest.close();
    while ((await brief(one, jid)).length > 0);
  });
});

describe.each(BACKENDS)('private smart markers (%s)', (backend) => {
  it('go to nobody, and are shown to their sender alone', async () => {
    const toml = modules(`  backend = "${backend}"\n  keep_private = true`);
    const server = await TestServer.start({ shards: 2, users: ['romeo', 'juliet'], toml });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
      send(romeo, 'juliet@localhost', 'displayed', 'mine');
      send(romeo, juliet.jid, 'received', 'mine');
      send(juliet, 'romeo@localhost', 'displayed', 'hers');
      romeo.send("<message to='juliet@localhost' type='chat'><body>displayed</body></message>");
      expect((await juliet.message()).childText('body')).toBe('displayed');
      expect(await messagesUntilNow(juliet)).toEqual([]);
      expect(await messagesUntilNow(romeo)).toEqual([]);
      expect(await brief(romeo, 'juliet@localhost')).toEqual([
        'romeo@localhost displayed mine',
        'romeo@localhost received mine',
      ]);
      expect(await brief(juliet, 'romeo@localhost')).toEqual(['juliet@localhost displayed hers']);
      const room = 'romeo.juliet@light.localhost';
      send(romeo, room, 'displayed', 'r', '', 'groupchat');
      expect(await messagesUntilNow(romeo)).toEqual([]);
      expect(await brief(romeo, room)).toEqual(['romeo@localhost displayed r']);
      expect(await brief(juliet, room)).toEqual([]);
    } finally {
      await server.stop();
    }
  });
});

describe('smart markers while the server changes', () => {
  const MARKER_MODULES = '[modules.mod_smart_markers]\n[modules.mod_offline_chatmarkers]\n';

  it('stay while the module is off, and go on with other options', async () => {
    const base = `[modules.mod_presence]\n[modules.mod_offline]\n${LAB}`;
    const server = await TestServer.start({
      shards: 2,
      users: ['romeo', 'juliet'],
      toml: base + MARKER_MODULES,
    });
    try {
      const config = readFileSync(server.configFile, 'utf8').replace(MARKER_MODULES, '');
      const reload = async (more: string): Promise<void> => {
        writeFileSync(server.configFile, config + more);
        expect((await meerkat(['--config', server.configFile, 'reload'])).status).toBe(0);
      };
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
      const mark = async (id: string): Promise<void> => {
        send(romeo, 'juliet@localhost', 'displayed', id);
        await juliet.message();
      };
      await mark('a');
      await reload('');
      await mark('off');
      expect(condition(await ask(juliet, "peer='romeo@localhost'"))).toBe('service-unavailable');
      await reload(MARKER_MODULES);
      expect(await brief(juliet, 'romeo@localhost')).toEqual(['romeo@localhost displayed a']);
      await mark('b');
      expect(await brief(juliet, 'romeo@localhost')).toEqual(['romeo@localhost displayed b']);
      await reload('[modules.mod_smart_markers]\n  keep_private = true\n');
      expect(await brief(juliet, 'romeo@localhost')).toEqual([]);
      send(romeo, 'juliet@localhost', 'displayed', 'c');
      await romeo.nothingElse();
      expect(await messagesUntilNow(juliet)).toEqual([]);
      expect(await brief(romeo, 'juliet@localhost')).toEqual(['romeo@localhost displayed c']);
    } finally {
      await server.stop();
    }
  }, 90_000);

  it('are kept later when the store is away, and their senders’ messages acknowledged then', async () => {
    const SM = 'urn:xmpp:sm:3';
    const server = await TestServer.start({
      shards: 2,
      users: ['romeo', 'juliet'],
      toml: `[modules.mod_presence]\n[modules.mod_stream_management]\n[modules.mod_smart_markers]\n${LAB}`,
      isFaulty: true,
    });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
      romeo.send(`<enable xmlns='${SM}'/>`);
      await romeo.until(({ name }) => name === 'enabled');
      await server.strike('store', 'stall-and-exit', 300);
      for (const id of ['a', 'b']) send(romeo, 'juliet@localhost', 'displayed', id);
      // Who is there gets them at once.
      for (const id of ['a', 'b']) {
        expect((await juliet.message()).child('displayed', MARKERS)?.attribute('id')).toBe(id);
      }
      let handled = 0;
      while (handled < 2) {
        romeo.send(`<r xmlns='${SM}'/>`);
        const answer = await romeo.until(({ name, ns }) => name === 'a' && ns === SM);
        handled = Number(answer.attribute('h'));
      }
      expect(await brief(juliet, 'romeo@localhost')).toEqual(['romeo@localhost displayed b']);
    } finally {
      await server.stop();
    }
  }, 90_000);
});
