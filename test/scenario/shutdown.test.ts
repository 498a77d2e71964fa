import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { Gate } from '../helpers/gate.ts';
import { meerkat } from '../helpers/meerkat.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer, type TestServerOptions } from '../helpers/server.ts';
import { header } from '../helpers/xml.ts';
import { inboxOf } from './modules/inbox-support.ts';

/** How a server ends: told by signal or by command, with clients of every temper. */

let server: TestServer | undefined;

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

async function start(options: TestServerOptions = {}): Promise<TestServer> {
  server = await TestServer.start({ users: ['romeo', 'juliet', 'nurse'], shards: 2, ...options });
  return server;
}

/** A client that reads nothing of what it is sent, nor that its stream ends: it never hangs up by itself. */
async function deafClient(running: TestServer): Promise<TestClient> {
  const deaf = await TestClient.login(running.port(), 'juliet@localhost/balcony');
  deaf.socket.pause();
  const romeo = await TestClient.login(running.port(), 'romeo@localhost/orchard');
  const message = `<message to='juliet@localhost/balcony'><body>${'x'.repeat(50_000)}</body></message>`;
  // Less than what makes the server close its connection.
  for (let i = 0; i < 10; i++) romeo.send(message);
  await romeo.nothingElse();
  return deaf;
}

/** Whether nobody takes connections on a port any more. */
function isClosed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('tells every client of every shard, in any state, and exits with 0', async () => {
    const running = await start();
    const sessions = await Promise.all(
      Array.from({ length: 60 }, (_unused, i) =>
        TestClient.login(running.port(), `romeo@localhost/r${i}`, { isAvailable: false }),
      ),
    );
    const strangers = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const stranger = await TestClient.connect(running.port());
        await stranger.openStream('localhost');
        return stranger;
      }),
    );
    const silent = await TestClient.connect(running.port());
    running.signal(signal);
    for (const client of [...sessions, ...strangers])
      expect(await client.streamError()).toBe('system-shutdown');
    // RFC 6120 §4.9.1.2: who has not opened a stream gets ours first.
    await silent.expect('open');
    expect(await silent.streamError()).toBe('system-shutdown');
    expect(await running.exited()).toBe(0);
    expect(await isClosed(running.port())).toBe(true);
  });
});

