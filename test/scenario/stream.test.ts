import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { Gate } from '../helpers/gate.ts';
import { base64 } from '../helpers/scram.ts';
import { TestServer } from '../helpers/server.ts';
import { auth, bind, header, plain } from '../helpers/xml.ts';

/** The life of a stream: time limits (T12, T13), refused addresses, hidden names, and every kind of end. */

const gate = new Gate();
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo', 'juliet'],
    shards: 2,
    loglevel: 'critical',
    moreC2s: ['state_timeout = 200'],
    toml: `[modules.mod_presence]\n[modules.mod_offline]\n${gate.toml}`,
  });
});

afterAll(() => server.stop());

async function opened(options = {}): Promise<TestClient> {
  const client = await TestClient.connect(server.port(), '', options);
  client.send(header());
  await client.expect('open');
  await client.element();
  return client;
}

describe('state_timeout: a client that does not go on gets connection-timeout', () => {
  const hurried = (): Promise<TestClient> => TestClient.connect(server.port('c2s', 1));

  it.each<[string, string, readonly string[]]>([
    ['says nothing', '', ['open']],
    ['does not finish its opening tag', header().slice(0, 60), ['open']],
    ['does not log in', header(), ['open', 'features']],
    [
      'does not answer a challenge',
      header() + auth('SCRAM-SHA-1', base64('n,,n=romeo,r=abc')),
      ['open', 'features', 'challenge'],
    ],
    ['does not try again', header() + plain('romeo', 'wrong'), ['open', 'features', 'failure']],
    [
      'does not open its stream after login',
      header() + plain('romeo'),
      ['open', 'features', 'success', 'open'],
    ],
    [
      'binds no resource',
      header() + plain('romeo') + header(),
      ['open', 'features', 'success', 'open', 'features'],
    ],
    [
      'does not try another resource',
      header() + plain('romeo') + header() + bind('\t'),
      ['open', 'features', 'success', 'open', 'features', 'iq'],
    ],
  ])('one that %s', async (_what, text, expected) => {
    const client = await hurried();
    if (text !== '') client.send(text);
    const heard: string[] = [];
    for (;;) {
      const next = await client.next();
      if (next.kind === 'element' && next.element.name === 'error') {
        expect(next.element.elements()[0]!.name).toBe('connection-timeout');
        break;
      }
      heard.push(next.kind === 'element' ? next.element.name : next.kind);
    }
    expect(heard).toEqual(expected);
    await client.expect('close');
    await client.expect('disconnected');
  });

  it('one that sends a space, or a byte, now and then (T13)', async () => {
    for (const text of ['', header()]) {
      const client = await hurried();
      client.send(text);
      const drip = setInterval(() => client.send(' '), 20);
      expect(await client.streamError().catch(() => client.streamError())).toBe('connection-timeout');
      clearInterval(drip);
    }
  });

  it('one that sends elements which a module takes (T12)', async () => {
    const client = await hurried();
    client.send(header());
    await client.expect('open');
    await client.element();
    const drip = setInterval(() => client.send("<hello xmlns='urn:test:gate'/>"), 20);
    expect(await client.streamError()).toBe('connection-timeout');
    clearInterval(drip);
  });

  it('but not a client whose session is bound', async () => {
    const hurriedClient = await TestClient.login(server.port('c2s', 1), 'romeo@localhost/patient');
    const slow = await hurried();
    // By the time that the other one is closed, this one has been silent for longer.
    await slow.expect('open');
    await slow.streamError();
    await hurriedClient.nothingElse();
    await hurriedClient.close();
  });

  it('and a good client logs in while a hundred slow ones are waiting (T13)', async () => {
    const slow = await Promise.all(Array.from({ length: 100 }, hurried));
    for (const client of slow) client.send('<');
    const good = await TestClient.login(server.port(), 'romeo@localhost/good');
    await good.close();
    for (const client of slow) {
      await client.expect('open');
      expect(await client.streamError()).toBe('connection-timeout');
    }
  });
});

describe('hook check_bl_c2s', () => {
  it.each([
    ['refuses an address at once', '127.0.0.66'],
    ['refuses an address after a while', '127.0.0.67'],
  ])('%s: nothing is read, nothing is said', async (_what, localAddress) => {
    const client = await TestClient.connect(server.port(), '', { localAddress });
    client.send(`${header()}${plain('romeo')}`);
    await client.expect('disconnected');
  });

  it('lets an address in after a while; what it sent meanwhile is read', async () => {
    const client = await TestClient.connect(server.port(), '', { localAddress: '127.0.0.68' });
    client.send(`${header()}${plain('romeo')}`);
    await client.expect('open');
    await client.element();
    expect((await client.element()).name).toBe('success');
    client.cut();
  });
});

