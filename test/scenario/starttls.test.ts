import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestCertificates } from '../helpers/certificates.ts';
import { TestClient } from '../helpers/client.ts';
import { clientHello } from '../helpers/client-hello.ts';
import { descriptors, eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { auth, bind, header, NS_TLS, plain } from '../helpers/xml.ts';

/** TLS under attack: threats T14, T16 and T17; and certificates that change while the server runs. */

const STARTTLS = `<starttls xmlns='${NS_TLS}'/>`;
const Port = { STARTTLS: 0, DIRECT: 1 } as const;

const certificates = new TestCertificates();
let server: TestServer;

beforeAll(async () => {
  const { certfile, keyfile } = await certificates.make('localhost');
  const listener = (mode: string): string => `
    [[listen.c2s]]
      port = 0
      ip_address = "127.0.0.1"
      shaper = "none"
      max_connections_per_address = "infinity"
      connections_per_second_per_address = "infinity"
      [listen.c2s.tls]
        mode = "${mode}"
        certfile = "${certfile}"
        keyfile = "${keyfile}"`;
  server = await TestServer.start({
    users: ['romeo', 'juliet', 'mallory'],
    config: `
      [general]
        hosts = ["localhost"]
        loglevel = "warning"
        shards = 2
      ${listener('starttls')}
      ${listener('tls')}
      [storage]
        directory = "./data"
      [modules.mod_presence]`,
  });
});

afterAll(async () => {
  await server.stop();
  certificates.remove();
});

async function offered(): Promise<TestClient> {
  const client = await TestClient.connect(server.port());
  client.send(header());
  await client.expect('open');
  await client.element();
  return client;
}

async function loggedIn(user: string, port: number = Port.STARTTLS, options = {}): Promise<TestClient> {
  let client: TestClient;
  if (port === Port.DIRECT) client = await TestClient.connectTls(server.port('c2s', port), options);
  else {
    client = await offered();
    client.send(STARTTLS);
    await client.element();
    await client.startTls(options);
  }
  client.send(`${header()}${plain(user)}${header()}${bind('tls')}`);
  await client.expect('open');
  await client.until((element) => element.name === 'success');
  await client.expect('open');
  await client.until((element) => element.name === 'iq');
  return client;
}

/** Everything that a peer says, in the clear, until the connection ends. */
async function everything(client: TestClient): Promise<string> {
  let heard = '';
  client.socket.removeAllListeners('data');
  client.socket.on('data', (data) => {
    heard += data.toString('latin1');
  });
  await client.expect('disconnected');
  return heard;
}

describe('T14 what comes with <starttls/> in the clear is never taken for something said inside TLS', () => {
  const INJECTIONS = [
    ['a login', plain('mallory')],
    ['a login by SCRAM', auth('SCRAM-SHA-1', 'biwsbj1tYWxsb3J5LHI9YWJj')],
    ['an opening tag and a login', `${header()}${plain('mallory')}`],
    ['white space', ' '],
    ['a ClientHello', clientHello()],
    ['a login and a ClientHello', Buffer.concat([Buffer.from(plain('mallory')), clientHello()])],
  ] as const;

  it.each(INJECTIONS)('%s in the same segment closes the connection', async (_what, more) => {
    const client = await offered();
    client.send(Buffer.concat([Buffer.from(STARTTLS), Buffer.from(more)]));
    const heard = await everything(client);
    expect(heard).toContain('<proceed');
    expect(heard).not.toMatch(/<success|<challenge|<failure|<stream:features/);
  });

  it('is closed, or lost in the handshake, wherever the segment is cut', async () => {
    const text = Buffer.from(`${STARTTLS}${plain('mallory')}${header()}`);
    const cuts = Array.from({ length: text.length - 1 }, (_, i) => i + 1);
    await Promise.all(
      cuts.map(async (cut) => {
        const client = await offered();
        const end = everything(client);
        client.send(text.subarray(0, cut));
        await new Promise((resolve) => setImmediate(resolve));
        client.send(text.subarray(cut));
        expect(await end).not.toMatch(/<success|<challenge|<failure|<stream:features/);
      }),
    );
  });

  it('nothing of the old stream is left after the handshake', async () => {
    const client = await TestClient.connect(server.port());
    client.send(header({ from: 'mallory@localhost', 'xml:lang': 'xx' }));
    await client.expect('open');
    await client.element();
    client.send(auth('SCRAM-SHA-1', 'biwsbj1tYWxsb3J5LHI9YWJj'));
    expect((await client.element()).name).toBe('challenge');
    client.send("<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    await client.element();
    client.send(STARTTLS);
    await client.element();
    await client.startTls();
    client.send(header());
    const { attributes } = await client.expect('open');
    expect([attributes.get('to'), attributes.get('xml:lang')]).toEqual([undefined, 'en']);
    await client.element();
    client.send(plain('romeo'));
    expect((await client.element()).name).toBe('success');
    client.cut();
  });
});

describe('T17 handshakes that fail', () => {
  let before: number;

  beforeAll(async () => {
    const client = await loggedIn('romeo');
    await client.close();
    await eventually(() => {
      const now = descriptors(server.pid);
      const isSettled = now === before;
      before = now;
      return isSettled;
    }, 'the number of descriptors settles');
  });

  /** Neither the process nor a descriptor of it is the worse for it. */
  afterEach(async () => {
    const { pid } = server;
    const client = await loggedIn('romeo', Port.DIRECT);
    await client.nothingElse();
    await client.close();
    await eventually(() => descriptors(pid) <= before, 'all descriptors are given back');
    expect(server.log).not.toMatch(/shard_died|uncaught/i);
  });

  /** Sends bytes to the direct TLS port and waits for the end of the connection. */
  async function send(bytes: Uint8Array, isCut = false): Promise<Buffer> {
    const socket = connect({ port: server.port('c2s', Port.DIRECT), host: '127.0.0.1' });
    await once(socket, 'connect');
    const answer: Buffer[] = [];
    socket.on('data', (data: Buffer) => {
      answer.push(data);
      if (isCut) socket.resetAndDestroy();
      else socket.end();
    });
    socket.on('error', () => {});
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(bytes);
    await closed;
    return Buffer.concat(answer);
  }

  it.each<[string, Uint8Array]>([
    ['no name', Buffer.alloc(0)],
    ['255 bytes', Buffer.alloc(255, 0x61)],
    ['many labels', Buffer.from('a.'.repeat(127))],
    ['NUL', Buffer.from('local\0host')],
    ['an IPv4 address', Buffer.from('127.0.0.1')],
    ['an IPv6 address', Buffer.from('::1')],
    ['%00', Buffer.from('localhost%00.example')],
    ['an unknown name', Buffer.from('nobody.example')],
    ['not UTF-8', Buffer.from([0xff, 0xfe, 0x80])],
    ['xn--', Buffer.from('xn--.xn--')],
    ['__proto__', Buffer.from('__proto__')],
    ['dots', Buffer.from('...')],
    ['a wildcard', Buffer.from('*.example')],
    ['a line end', Buffer.from('localhost\r\nX: y')],
  ])('a server name of %s gets a ServerHello or an alert', async (_what, serverName) => {
    const answer = await send(clientHello({ serverName }));
    // 0x16: handshake, 0x15: alert.
    expect([0x16, 0x15]).toContain(answer[0]);
  });

  it.each<[string, readonly string[], number]>([
    ['200 other protocols', Array.from({ length: 200 }, (_, i) => `protocol-${i}`), 0x15],
    ['200 protocols and ours', [...Array.from({ length: 200 }, (_, i) => `p${i}`), 'xmpp-client'], 0x16],
    ['bytes that are no text', ['\xff\xfe', '\0'], 0x15],
    ['HTTP/2', ['h2'], 0x15],
  ])('ALPN with %s', async (_what, protocols, type) => {
    expect((await send(clientHello({ protocols })))[0]).toBe(type);
  });

  it('TLS 1.0 and 1.1 get an alert about the version', async () => {
    for (const version of [0x0301, 0x0302]) {
      const answer = await send(clientHello({ versions: [version] }));
      // Alert, fatal, protocol_version (RFC 8446 §6).
      expect([answer[0], answer[5], answer[6]]).toEqual([0x15, 2, 70]);
    }
  });

  it('connections that are cut at every point of the first flight', async () => {
    const hello = clientHello({ serverName: Buffer.from('localhost') });
    for (let cut = 0; cut < hello.length; cut += 3) {
      const socket = connect({ port: server.port('c2s', Port.DIRECT), host: '127.0.0.1' });
      const closed = new Promise((resolve) => socket.once('close', resolve));
      await once(socket, 'connect');
      socket.on('error', () => {});
      if (cut > 0) await new Promise((resolve) => socket.write(hello.subarray(0, cut), resolve));
      if (cut % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
      await closed;
    }
  });

  it('connections that are reset after the answer to the first flight', async () => {
    for (let i = 0; i < 30; i++) await send(clientHello(), true);
    for (let i = 0; i < 30; i++) await send(clientHello({ versions: [0x0303] }), true);
  });

  it('connections that are reset right after STARTTLS, and in its handshake', async () => {
    for (let i = 0; i < 30; i++) {
      const client = await offered();
      client.send(STARTTLS);
      await client.element();
      if (i % 3 === 1) client.send(clientHello());
      if (i % 3 === 2) client.send(clientHello().subarray(0, 60));
      client.socket.resetAndDestroy();
      await client.expect('disconnected');
    }
  });

  it('garbage in place of every record of the client', async () => {
    for (const type of [0x14, 0x15, 0x16, 0x17, 0x18, 0x00, 0xff]) {
      await send(Buffer.concat([Buffer.of(type, 3, 3, 0, 5), Buffer.from('hello')]));
      await send(Buffer.concat([clientHello(), Buffer.of(type, 3, 3, 0, 5), Buffer.from('hello')]));
    }
    await send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await send(Buffer.alloc(70_000, 0x16));
  });
});

describe('T16 a client that asks for new keys again and again', () => {
  it('is refused the first time in TLS 1.2; others are served', async () => {
    const juliet = await loggedIn('juliet');
    const client = await loggedIn('mallory', Port.DIRECT, { maxVersion: 'TLSv1.2' });
    const secure = client.socket as TLSSocket;
    const error = await new Promise<Error | null>((resolve) => {
      secure.once('error', resolve);
      secure.renegotiate({ rejectUnauthorized: false }, resolve);
    });
    expect(error?.message).toMatch(/no renegotiation/i);
    await juliet.nothingElse();
    await juliet.close();
    client.cut();
  });

  it('by 1,000 key updates in TLS 1.3 hurts nobody but itself', async () => {
    const juliet = await loggedIn('juliet');
    // Node's client cannot do this; OpenSSL's sends one for each line «K».
    const port = server.port('c2s', Port.DIRECT);
    const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_3'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const ended = new Promise((resolve) => client.once('exit', resolve));
    client.stdin.on('error', () => {});
    client.stdout.on('data', () => {});
    for (let i = 0; i < 1_000 && client.exitCode === null; i++) {
      await new Promise((resolve) => client.stdin.write('K\n', resolve));
      await juliet.nothingElse();
    }
    client.stdin.end('Q\n');
    await ended;
    await juliet.nothingElse();
    await juliet.close();
  });
});

describe('a connection inside TLS', () => {
  it('carries stanzas of any size in both directions, in order', async () => {
    const romeo = await loggedIn('romeo');
    const juliet = await loggedIn('juliet', Port.DIRECT);
    for (const size of [1, 100, 16_000, 16_384, 20_000, 100_000]) {
      for (let i = 0; i < 5; i++) {
        romeo.send(`<message to='juliet@localhost/tls' id='${i}'><body>${'x'.repeat(size)}</body></message>`);
        juliet.send(`<message to='romeo@localhost/tls' id='${i}'><body>${'y'.repeat(size)}</body></message>`);
      }
      for (let i = 0; i < 5; i++) {
        for (const client of [romeo, juliet]) {
          const message = await client.message();
          expect([message.attribute('id'), message.childText('body')!.length]).toEqual([String(i), size]);
        }
      }
    }
    await romeo.close();
    await juliet.close();
  });

  it('ends with the closing tag, then TLS, then TCP', async () => {
    const client = await loggedIn('romeo');
    client.send('</stream:stream>');
    await client.expect('close');
    await client.expect('disconnected');
  });

  it('gets the stream error before it ends', async () => {
    const client = await loggedIn('romeo');
    client.send('<!-- -->');
    expect(await client.streamError()).toBe('restricted-xml');
  });

  it('may be resumed as a TLS session, and the client logs in anew', async () => {
    const first = connectTls({ port: server.port('c2s', Port.DIRECT), rejectUnauthorized: false });
    const ticket = once(first, 'session') as Promise<[Buffer<ArrayBuffer>]>;
    await once(first, 'secureConnect');
    first.write(header());
    const [session] = await ticket;
    first.destroy();
    let client: TestClient;
    let isReused: boolean;
    do {
      // Each shard has keys of its own for tickets: one that does not know it shakes hands in full.
      client = await TestClient.connect(server.port('c2s', Port.DIRECT));
      isReused = (await client.startTls({ session })).isSessionReused();
    } while (!isReused);
    client.send(header());
    await client.expect('open');
    const features = await client.element();
    expect(features.elements().map((e) => e.name)).toContain('mechanisms');
    client.send(plain('romeo'));
    expect((await client.element()).name).toBe('success');
    client.cut();
  });
});

describe('T18 early data', () => {
  it('is not allowed by any ticket of TLS 1.3', async () => {
    const port = server.port('c2s', Port.DIRECT);
    const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_3', '-msg'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    client.stdin.on('error', () => {});
    let said = '';
    const ended = new Promise((resolve) => client.once('close', resolve));
    client.stdout.on('data', (data: Buffer) => {
      said += data.toString();
      if (said.includes('Max Early Data: ')) client.stdin.end('Q\n');
    });
    await ended;
    const allowed = [...said.matchAll(/Max Early Data: ([0-9]+)/g)].map(([, bytes]) => bytes);
    expect(new Set(allowed)).toEqual(new Set(['0']));
  });
});

describe('client certificates', () => {
  it('are demanded, checked and refused as verify_mode says', async () => {
    const ca = await certificates.make('Test CA');
    const trusted = await certificates.make('romeo-device', ['romeo-device'], ca);
    const own = await certificates.make('own-device');
    const listener = (verify: string, more = ''): string => `
      [[listen.c2s]]
        port = 0
        ip_address = "127.0.0.1"
        shaper = "none"
        connections_per_second_per_address = "infinity"
        [listen.c2s.tls]
          mode = "tls"
          verify_mode = "${verify}"
          cacertfile = "${ca.certfile}"
          ${more}`;
    const strict = await TestServer.start({
      config: `
        [general]
          hosts = ["localhost"]
          loglevel = "critical"
          shards = 1
        ${listener('peer')}
        ${listener('selfsigned_peer')}
        ${listener('peer', 'disconnect_on_failure = false')}
        ${listener('none')}
        [storage]
          directory = "./data"
        [modules.mod_presence]`,
    });
    const none = {};
    const signed = { cert: trusted.cert, key: trusted.key };
    const selfSigned = { cert: own.cert, key: own.key };
    const isTaken = async (index: number, options: object): Promise<boolean> => {
      try {
        const client = await TestClient.connectTls(strict.port('c2s', index), options);
        client.send(header());
        const heard = await client.next();
        client.cut();
        return heard.kind === 'open';
      } catch {
        return false;
      }
    };
    const table = await Promise.all(
      [0, 1, 2, 3].map((index) => Promise.all([none, signed, selfSigned].map((o) => isTaken(index, o)))),
    );
    expect(table).toEqual([
      [false, true, false],
      [false, true, true],
      [true, true, true],
      [true, true, true],
    ]);
    await strict.stop();
  });
});