describe('a server that stops', () => {
  it('does not wait for a client that does not read', async () => {
    const running = await start();
    const deaf = await deafClient(running);
    running.signal('SIGTERM');
    expect(await running.exited()).toBe(0);
    deaf.cut();
  });

  it('takes no new connections while it is at it', async () => {
    const running = await start({ isFaulty: true });
    running.strike('store', 'stall', 4_000);
    running.signal('SIGTERM');
    await eventually(() => isClosed(running.port()), 'nobody accepts');
    // Still there: the store is not done.
    process.kill(running.pid, 0);
    expect(await running.exited()).toBe(0);
  });

  it('sends away who waits to be let in, and does not let him in afterwards', async () => {
    const gate = new Gate();
    const running = await start({ isFaulty: true, toml: gate.toml });
    const stranger = await TestClient.connect(running.port(), '', { localAddress: '127.0.0.70' });
    stranger.send(header());
    await eventually(() => gate.lines('check_bl_c2s').length === 1, 'the handler thinks about it');
    running.strike('store', 'stall', 4_000);
    running.signal('SIGTERM');
    expect(await stranger.next()).toMatchObject({ kind: 'disconnected' });
    // The server is still there, because of its store, when the handler has made up its mind.
    gate.answer();
    await eventually(() => gate.lines('check_bl_c2s').length === 2, 'the handler says yes');
    expect(await running.exited()).toBe(0);
    const said = running.log.split('\n').filter((line) => !/^fault: .* begins$/.test(line));
    expect(said).toEqual(['fault: store stall', '']);
  });

  it('keeps every message that it has taken for somebody absent, in order', async () => {
    const running = await start();
    const count = 300;
    const romeo = await TestClient.login(running.port(), 'romeo@localhost/orchard');
    for (let i = 0; i < count; i++)
      romeo.send(`<message to='nurse@localhost' type='chat'><body>${i}</body></message>`);
    // The answer tells that all of them were read. Whether they are on the disk already is the store's affair.
    romeo.send("<iq type='get' id='last'><nothing xmlns='urn:test:nothing'/></iq>");
    await romeo.until((element) => element.attribute('id') === 'last');
    running.signal('SIGTERM');
    expect(await running.exited()).toBe(0);
    await running.launch();
    const nurse = await TestClient.login(running.port(), 'nurse@localhost/hall');
    const bodies: string[] = [];
    while (bodies.length < count) bodies.push((await nurse.message()).childText('body')!);
    expect(bodies).toEqual(Array.from({ length: count }, (_unused, i) => String(i)));
    await nurse.nothingElse();
    await nurse.close();
  });

  it('stores what nobody waits for, too', async () => {
    const running = await start({
      toml: '[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_inbox]\n  backend = "rdbms_async"\n',
    });
    const romeo = await TestClient.login(running.port(), 'romeo@localhost/orchard');
    const names = ['juliet', 'nurse'];
    // Who exists is asked of the store.
    for (const name of names)
      romeo.send(`<message to='${name}@localhost' type='chat'><body>known</body></message>`);
    await eventually(async () => (await inboxOf(romeo)).count === 2, 'both are known');
    for (const name of names)
      romeo.send(`<message to='${name}@localhost' type='chat'><body>the last</body></message>`);
    await romeo.iq('get', undefined, "<nothing xmlns='urn:test:nothing'/>");
    running.signal('SIGTERM');
    expect(await running.exited()).toBe(0);
    expect(running.log).not.toContain('kept_writes_lost');
    await running.launch();
    const again = await TestClient.login(running.port(), 'romeo@localhost/orchard');
    expect((await inboxOf(again)).shown.map(({ body }) => body)).toEqual(['the last', 'the last']);
    await again.close();
  });

  it('waits for a store that is slow, and loses nothing of what it was asked for', async () => {
    const running = await start({ isFaulty: true });
    const romeo = await TestClient.login(running.port(), 'romeo@localhost/orchard');
    // One that is stored goes before: whether the recipient exists needs the store, too.
    romeo.send("<message to='nurse@localhost' type='chat'><body>first</body></message>");
    await romeo.nothingElse();
    running.strike('store', 'stall', 2_000);
    for (let i = 0; i < 100; i++)
      romeo.send(`<message to='nurse@localhost' type='chat'><body>${i}</body></message>`);
    await romeo.nothingElse();
    running.signal('SIGTERM');
    expect(await running.exited()).toBe(0);
    await running.launch();
    const nurse = await TestClient.login(running.port(), 'nurse@localhost/hall');
    expect((await nurse.message()).childText('body')).toBe('first');
    for (let i = 0; i < 100; i++) expect((await nurse.message()).childText('body')).toBe(String(i));
    await nurse.close();
  });

  it('does not wait for a store that has hung for longer than drain_timeout, and says by its status that it did not', async () => {
    const running = await start({ isFaulty: true, general: 'drain_timeout = 300' });
    running.strike('store', 'stall', 60_000);
    // Nobody can tell from outside that it stands still, but an account that needs it does.
    const stranger = await TestClient.connect(running.port());
    await stranger.openStream('localhost');
    running.signal('SIGTERM');
    expect(await running.exited()).toBe(1);
    expect(running.log).toContain('"drain_timed_out"');
  });

  it('ends at once, with 1, at a second signal', async () => {
    const running = await start({ isFaulty: true });
    running.strike('store', 'stall', 60_000);
    running.signal('SIGTERM');
    await eventually(() => isClosed(running.port()), 'it has begun to stop');
    running.signal('SIGINT');
    expect(await running.exited()).toBe(1);
    expect(running.log).toContain('"stop_forced"');
    expect(running.log).not.toContain('"drain_timed_out"');
    // What the killed one left behind is in nobody's way.
    await running.launch();
  });
});

describe('meerkat stop', () => {
  it('waits for the end, and says so', async () => {
    const running = await start();
    const romeo = await TestClient.login(running.port(), 'romeo@localhost/orchard');
    const stopping = meerkat(['--config', running.configFile, 'stop', '--json']);
    expect(await romeo.streamError()).toBe('system-shutdown');
    const { pid } = running;
    expect(await stopping).toMatchObject({ status: 0, stdout: `{"pid":${pid}}\n` });
    expect(await running.exited()).toBe(0);
    const again = await meerkat(['--config', running.configFile, 'stop']);
    expect(again.status).toBe(3);
    expect(again.stderr).toContain('[server_unreachable]');
  });

  it('does not wait longer than it is told', async () => {
    const running = await start({ isFaulty: true });
    // Longer than a command takes to start on a busy machine.
    running.strike('store', 'stall', 10_000);
    const { status, stderr } = await meerkat(['--config', running.configFile, 'stop', '--timeout', '0.1']);
    expect(status).toBe(1);
    expect(stderr).toContain(`process ${running.pid} has not stopped within 0.1 s`);
    expect(stderr).toContain('[stop_timed_out]');
    expect(await running.exited()).toBe(0);
  });
});
