import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestClient } from '../../helpers/client.ts';
import type { TestServer } from '../../helpers/server.ts';
import { enableResumption } from '../../helpers/stream-management.ts';
import { chat, disablePush, enablePush, published } from './event-pusher-support.ts';
import { startPush } from './push-support.ts';
import { loginOn, messagesUntilNow, nobodyThere, resumeOn, stopSession } from './support.ts';

/** Push notifications of what a client without a connection has not acknowledged (XEP-0198, XEP-0357), on two shards. */

const CHAT_STATE = "<active xmlns='http://jabber.org/protocol/chatstates'/>";

let server: TestServer;
let romeo: TestClient;
let watcher: TestClient;

function useServer(plugin: string, timeout = 600): void {
  beforeAll(async () => {
    ({ server, romeo, watcher } = await startPush(plugin, `resume_timeout = ${timeout}`));
  });

  afterAll(() => server.stop());
}

/** A client with notifications, whose session can be resumed. */
async function resumable(user: string, resource = 'phone'): Promise<{ client: TestClient; id: string }> {
  const client = await loginOn(server, `${user}@localhost/${resource}`, 'other', romeo);
  await enablePush(client, `${user}-${resource}`);
  return { client, id: await enableResumption(client) };
}

/** A message to somebody who is certainly told: what should not be told would have come before it. */
async function nothingTold(): Promise<void> {
  romeo.send(chat('absent@localhost', 'the end'));
  expect((await published(watcher)).node).toBe('absent-node');
  await watcher.nothingElse();
}

/** A call (XEP-0353). */
function call(to: string, hint = "<store xmlns='urn:xmpp:hints'/>"): string {
  return (
    `<message to='${to}' type='chat'><propose xmlns='urn:xmpp:jingle-message:0' id='ca3cf894'>` +
    `<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>${hint}</message>`
  );
}

describe('by default', () => {
  useServer('defaults');

  it('there are none while the session can be resumed', async () => {
    const { client } = await resumable('ann');
    client.cut();
    romeo.send(chat('ann@localhost', 'are you there?'));
    await nothingTold();
  });
});

describe('with enhanced', () => {
  useServer('mod_event_pusher_push_plugin_enhanced');

  it('the node of the lost client is told at once: of what it has, and of what comes', async () => {
    const { client } = await resumable('ann');
    romeo.send(chat('ann@localhost', 'received and not acknowledged'));
    await client.message();
    await nothingTold();
    client.cut();
    expect((await published(watcher)).node).toBe('ann-phone');
    romeo.send(chat('ann@localhost', 'comes later'));
    const { node, summary } = await published(watcher);
    expect([node, summary['last-message-sender']]).toEqual(['ann-phone', 'romeo@localhost']);
    await nothingTold();
  });

  it('a client that the server has given up is told the same way', async () => {
    const { client } = await resumable('fay');
    romeo.send(chat('fay@localhost', 'received and not acknowledged'));
    await client.message();
    await stopSession(client);
    expect((await published(watcher)).node).toBe('fay-phone');
    await nothingTold();
  });

  it('two sessions that wait are told by their own nodes', async () => {
    const { client: phone } = await resumable('bea');
    const { client: tablet } = await resumable('bea', 'tablet');
    phone.cut();
    tablet.cut();
    romeo.send(chat('bea@localhost', 'to both'));
    const both = [await published(watcher), await published(watcher)];
    expect(both.map(({ node }) => node).sort()).toEqual(['bea-phone', 'bea-tablet']);
    await nothingTold();
  });

  it.each([
    ['same', 'cat'],
    ['other', 'dot'],
  ] as const)(
    'the node goes with the session to the %s shard, and a message is told once',
    async (place, user) => {
      const { client, id } = await resumable(user);
      client.cut();
      romeo.send(chat(`${user}@localhost`, 'once'));
      expect((await published(watcher)).node).toBe(`${user}-phone`);
      const back = await resumeOn(server, place, romeo, `${user}@localhost/phone`, id, 0);
      await messagesUntilNow(back);
      back.cut();
      romeo.send(chat(`${user}@localhost`, 'another'));
      expect((await published(watcher)).node).toBe(`${user}-phone`);
      await nothingTold();
    },
  );

  it('a node that another session disabled is told nothing more; other sessions keep theirs', async () => {
    const { client: phone } = await resumable('eve');
    const { client: tablet } = await resumable('eve', 'tablet');
    const desk = await loginOn(server, 'eve@localhost/desk', 'same', romeo, { isAvailable: false });
    await disablePush(desk, 'eve-phone');
    phone.cut();
    tablet.cut();
    romeo.send(chat('eve@localhost', 'to whom?'));
    expect((await published(watcher)).node).toBe('eve-tablet');
    await nothingTold();
  });

  it('nothing is told of what has no text', async () => {
    const { client } = await resumable('ann', 'desk');
    client.cut();
    romeo.send(`<message to='ann@localhost/desk' type='chat'>${CHAT_STATE}</message>`);
    romeo.send(call('ann@localhost/desk'));
    await nothingTold();
  });
});

describe('with enhanced, when a session ends that was not resumed', () => {
  useServer('enhanced', 1);

  it('the nodes are told that have not been told before', async () => {
    const { client } = await resumable('ann');
    await enablePush(client, 'tablet-node');
    client.cut();
    romeo.send(chat('ann@localhost/phone', 'into the void'));
    // The last one that the client has enabled is its own.
    expect((await published(watcher)).node).toBe('tablet-node');
    expect((await published(watcher)).node).toBe('ann-phone');
    await nobodyThere(romeo, 'ann@localhost');
    await nothingTold();
  });
});

describe('with hints', () => {
  useServer('hints');

  it('calls are told, too, to whoever waits and to whoever is not there; what is not to be stored is not', async () => {
    const { client } = await resumable('ann');
    client.cut();
    const expected = {
      FORM_TYPE: 'urn:xmpp:push:summary',
      'message-count': '1',
      'message-sender': 'romeo@localhost',
      'jingle-message': 'propose',
      'jingle-session-id': 'ca3cf894',
    };
    for (const [user, node] of [
      ['ann', 'ann-phone'],
      ['absent', 'absent-node'],
    ]) {
      romeo.send(call(`${user}@localhost`));
      const told = await published(watcher);
      expect([told.node, told.summary]).toEqual([node, expected]);
    }
    romeo.send(call('ann@localhost', ''));
    romeo.send(
      "<message to='ann@localhost' type='chat'><body>x</body><no-store xmlns='urn:xmpp:hints'/></message>",
    );
    await nothingTold();
  });
});
