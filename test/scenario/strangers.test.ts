import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { descriptors, eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { header, plain } from '../helpers/xml.ts';

/** What people without an account can try: threats T19, T20 and T30. */

async function greeted(port: number, localAddress = '127.0.0.1'): Promise<TestClient> {
  const client = await TestClient.connect(port, '', { localAddress });
  client.send(header());
  await client.expect('open');
  await client.element();
  return client;
}

describe('T20 a header that says where a connection really comes from', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ users: ['romeo'], shards: 1 });
  });

  afterAll(() => server.stop());

  it.each<[string, string | Buffer]>([
    ['PROXY, version 1', `PROXY TCP4 192.0.2.7 192.0.2.8 40000 5222\r\n${header()}`],
    ['PROXY, version 1, of nobody', `PROXY UNKNOWN\r\n${header()}`],
    ['PROXY, version 1, without end', `PROXY TCP4 ${'1'.repeat(10_000)}`],
    [
      'PROXY, version 2',
      Buffer.concat([
        Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000207c00002089c401466', 'hex'),
        Buffer.from(header()),
      ]),
    ],
    ['X-Forwarded-For', `GET / HTTP/1.1\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n${header()}`],
  ])('is no XMPP: %s', async (_what, input) => {
    const client = await TestClient.connect(server.port());
    client.send(input);
    await client.expect('open');
    expect(['not-well-formed', 'policy-violation']).toContain(await client.streamError());
  });
});

describe('T30 guessing one account’s password', () => {
  it('is slowed down by address; the owner logs in from elsewhere meanwhile, and nothing is locked', async () => {
    const server = await TestServer.start({
      users: ['juliet'],
      // Written here because the helper lifts the limits.
      config: `
        [general]
          hosts = ["localhost"]
          loglevel = "critical"
          shards = 2
        [[listen.c2s]]
          port = 0
          ip_address = "127.0.0.1"
          connections_per_second_per_address = 3
        [storage]
          directory = "./data"
        [modules.mod_presence]`,
    });
    let guesses = 0;
    let refused = 0;
    // Four guesses for a connection, three new connections a second.
    for (let i = 0; i < 20; i++) {
      const client = await TestClient.connect(server.port(), '', { localAddress: '127.0.0.66' });
      client.send(header() + plain('juliet', 'wrong').repeat(4));
      let isOpen = false;
      for (let heard = await client.next(); heard.kind !== 'disconnected'; heard = await client.next()) {
        if (heard.kind === 'open') isOpen = true;
        if (heard.kind === 'element' && heard.element.name === 'failure') guesses++;
      }
      if (!isOpen) refused++;
      if (i === 10) await (await TestClient.login(server.port(), 'juliet@localhost/balcony')).close();
    }
    expect(refused).toBeGreaterThan(0);
    expect(guesses).toBe((20 - refused) * 4);
    await (await TestClient.login(server.port(), 'juliet@localhost/balcony')).close();
    await server.stop();
  });
});

describe('T19 more connections than there are file descriptors', () => {
  it('leave those that are there alone; when some have gone, others can come', async () => {
    const server = await TestServer.start({ users: ['romeo', 'juliet'], shards: 2 });
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const limit = descriptors(server.pid) + 40;
    expect(spawnSync('prlimit', [`--pid=${server.pid}`, `--nofile=${limit}:${limit}`]).status).toBe(0);
    const crowd: TestClient[] = [];
    for (let i = 0; i < 100; i++) crowd.push(await TestClient.connect(server.port()));
    for (const client of crowd) client.send(header());
    await eventually(() => descriptors(server.pid) >= limit - 3, 'all descriptors are in use');
    // What the server does once a second is done without descriptors, too.
    const until = Date.now() + 1_500;
    await eventually(() => Date.now() > until, 'a second passes');
    await romeo.nothingElse();
    for (const client of crowd) client.cut();
    await eventually(() => descriptors(server.pid) < limit - 30, 'descriptors are given back');
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    romeo.send("<message to='juliet@localhost'><body>Still here</body></message>");
    expect((await juliet.message()).childText('body')).toBe('Still here');
    await (await greeted(server.port())).close();
    const lines = server.log.split('\n').slice(0, -1);
    for (const line of lines) expect(line).toMatch(/"what":"(accept_failed|connection_refused)"/);
    expect(lines.length).toBeLessThan(10);
    await server.stop();
  });
});