describe('hook c2s_stream_features', () => {
  it('may take its time: what the client sends meanwhile is answered after the features', async () => {
    const client = await TestClient.connect(server.port(), '', { localAddress: '127.0.0.69' });
    client.send(`${header()}${plain('romeo')}`);
    await client.expect('open');
    const features = await client.element();
    expect(features.child('slow', 'urn:test:gate')).toBeDefined();
    expect((await client.element()).name).toBe('success');
    client.cut();
  });
});

describe('a module answers an element before login', () => {
  it('at once, or later, in order', async () => {
    const client = await opened();
    client.send(`<slow xmlns='urn:test:gate'/><fast xmlns='urn:test:gate'/>${plain('romeo')}`);
    expect((await client.element()).name).toBe('slow');
    expect((await client.element()).name).toBe('fast');
    expect((await client.element()).name).toBe('success');
    client.cut();
  });

  it('and may end the stream', async () => {
    const client = await opened();
    client.send("<stop xmlns='urn:test:gate'/>");
    expect((await client.element()).name).toBe('stop');
    await client.expect('close');
    await client.expect('disconnected');
  });
});

describe('hook auth_failed', () => {
  it('hears who wanted to log in', async () => {
    const client = await opened();
    client.send(plain('Tybalt', 'wrong'));
    await client.element();
    expect(gate.lines('auth_failed')).toContainEqual({
      hook: 'auth_failed',
      username: 'tybalt',
      server: 'localhost',
    });
    client.cut();
  });
});

describe('hide_service_name', () => {
  let hidden: TestServer;

  beforeAll(async () => {
    hidden = await TestServer.start({ users: ['romeo'], general: 'hide_service_name = true' });
  });

  afterAll(() => hidden.stop());

  it.each([
    'GET / HTTP/1.1\r\n\r\n',
    '\x16\x03\x01',
    '<!DOCTYPE a>',
    '</stream:stream>',
    `<a b='${'x'.repeat(9_000)}`,
  ])('closes without a word what does not begin with a stream: %j', async (text) => {
    const client = await TestClient.connect(hidden.port());
    client.send(text);
    await client.expect('disconnected');
  });

  it('speaks to clients as usual, of their errors too', async () => {
    const client = await TestClient.connect(hidden.port());
    client.send(header({ version: '0.9' }));
    await client.expect('open');
    expect(await client.streamError()).toBe('unsupported-version');
    const romeo = await TestClient.login(hidden.port(), 'romeo@localhost/orchard');
    romeo.send('<!-- -->');
    expect(await romeo.streamError()).toBe('restricted-xml');
  });
});

describe('the end of a connection', () => {
  it('is told to the hooks, with its reason', async () => {
    const ends: Record<string, (client: TestClient) => Promise<unknown>> = {
      normal: (client) => client.close(),
      socket_closed: async (client) => client.socket.end(),
      socket_error: async (client) => client.socket.resetAndDestroy(),
      'restricted-xml': async (client) => {
        client.send('<!-- -->');
        await client.streamError();
      },
      replaced: async () => (await TestClient.login(server.port(), 'romeo@localhost/replaced')).cut(),
    };
    for (const [reason, end] of Object.entries(ends)) {
      const client = await TestClient.login(server.port(), `romeo@localhost/${reason}`);
      const watcher = await TestClient.login(server.port(), 'juliet@localhost/watch');
      await end(client);
      // Its directed presence goes out with its end, after the hook.
      const jid = `romeo@localhost/${reason}`;
      for (;;) {
        const lines = gate.lines('sm_remove_connection').filter((line) => line.jid === jid);
        if (lines.some((line) => line.reason === reason)) break;
        await watcher.nothingElse();
      }
      await watcher.close();
    }
  });

  it('does not take what was sent before with it', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/last-words');
    for (let i = 0; i < 500; i++) {
      romeo.send(`<message to='juliet@localhost' type='chat' id='w${i}'><body>${i}</body></message>`);
    }
    romeo.socket.end();
    await romeo.expect('disconnected');
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/later', { isAvailable: false });
    juliet.send('<presence/>');
    for (let i = 0; i < 500; i++) expect((await juliet.message()).attribute('id')).toBe(`w${i}`);
    await juliet.close();
  });

  it('of the server is told to every client, in any state (system-shutdown)', async () => {
    const stopping = await TestServer.start({ users: ['romeo'], shards: 2 });
    const bound = await TestClient.login(stopping.port(), 'romeo@localhost/bound');
    const open = await TestClient.connect(stopping.port());
    await open.openStream('localhost');
    const silent = await TestClient.connect(stopping.port());
    // The silent one is known to its shard once a later one has got an answer from the same.
    for (let i = 0; i < 2; i++) await (await TestClient.connect(stopping.port())).openStream('localhost');
    const stopped = stopping.stop();
    expect(await bound.streamError()).toBe('system-shutdown');
    expect(await open.streamError()).toBe('system-shutdown');
    await silent.expect('open');
    expect(await silent.streamError()).toBe('system-shutdown');
    await stopped;
  });
});
