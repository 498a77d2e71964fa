import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLines } from '../../src/admin/lines.ts';
import { CONNECTIONS_MAX, REQUEST_BYTES_MAX, REQUESTS_MAX } from '../../src/admin/protocol.ts';
import { AdminClient } from '../../src/cli/client.ts';
import { MeerkatRun, meerkat } from '../helpers/meerkat.ts';
import { TestServer } from '../helpers/server.ts';

/** The admin socket: who may use it, what it bears, and what it leaves behind (threats T23, T65). */

let server: TestServer;
let path: string;

beforeAll(async () => {
  server = await TestServer.start({ shards: 2, users: ['romeo'] });
  path = join(server.directory, 'data', 'meerkat.sock');
});

afterAll(async () => {
  await server.stop();
});

/** Speaks raw text to the socket. */
class RawClient {
  readonly #socket: Socket;
  readonly #lines: string[] = [];
  readonly #closed: Promise<void>;
  #heard: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) =>
      socket.once('close', () => {
        resolve();
        this.#heard?.();
      }),
    );
    socket.on('error', () => {});
    readLines(
      socket,
      1 << 30,
      (line) => {
        this.#lines.push(line);
        this.#heard?.();
      },
      () => {},
    );
  }

  static async connect(): Promise<RawClient> {
    const socket = connect(path);
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  async reply(): Promise<{ id?: unknown; result?: unknown; error?: { code: string } }> {
    while (this.#lines.length === 0) {
      if (this.#socket.destroyed) throw new Error('closed without a reply');
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
    return JSON.parse(this.#lines.shift()!) as never;
  }

  closed(): Promise<void> {
    return this.#closed;
  }

  close(): void {
    this.#socket.destroy();
  }
}

describe('the admin socket', () => {
  it('belongs to the user of the server alone', () => {
    expect(statSync(path).isSocket()).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('answers several commands at once, each with its own answer', async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => AdminClient.connect(path)));
    const answers = await Promise.all(
      clients.flatMap((client, i) => [
        client.request('user_exists', { jid: i % 2 === 0 ? 'romeo@localhost' : 'nobody@localhost' }),
        client.request('ping'),
      ]),
    );
    for (const [i, answer] of answers.entries()) {
      if (i % 2 === 1) expect(answer).toMatchObject({ pid: server.pid });
      else expect(answer).toBe(i % 4 === 0);
    }
    for (const client of clients) client.close();
  });

  it.each([
    ['what is no JSON', 'hello\n', null, 'bad_request'],
    ['what is no object', '5\n', null, 'bad_request'],
    ['a request without a number', '{"command":"ping"}\n', null, 'bad_request'],
    ['arguments that are a list', '{"id":1,"command":"ping","args":[]}\n', null, 'bad_request'],
    ['an unknown command', '{"id":7,"command":"__proto__"}\n', 7, 'unknown_command'],
    ['a missing argument', '{"id":8,"command":"user_exists"}\n', 8, 'bad_request'],
    [
      'an argument of the wrong type',
      '{"id":9,"command":"user_exists","args":{"jid":5}}\n',
      9,
      'bad_request',
    ],
    [
      'a page that is too small',
      '{"id":9,"command":"user_list","args":{"domain":"localhost","limit":0}}\n',
      9,
      'bad_request',
    ],
    ['a relative file', '{"id":9,"command":"backup","args":{"file":"copy.db"}}\n', 9, 'bad_request'],
  ])('refuses %s, and goes on', async (_what, line, id, code) => {
    const client = await RawClient.connect();
    client.send(line);
    expect(await client.reply()).toMatchObject({ id, error: { code } });
    client.send('{"id":1,"command":"ping"}\n');
    expect(await client.reply()).toMatchObject({ id: 1, result: { pid: server.pid } });
    client.close();
  });

  it('does not let a request pollute anything', async () => {
    const client = await RawClient.connect();
    client.send('{"id":1,"command":"user_exists","args":{"__proto__":{"jid":"romeo@localhost"}}}\n');
    expect(await client.reply()).toMatchObject({ error: { code: 'bad_request' } });
    client.close();
  });

  it('takes a request of the largest size, and refuses a larger one', async () => {
    const client = await RawClient.connect();
    const head = '{"id":1,"command":"ping","args":{"x":"';
    client.send(`${head}${'x'.repeat(REQUEST_BYTES_MAX - head.length - 3)}"}}\n`);
    expect(await client.reply()).toMatchObject({ result: { pid: server.pid } });
    client.send('x'.repeat(REQUEST_BYTES_MAX + 1));
    expect(await client.reply()).toMatchObject({ error: { code: 'request_too_large' } });
    await client.closed();
  });

  it('reads requests in pieces, and several at once', async () => {
    const client = await RawClient.connect();
    for (const character of '{"id":1,"command":"ping"}\n') client.send(character);
    client.send('\n{"id":2,"command":"ping"}\n{"id":3,"command":"ping"}\n');
    const ids = [await client.reply(), await client.reply(), await client.reply()].map(({ id }) => id);
    expect(ids.sort()).toEqual([1, 2, 3]);
    client.close();
  });

  it('refuses too many connections, and takes new ones when others have gone', async () => {
    const clients = await Promise.all(Array.from({ length: CONNECTIONS_MAX }, () => RawClient.connect()));
    // All are accepted once the last of them was answered.
    clients.at(-1)!.send('{"id":1,"command":"ping"}\n');
    await clients.at(-1)!.reply();
    const tooMany = await RawClient.connect();
    expect(await tooMany.reply()).toMatchObject({ error: { code: 'too_many_connections' } });
    await tooMany.closed();
    for (const client of clients) client.close();
    await Promise.all(clients.map((client) => client.closed()));
    // The server hears of it a moment later than we do.
    let reply: Awaited<ReturnType<RawClient['reply']>>;
    do {
      const client = await RawClient.connect();
      client.send('{"id":1,"command":"ping"}\n');
      reply = await client.reply();
      client.close();
    } while (reply.error?.code === 'too_many_connections');
    expect(reply).toMatchObject({ result: { pid: server.pid } });
  });

  it('refuses too many requests of one connection', async () => {
    const client = await RawClient.connect();
    // Traces go on until their caller has gone.
    for (let i = 0; i <= REQUESTS_MAX; i++)
      client.send(`{"id":${i},"command":"trace","args":{"jid":"romeo@localhost"}}\n`);
    let reply = await client.reply();
    while ('event' in reply) reply = await client.reply();
    expect(reply).toMatchObject({ error: { code: 'too_many_requests' } });
    await client.closed();
  });
});

describe('the file of the socket', () => {
  it('goes with the server, and is replaced when a killed server left it', async () => {
    const own = await TestServer.start({ shards: 1 });
    const socket = join(own.directory, 'data', 'meerkat.sock');
    await own.kill();
    expect(existsSync(socket)).toBe(true);
    await own.launch();
    expect((await meerkat(['--socket', socket, 'stats'])).status).toBe(0);
    const ended = own.exited();
    own.signal('SIGTERM');
    expect(await ended).toBe(0);
    expect(existsSync(socket)).toBe(false);
    await own.stop();
  });

  it.each([
    ['where somebody listens', true, 'another server listens on the admin socket'],
    ['that is an ordinary file', false, 'is not a socket'],
  ])('is not taken over %s', async (_what, isSocket, message) => {
    const socket = join(server.directory, isSocket ? 'taken.sock' : 'file.sock');
    const other = createServer().listen(isSocket ? socket : 0);
    if (!isSocket) writeFileSync(socket, 'precious');
    const config = join(server.directory, 'other.toml');
    writeFileSync(
      config,
      `[general]\n  hosts = ["localhost"]\n  shards = 1\n[[listen.c2s]]\n  port = 0\n  ip_address = "127.0.0.1"\n` +
        `[storage]\n  directory = "./other"\n[admin]\n  socket = "${socket}"\n`,
    );
    const { status, stdout, stderr } = await meerkat(['start', '--config', config]);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('[listen_failed]');
    expect(stderr).toContain(message);
    expect(existsSync(socket)).toBe(true);
    other.close();
  });

  it('may be in a place of its own', async () => {
    const socket = join(server.directory, 'elsewhere', 'admin.sock');
    const own = await TestServer.start({ shards: 1, toml: `[admin]\n  socket = "${socket}"\n` });
    expect((await meerkat(['--config', own.configFile, 'stats'])).status).toBe(0);
    await own.stop();
    expect(existsSync(socket)).toBe(false);
  });
});

describe('a command that waits', () => {
  it('ends with an error when the server goes', async () => {
    const own = await TestServer.start({ shards: 1 });
    const run = new MeerkatRun(['--config', own.configFile, 'trace', 'romeo@localhost']);
    await run.until(({ stderr }) => stderr.includes('tracing'), 'the trace begins');
    await own.kill();
    expect(await run.result()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('[connection_lost]'),
    });
    await own.stop();
  });
});
