import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, errorType, fixture, LAB, messagesUntilNow } from './support.ts';

/** mod_offline (XEP-0160): what is stored, for how long, how much (threat T61), and how it is delivered. */

const ROSTER = fixture(
  'mod_roster',
  'mod-roster-stub.ts',
  'entries = [{ user = "nurse@localhost", contact = "juliet@localhost", subscription = "from" }]',
);
const MODULES = `
[access]
  max_user_offline_messages = [
    { acl = "small", value = 3 },
    { acl = "large", value = "infinity" },
    { acl = "all", value = 100 },
  ]
[acl]
  small = [{ user = "small" }]
  large = [{ user = "large" }]
[modules.mod_presence]
[modules.mod_offline]
[modules.mod_disco]
[modules.mod_register]
${ROSTER}
${LAB}`;

const body = (text: string): string => `<body>${text}</body>`;

describe.each([1, 2])('offline messages on %i shards', (shards) => {
  let server: TestServer;
  let romeo: TestClient;
  const open: TestClient[] = [];

  beforeAll(async () => {
    server = await TestServer.start({
      shards,
      users: ['romeo', 'juliet', 'nurse', 'small', 'large', 'gone'],
      toml: MODULES,
      general: 'registration_timeout = "infinity"',
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  });

  afterAll(() => server.stop());

  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()));
  });

  async function login(jid: string, presence = '<presence/>'): Promise<TestClient> {
    const client = await TestClient.login(server.port(), jid, { isAvailable: false });
    open.push(client);
    client.send(presence);
    return client;
  }

  let stanzas = 0;
  /** Romeo sends a message and hears, if there is one, the answer. */
  async function send(to: string, children: string, type: string | null = 'chat'): Promise<string> {
    const id = `m${++stanzas}`;
    const typed = type === null ? '' : ` type='${type}'`;
    romeo.send(`<message to='${to}'${typed} id='${id}'>${children}</message>`);
    return id;
  }

  /** Waits until everything that Romeo has sent is stored. */
  async function stored(): Promise<void> {
    // Requests to the store are answered in order: one for the existence of an account comes after those before it.
    await romeo.iq('get', `nobody${++stanzas}@localhost`, "<query xmlns='urn:test:nobody'/>");
  }

  /** The messages that a user finds when he comes; in between he is away again. */
  async function fetched(jid: string, count: number): Promise<Element[]> {
    const client = await login(jid);
    const messages: Element[] = [];
    for (let i = 0; i < count; i++) messages.push(await client.message());
    expect(await messagesUntilNow(client)).toEqual([]);
    await client.close();
    return messages;
  }

  it('come as they were sent, with the time of storing', async () => {
    const before = Date.now();
    const id = await send(
      'juliet@localhost',
      `<subject xml:lang='it'>Ciao &amp; addio</subject>${body('Art thou not Romeo?')}<thread>t1</thread><x xmlns='urn:x' a='&lt;1'><y/></x>`,
    );
    await stored();
    const [message] = await fetched('juliet@localhost/balcony', 1);
    expect(message!.attribute('id')).toBe(id);
    expect(message!.attribute('from')).toBe('romeo@localhost/orchard');
    expect(message!.attribute('to')).toBe('juliet@localhost');
    expect(message!.attribute('type')).toBe('chat');
    expect(message!.childText('subject')).toBe('Ciao & addio');
    expect(message!.child('subject')?.attribute('xml:lang')).toBe('it');
    expect(message!.childText('body')).toBe('Art thou not Romeo?');
    expect(message!.childText('thread')).toBe('t1');
    expect(message!.child('x', 'urn:x')?.attribute('a')).toBe('<1');
    const delay = message!.child('delay', 'urn:xmpp:delay')!;
    expect(delay.attribute('from')).toBe('localhost');
    expect(delay.text()).toBe('Offline Storage');
    const stamp = Date.parse(delay.attribute('stamp')!);
    expect(stamp).toBeGreaterThanOrEqual(before - 1);
    expect(stamp).toBeLessThanOrEqual(Date.now() + 1);
    expect(await fetched('juliet@localhost/balcony', 0)).toEqual([]);
  });

  it.each([['chat'], ['normal'], [null], ['unheard-of']])('are kept if of type %s', async (type) => {
    const id = await send('juliet@localhost', body('x'), type);
    await stored();
    const [message] = await fetched('juliet@localhost/balcony', 1);
    expect(message!.attribute('id')).toBe(id);
    expect(message!.attribute('type') ?? null).toBe(type);
  });

  it('are not kept if of type groupchat, and go back', async () => {
    await send('juliet@localhost', body('x'), 'groupchat');
    const error = await romeo.message();
    expect(condition(error)).toBe('service-unavailable');
    expect(errorType(error)).toBe('cancel');
    expect(await fetched('juliet@localhost/balcony', 0)).toEqual([]);
  });

  it.each(['error', 'headline'])('are not kept if of type %s, and nobody hears of them', async (type) => {
    await send('juliet@localhost', body('x'), type);
    await romeo.nothingElse();
    expect(await fetched('juliet@localhost/balcony', 0)).toEqual([]);
  });

  it.each([
    "<composing xmlns='http://jabber.org/protocol/chatstates'/>",
    "<paused xmlns='http://jabber.org/protocol/chatstates'/><thread>t</thread>",
    "  <gone xmlns='http://jabber.org/protocol/chatstates'/>  ",
  ])('are not kept if they are a chat state alone, and go back: %s', async (children) => {
    await send('juliet@localhost', children);
    expect(condition(await romeo.message())).toBe('service-unavailable');
    expect(await fetched('juliet@localhost/balcony', 0)).toEqual([]);
  });

  it('are kept with a chat state beside a body', async () => {
    await send('juliet@localhost', `${body('x')}<active xmlns='http://jabber.org/protocol/chatstates'/>`);
    await stored();
    const [message] = await fetched('juliet@localhost/balcony', 1);
    expect(message!.child('active', 'http://jabber.org/protocol/chatstates')).toBeDefined();
  });

  it('are reported as stored to a sender who asked for the event; the answer to an event is not kept', async () => {
    const id = await send('juliet@localhost', `${body('x')}<x xmlns='jabber:x:event'><offline/></x>`);
    const event = (await romeo.message()).child('x', 'jabber:x:event')!;
    expect(event.child('offline')).toBeDefined();
    expect(event.childText('id')).toBe(id);
    await send('juliet@localhost', `<x xmlns='jabber:x:event'><displayed/><id>${id}</id></x>`);
    expect(condition(await romeo.message())).toBe('service-unavailable');
    expect(await fetched('juliet@localhost/balcony', 1)).toHaveLength(1);
  });

  it('lose every delay that their sender wrote into them, and keep the server’s time', async () => {
    const delays = ['localhost', 'romeo@localhost', 'elsewhere.example']
      .map(
        (from) => `<delay xmlns='urn:xmpp:delay' from='${from}' stamp='2001-01-01T00:00:00Z'>forged</delay>`,
      )
      .join('');
    await send('juliet@localhost', `${delays}${body('x')}`);
    await stored();
    const [message] = await fetched('juliet@localhost/balcony', 1);
    const found = message!.elements().filter(({ name }) => name === 'delay');
    expect(found.map((delay) => delay.text())).toEqual(['Offline Storage']);
    expect(found[0]!.attribute('stamp')).not.toContain('2001');
  });

  it('to a resource that is gone come to the one that is there, with the bare address', async () => {
    const first = await send('juliet@localhost/vanished', body('x'));
    const second = await send('juliet@localhost/balcony', body('y'));
    await stored();
    const messages = await fetched('juliet@localhost/balcony', 2);
    expect(messages.map((m) => [m.attribute('id'), m.attribute('to')])).toEqual([
      [first, 'juliet@localhost'],
      [second, 'juliet@localhost/balcony'],
    ]);
  });

  it('keep what modules noted about them for good', async () => {
    await send('juliet@localhost', body('mark blue'));
    await stored();
    const [message] = await fetched('juliet@localhost/balcony', 1);
    expect(message!.childText('mark')).toBe('blue');
  });

  it('wait for a resource that takes messages, and come when its priority rises', async () => {
    const id = await send('juliet@localhost', body('x'));
    await stored();
    const juliet = await login('juliet@localhost/balcony', '<presence><priority>-1</priority></presence>');
    await juliet.until((e) => e.name === 'presence');
    await juliet.nothingElse();
    juliet.send('<presence><priority>0</priority></presence>');
    expect((await juliet.message()).attribute('id')).toBe(id);
    juliet.send("<presence id='higher'><priority>5</priority></presence>");
    await juliet.until((e) => e.attribute('id') === 'higher');
    expect(await messagesUntilNow(juliet)).toEqual([]);
  });

  it('are kept for a user whose only resource has a negative priority', async () => {
    const juliet = await login('juliet@localhost/balcony', '<presence><priority>-1</priority></presence>');
    await juliet.until((e) => e.name === 'presence');
    const id = await send('juliet@localhost', body('x'));
    await stored();
    await juliet.nothingElse();
    await juliet.close();
    expect((await fetched('juliet@localhost/balcony', 1))[0]!.attribute('id')).toBe(id);
  });

  it('come in the order in which they were sent, however many there are', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 1_200; i++) ids.push(await send('large@localhost', body(`${i}`)));
    await stored();
    const messages = await fetched('large@localhost/desk', 1_200);
    expect(messages.map((message) => message.attribute('id'))).toEqual(ids);
    expect(await fetched('large@localhost/desk', 0)).toEqual([]);
  });

  it('come although they are more than may wait for a client at a time', async () => {
    const large = 'x'.repeat(200_000);
    for (let i = 0; i < 30; i++) await send('large@localhost', body(large));
    await stored();
    const messages = await fetched('large@localhost/desk', 30);
    expect(messages.every((message) => message.childText('body')?.length === 200_000)).toBe(true);
  });

  it('are as many as the access rule allows; one more goes back with resource-constraint', async () => {
    for (let i = 0; i < 3; i++) await send('small@localhost', body('x'));
    const id = await send('small@localhost', body('one too many'));
    const error = await romeo.message();
    expect(error.attribute('id')).toBe(id);
    expect(error.attribute('from')).toBe('small@localhost');
    expect(condition(error)).toBe('resource-constraint');
    expect(errorType(error)).toBe('wait');
    expect(error.childText('body')).toBe('one too many');
    expect(await fetched('small@localhost/desk', 3)).toHaveLength(3);
    // There is room again.
    await send('small@localhost', body('x'));
    await stored();
    expect(await fetched('small@localhost/desk', 1)).toHaveLength(1);
  });

  it('are at most 8 MiB together, even where the rule sets no limit', async () => {
    const large = 'x'.repeat(250_000);
    for (let i = 0; i < 34; i++) await send('large@localhost', body(large));
    expect(condition(await romeo.message())).toBe('resource-constraint');
    await stored();
    expect(await fetched('large@localhost/desk', 33)).toHaveLength(33);
  });

  it('are gone with the account, and do not come to whoever has its name next', async () => {
    await send('gone@localhost', body('secret'));
    await stored();
    const gone = await login('gone@localhost/desk', '<presence><priority>-1</priority></presence>');
    gone.send(
      "<iq type='set' id='r' to='localhost'><query xmlns='jabber:iq:register'><remove/></query></iq>",
    );
    expect(await gone.streamError()).toBe('conflict');
    const other = await TestClient.connect(server.port());
    await other.openStream('localhost');
    const form = '<username>gone</username><password>secret</password>';
    await other.iq('set', undefined, `<query xmlns='jabber:iq:register'>${form}</query>`);
    await other.close();
    expect(await fetched('gone@localhost/desk', 0)).toEqual([]);
  });

  it('are part of a user’s exported data', async () => {
    await send('juliet@localhost', body('x'));
    await stored();
    const answer = await romeo.iq(
      'get',
      'localhost',
      "<export xmlns='urn:test:lab'>juliet@localhost</export>",
    );
    const tables = JSON.parse(answer.child('export', 'urn:test:lab')!.text()) as {
      name: string;
      columns: string[];
      rows: string[][];
    }[];
    const data = tables.find(({ name }) => name === 'offline')!;
    expect(data.columns).toEqual(['timestamp', 'from', 'to', 'packet']);
    const [timestamp, from, to, packet] = data.rows[0]!;
    expect(timestamp).toMatch(/^20\d\d-.*Z$/);
    expect([from, to]).toEqual(['romeo@localhost/orchard', 'juliet@localhost']);
    expect(packet).toContain('<body>x</body>');
    await fetched('juliet@localhost/balcony', 1);
  });

  it('are announced: to the server’s readers, to the user, and to who sees the user', async () => {
    const features = async (client: TestClient, to: string): Promise<(string | undefined)[]> => {
      const answer = await client.iq('get', to, "<query xmlns='http://jabber.org/protocol/disco#info'/>");
      const query = answer.child('query', 'http://jabber.org/protocol/disco#info');
      return query?.elements().map((e) => e.attribute('var')) ?? [];
    };
    const juliet = await login('juliet@localhost/balcony');
    expect(await features(juliet, 'localhost')).toContain('msgoffline');
    expect(await features(juliet, 'juliet@localhost')).toContain('msgoffline');
    expect(await features(juliet, 'nurse@localhost')).toContain('msgoffline');
    expect(await features(romeo, 'nurse@localhost')).not.toContain('msgoffline');
    for (const to of ['localhost', 'juliet@localhost']) {
      const query = "<query xmlns='http://jabber.org/protocol/disco#info' node='msgoffline'/>";
      const answer = await juliet.iq('get', to, query);
      expect(answer.attribute('type')).toBe('result');
      expect(answer.child('query', 'http://jabber.org/protocol/disco#info')!.elements()).toEqual([]);
    }
  });
});

