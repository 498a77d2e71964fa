import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { residentBytes } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { bind, header, NS_TLS, plain } from '../helpers/xml.ts';

/** Threat T60: clients that stop reading. */

const MEBIBYTE = 1_048_576;
let server: TestServer;
let romeo: TestClient;
let nurse: TestClient;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo', 'juliet', 'nurse'],
    shards: 2,
    moreC2s: ['[listen.c2s.tls]\n mode = "starttls"'],
    toml: `
      [access]
        max_user_sessions = [ {acl = "all", value = 1000} ]
      [modules.mod_presence]`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
});

afterAll(() => server.stop());

async function encrypted(resource: string): Promise<TestClient> {
  const client = await TestClient.connect(server.port('c2s', 1));
  await client.openStream('localhost');
  client.send(`<starttls xmlns='${NS_TLS}'/>`);
  await client.element();
  await client.startTls();
  client.send(`${header()}${plain('juliet')}${header()}${bind(resource)}<presence/>`);
  await client.expect('open');
  await client.until((element) => element.name === 'success');
  await client.expect('open');
  await client.until((element) => element.name === 'presence');
  return client;
}

const BODY = 'x'.repeat(60_000);

/** Sends to a full JID until the server says that nobody is there any more. Returns how many bytes it took. */
async function floodUntilGone(to: string): Promise<number> {
  for (let round = 1; round < 200; round++) {
    for (let i = 0; i < 20; i++) {
      romeo.send(`<message to='${to}' type='chat'><body>${BODY}</body></message>`);
    }
    romeo.send(`<iq type='get' id='round${round}'><nothing xmlns='urn:test:nothing'/></iq>`);
    let isGone = false;
    await romeo.until((element) => {
      if (element.name === 'message' && element.attribute('type') === 'error') isGone = true;
      return element.attribute('id') === `round${round}`;
    });
    if (isGone) return round * 20 * BODY.length;
  }
  throw new Error(`${to} is still there`);
}

describe.each([
  ['over TCP', (resource: string) => TestClient.login(server.port(), `juliet@localhost/${resource}`)],
  ['over TLS', encrypted],
])('a client that stops reading %s', (_what, login) => {
  it('is dropped when too much waits for it; others get theirs meanwhile', async () => {
    const slow = await login('slow');
    slow.socket.pause();
    let isGone = false;
    const end = floodUntilGone('juliet@localhost/slow').then((bytes) => {
      isGone = true;
      return bytes;
    });
    let rounds = 0;
    while (!isGone) {
      nurse.send(`<message to='nurse@localhost/hall' type='chat'><body>${rounds}</body></message>`);
      expect((await nurse.message()).childText('body')).toBe(String(rounds++));
    }
    // What the kernel's buffers hold comes on top of the sixteen mebibytes.
    expect(await end).toBeLessThan(64 * MEBIBYTE);
    expect(rounds).toBeGreaterThan(0);
    slow.cut();
  });
});

it('fifty of them cost a bounded amount of memory, which comes back', async () => {
  const before = residentBytes(server.pid);
  const slow: TestClient[] = [];
  for (let i = 0; i < 50; i++) {
    const client = await TestClient.login(server.port(), `juliet@localhost/slow${i}`);
    client.socket.pause();
    slow.push(client);
  }
  // To the bare JID: each message goes to all of them.
  for (let i = 0; i < 300; i++) {
    romeo.send(`<message to='juliet@localhost' type='headline' id='${i}'><body>${BODY}</body></message>`);
    if (i % 20 === 0) await nurse.nothingElse();
  }
  // Behind everything before it; messages that came back to their sender may be on the way, too.
  await romeo.iq('get', undefined, "<nothing xmlns='urn:test:nothing'/>");
  await nurse.nothingElse();
  const most = residentBytes(server.pid) - before;
  expect(most).toBeLessThan(50 * 4 * MEBIBYTE);
  for (const client of slow) client.cut();
  await nurse.nothingElse();
});
