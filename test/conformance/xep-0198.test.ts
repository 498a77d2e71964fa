import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import {
  acknowledge,
  askToResume,
  bodyOf,
  enable,
  enableResumption,
  handled,
  NS_SM,
  resume,
  unbound,
} from '../helpers/stream-management.ts';

/** XEP-0198 1.6.3, paragraph by paragraph, as far as a server of clients is concerned. */

const NS_STANZA_ERROR = 'urn:ietf:params:xml:ns:xmpp-stanzas';

let server: TestServer;
let romeo: TestClient;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo', 'juliet'],
    toml: '[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_stream_management]',
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
});

afterAll(async () => {
  await romeo.close();
  await server.stop();
});

async function juliet(): Promise<TestClient> {
  return await TestClient.login(server.port(), 'juliet@localhost/balcony');
}

function say(body: string, to = 'juliet@localhost/balcony'): void {
  romeo.send(`<message to='${to}' type='chat'><body>${body}</body></message>`);
}

describe('§2 stream feature', () => {
  it('is offered to a client that has authenticated', async () => {
    const client = await TestClient.connect(server.port());
    expect((await client.openStream('localhost')).child('sm', NS_SM)).toBeUndefined();
    client.cut();
    // `unbound` has read the features after login; asking shows that the feature is there.
    const after = await unbound(server, 'juliet@localhost');
    expect((await askToResume(after, 'x', 0)).name).toBe('failed');
    after.cut();
  });
});

describe('§3 enabling', () => {
  it('is answered with enabled or failed', async () => {
    const client = await juliet();
    expect((await enable(client, '')).name).toBe('enabled');
    await client.close();
  });

  it('names id, resume and the time in seconds if the session can be resumed', async () => {
    const client = await juliet();
    const enabled = await enable(client, "resume='1' max='60'");
    expect(enabled.attribute('resume')).toBe('true');
    expect(enabled.attribute('max')).toBe('60');
    expect(enabled.attribute('id')!.length).toBeGreaterThan(20);
    expect(enabled.attribute('location')).toBeUndefined();
    await client.close();
  });

  it('is not possible before resource binding', async () => {
    const client = await unbound(server, 'juliet@localhost');
    const failed = await enable(client);
    expect([failed.name, failed.child('unexpected-request', NS_STANZA_ERROR)?.name]).toEqual([
      'failed',
      'unexpected-request',
    ]);
    client.cut();
  });

  it('is tried once: a second attempt ends the stream with a stream error', async () => {
    const client = await juliet();
    await enable(client);
    expect((await enable(client)).name).toBe('failed');
    expect(await client.streamError()).toBe('policy-violation');
  });
});

describe('§4 acks', () => {
  it('every request is answered with the number of stanzas handled, which begins at 0 with enable', async () => {
    const client = await juliet();
    await enable(client);
    expect(await handled(client)).toBe(0);
    client.send('<presence/>'.repeat(3));
    expect(await handled(client)).toBe(3);
    client.send(`<r xmlns='${NS_SM}'/><r xmlns='${NS_SM}'/>`);
    for (let i = 0; i < 2; i++) {
      expect((await client.until(({ name }) => name === 'a')).attribute('h')).toBe('3');
    }
    await client.close();
  });

  it('an acknowledgement without h is an error', async () => {
    const client = await juliet();
    await enable(client);
    client.send(`<a xmlns='${NS_SM}'/>`);
    expect(await client.streamError()).toBe('policy-violation');
  });

  it('an acknowledgement may come without a request', async () => {
    const client = await juliet();
    await enable(client);
    say('unasked');
    expect(bodyOf(await client.message())).toBe('unasked');
    acknowledge(client, 1);
    acknowledge(client, 1);
    await client.close();
    const later = await juliet();
    await later.nothingElse();
    await later.close();
  });

  it('a message that is being stored is acknowledged when it is', async () => {
    await enable(romeo);
    for (let i = 0; i < 50; i++) say(`stored ${i}`);
    const before = await handled(romeo);
    let h = before;
    while (h < 50) h = Number((await romeo.until(({ name }) => name === 'a')).attribute('h'));
    // Whatever was acknowledged is on the disk.
    await server.kill();
    await server.launch();
    const client = await juliet();
    for (let i = 0; i < 50; i++) expect(bodyOf(await client.message())).toBe(`stored ${i}`);
    await client.close();
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  });

  it('what is unhandled when a session is given up goes into storage, with the time it was sent', async () => {
    const client = await juliet();
    await enable(client, '');
    say('unhandled');
    await client.message();
    client.cut();
    const later = await juliet();
    const message = await later.message();
    const delay = message.child('delay', 'urn:xmpp:delay')!;
    expect([bodyOf(message), delay.attribute('from')]).toEqual(['unhandled', 'localhost']);
    expect(Date.parse(delay.attribute('stamp')!)).toBeLessThanOrEqual(Date.now());
    await later.close();
  });
});