describe('expiring offline messages', () => {
  let server: TestServer;
  let romeo: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({ users: ['romeo', 'juliet'], toml: MODULES });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  });

  afterAll(() => server.stop());

  function database(): Database.Database {
    return new Database(join(server.directory, 'data', 'meerkat.db'));
  }

  it('have the expiry that they ask for, if that is a number of seconds', async () => {
    const values = [
      '60',
      '0',
      '-1',
      '+5',
      ' 5',
      '1e3',
      '0x10',
      '5abc',
      '٣',
      '',
      '4294967296',
      '9'.repeat(400),
    ];
    for (const seconds of values) {
      romeo.send(
        `<message to='juliet@localhost'><body>${seconds.slice(0, 20)}</body><x xmlns='jabber:x:expire' seconds='${seconds}'/></message>`,
      );
    }
    await romeo.iq('get', 'nobody@localhost', "<query xmlns='urn:test:nobody'/>");
    const rows = database()
      .prepare("SELECT expire - timestamp AS us FROM offline_message WHERE username = 'juliet' ORDER BY id")
      .all() as { us: number | null }[];
    expect(rows.map(({ us }) => us === null)).toEqual(values.map((value) => value !== '60'));
    expect(rows[0]!.us! / 1_000_000).toBeCloseTo(60, 0);
  });

  it('are not delivered once expired', async () => {
    await server.kill();
    const db = database();
    db.prepare("UPDATE offline_message SET expire = 1 WHERE username = 'juliet' AND id % 2 = 0").run();
    const count = db.prepare('SELECT count(*) AS n FROM offline_message WHERE expire = 1').get() as {
      n: number;
    };
    expect(count.n).toBe(6);
    db.close();
    await server.launch();
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony', { isAvailable: false });
    juliet.send('<presence/>');
    for (let i = 0; i < 6; i++) await juliet.message();
    expect(await messagesUntilNow(juliet)).toEqual([]);
  });
});

describe('offline messages of type groupchat', () => {
  it('are kept where the option says so', async () => {
    const server = await TestServer.start({
      users: ['romeo', 'juliet'],
      toml: '[modules.mod_presence]\n[modules.mod_offline]\n  store_groupchat_messages = true',
    });
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    romeo.send("<message to='juliet@localhost' type='groupchat' id='g'><body>x</body></message>");
    await romeo.nothingElse();
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony', { isAvailable: false });
    juliet.send('<presence/>');
    expect((await juliet.message()).attribute('type')).toBe('groupchat');
    await server.stop();
  });
});
