import { execFileSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { countServed } from '../helpers/connections.ts';
import { descriptors, eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { messagesUntilNow } from '../scenario/modules/support.ts';

/** Threat T19: the process runs out of file descriptors. Linux only: the limit is lowered while the server runs. */

const SPARE = 40;
const FLOOD = 400;
/** More than there are descriptors for. */
const CONNECTIONS_MAX = SPARE + 60;

let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;
let flood: Socket[] = [];

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse'],
    // The backlog is smaller than the flood: most of it cannot even wait in the queue.
    // Nobody who counts connections runs out of time meanwhile.
    c2s: `backlog = 16\n max_connections = ${CONNECTIONS_MAX}\n state_timeout = "infinity"`,
    // To wait for a connection that does not exist takes longer than the test may.
    general: 'drain_timeout = 600_000',
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
});

afterAll(async () => {
  for (const socket of flood) socket.destroy();
  // Not in order: that may take as long as `drain_timeout` if it fails to do what it is tested for.
  server.signal('SIGKILL');
  await server.stop();
});

/** A connection that says nothing; what becomes of it is not waited for. */
function silent(): Socket {
  const socket = connect(server.port(), '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  return socket;
}

/** Sets the soft limit of the server's descriptors. */
function limitDescriptors(max: number): void {
  execFileSync('prlimit', ['--pid', String(server.pid), `--nofile=${max}:`]);
}

async function chat(text: string): Promise<void> {
  romeo.send(`<message to='juliet@localhost/balcony' type='chat'><body>${text}</body></message>`);
  expect((await juliet.message()).childText('body')).toBe(text);
}

describe('a server without free file descriptors', () => {
  it('serves those who are there, stores messages, sheds newcomers, and takes them again when there is room', async () => {
    await chat('before');
    const before = descriptors(server.pid);
    const max = before + SPARE;
    limitDescriptors(max);
    flood = Array.from({ length: FLOOD }, silent);
    await eventually(() => descriptors(server.pid) >= max - 1, 'no descriptor is left');

    for (let i = 0; i < 20; i++) await chat(`meanwhile ${i}`);
    // The store has its files open already.
    romeo.send("<message to='nurse@localhost' type='chat' id='kept'><body>x</body></message>");
    await romeo.nothingElse();
    // The limit counts numbers of descriptors; a few higher ones may have been open before.
    expect(descriptors(server.pid)).toBeLessThan(max + SPARE);

    for (const socket of flood) socket.destroy();
    // All of them, also those of connections that came to nothing halfway.
    await eventually(() => descriptors(server.pid) <= before, 'descriptors are free again');
    await chat('after');
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/hall', { isAvailable: false });
    nurse.send('<presence/>');
    expect((await messagesUntilNow(nurse)).map((message) => message.attribute('id'))).toEqual(['kept']);
    // It says so, but not once for each of them.
    const lines = server.log.split('\n').filter((line) => line.includes('accept_failed'));
    expect(lines.length).toBeLessThanOrEqual(10);
  });

  it('counts no connection that has come to nothing: as many as ever find room, and its end waits for nobody', async () => {
    limitDescriptors(descriptors(server.pid) + 2 * CONNECTIONS_MAX);
    // Romeo, Juliet and the nurse have the others.
    expect(await countServed(server.port(), CONNECTIONS_MAX + 20)).toBe(CONNECTIONS_MAX - 3);
    server.signal('SIGTERM');
    expect(await server.exited()).toBe(0);
  });
});