describe('§5 resumption', () => {
  it('is answered with previd and h; what was not handled is sent again', async () => {
    const client = await juliet();
    const id = await enableResumption(client);
    client.send('<presence/>');
    say('again');
    await client.message();
    client.cut();
    const back = await unbound(server, 'juliet@localhost');
    const resumed = await askToResume(back, id, 0);
    expect([resumed.name, resumed.attribute('previd'), resumed.attribute('h')]).toEqual(['resumed', id, '1']);
    expect(bodyOf(await back.message())).toBe('again');
    acknowledge(back, 1);
    await back.close();
  });

  it('of an unknown session fails with item-not-found, and a resource can be bound then', async () => {
    const client = await unbound(server, 'juliet@localhost');
    const failed = await askToResume(client, 'never-given', 0);
    expect(failed.child('item-not-found', NS_STANZA_ERROR)).toBeDefined();
    expect(await client.bind('balcony')).toBe('juliet@localhost/balcony');
    await client.close();
  });

  it('ends the old stream with conflict if it is still open', async () => {
    const client = await juliet();
    const id = await enableResumption(client);
    const back = await resume(server, 'juliet@localhost', id, 0);
    expect(await client.streamError()).toBe('conflict');
    await back.close();
  });

  it('needs no presence: the server has kept it', async () => {
    const client = await juliet();
    const id = await enableResumption(client);
    client.cut();
    const back = await resume(server, 'juliet@localhost', id, 0);
    say('by presence', 'juliet@localhost');
    expect(bodyOf(await back.message())).toBe('by presence');
    acknowledge(back, 1);
    await back.close();
  });

  it('is not possible in a session that is bound', async () => {
    const client = await juliet();
    client.send(`<resume xmlns='${NS_SM}' previd='x' h='0'/>`);
    const failed = await client.until(({ name }) => name === 'failed');
    expect(failed.child('unexpected-request', NS_STANZA_ERROR)).toBeDefined();
    // Errors are recoverable (§6).
    expect((await enable(client)).name).toBe('enabled');
    await client.close();
  });
});

describe('§6 errors', () => {
  it('too high a count is answered with handled-count-too-high inside of undefined-condition', async () => {
    const client = await juliet();
    await enable(client);
    acknowledge(client, 10);
    const error = await client.until(({ name }) => name === 'error');
    expect(error.child('undefined-condition', 'urn:ietf:params:xml:ns:xmpp-streams')).toBeDefined();
    const details = error.child('handled-count-too-high', NS_SM)!;
    expect([details.attribute('h'), details.attribute('send-count')]).toEqual(['10', '0']);
    await client.expect('close');
  });
});

describe('§7 stream closure', () => {
  it('a stream that is closed is over', async () => {
    const client = await juliet();
    const id = await enableResumption(client);
    await client.close();
    const back = await unbound(server, 'juliet@localhost');
    expect((await askToResume(back, id, 0)).name).toBe('failed');
    back.cut();
  });

  it('a stream that is not goes on, also when the client ends only the connection', async () => {
    const client = await juliet();
    const id = await enableResumption(client);
    client.socket.end();
    while ((await client.next()).kind !== 'disconnected');
    const back = await resume(server, 'juliet@localhost', id, 0);
    await back.close();
  });
});
