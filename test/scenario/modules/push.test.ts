import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { enableResumption } from '../../helpers/stream-management.ts';
import {
  chat,
  disablePush,
  enablePush,
  field,
  form,
  PUSH_SERVICE,
  published,
} from './event-pusher-support.ts';
import { LAB, loginOn, nobodyThere } from './support.ts';

/** Push notifications to users who are not there (XEP-0357 §7), on two shards. */

const FRIENDS = ['ann', 'bea', 'cat', 'dot', 'eve', 'fay', 'gil', 'hal', 'ida', 'jan', 'kim', 'lea'];
const MODULES = `
  [modules.mod_presence]
  [modules.mod_roster]
  [modules.mod_offline]
  [modules.mod_privacy]
  [modules.mod_blocking]
  [modules.mod_stream_management]
    resume_timeout = 1
`;

function serverWith(push: string, service = PUSH_SERVICE): Promise<TestServer> {
  return TestServer.start({
    users: ['romeo', 'watcher', ...FRIENDS],
    toml: `${MODULES}\n[modules.mod_event_pusher.push]\n${push}\n${service}\n${LAB}`,
  });
}

describe('of messages to absent users', () => {
  let server: TestServer;
  let romeo: TestClient;
  let watcher: TestClient;

  beforeAll(async () => {
    server = await serverWith('max_errors_in_a_row = 4\nerror_period = 0');
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    watcher = await TestClient.login(server.port(), 'watcher@localhost/desk');
  });

  afterAll(() => server.stop());

  /** Enables nodes for a user on the shard of `place`, who then leaves. */
  async function away(
    user: string,
    nodes: readonly string[],
    place: 'same' | 'other' = 'other',
    options = '',
  ): Promise<void> {
    const client = await loginOn(server, `${user}@localhost/phone`, place, romeo);
    for (const node of nodes) await enablePush(client, node, options);
    await client.close();
    await nobodyThere(romeo, `${user}@localhost`);
  }

  it('tells each node, with its options, who wrote and how many messages there are; not what', async () => {
    await away('ann', ['one', 'two'], 'other', form(field('secret', 's3') + field('device_id', 'd')));
    romeo.send(chat('ann@localhost', 'good &amp; night'));
    const both = [await published(watcher), await published(watcher)];
    expect(both.map(({ node }) => node).sort()).toEqual(['one', 'two']);
    for (const { from, summary, options, xml } of both) {
      expect(from).toBe('localhost');
      expect(summary).toEqual({
        FORM_TYPE: 'urn:xmpp:push:summary',
        'message-count': '1',
        'last-message-sender': 'romeo@localhost',
      });
      expect(options).toMatchObject({ secret: 's3', device_id: 'd' });
      expect(xml).not.toContain('night');
    }
  });

  /** The nodes that are told next, so many, in alphabetical order. */
  async function publishedNodes(count: number): Promise<string[]> {
    const nodes: string[] = [];
    for (let i = 0; i < count; i++) nodes.push((await published(watcher)).node);
    return nodes.sort();
  }

  /** What is stored of a user, as text. */
  async function exported(user: string): Promise<string> {
    const answer = await romeo.iq(
      'get',
      'localhost',
      `<export xmlns='urn:test:lab'>${user}@localhost</export>`,
    );
    return answer.elements()[0]!.text();
  }

  it('tells nothing of messages without a text, of errors, headlines and normal ones, nor of users who enabled nothing', async () => {
    await away('bea', ['bea-node']);
    romeo.send(
      "<message to='bea@localhost' type='chat'><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
    );
    romeo.send("<message to='bea@localhost' type='chat'><body/></message>");
    romeo.send(chat('bea@localhost', 'no', 'headline'));
    romeo.send(chat('bea@localhost', 'no', 'normal'));
    romeo.send(chat('bea@localhost', 'no', 'error'));
    romeo.send(chat('lea@localhost', 'nobody is told'));
    romeo.send(chat('bea@localhost', 'yes'));
    expect((await published(watcher)).node).toBe('bea-node');
    await watcher.nothingElse();
  });

  it('tells of group chats by the full address', async () => {
    await away('cat', ['cat-node'], 'same');
    romeo.send(chat('cat@localhost', 'to all', 'groupchat'));
    expect((await published(watcher)).summary['last-message-sender']).toBe('romeo@localhost/orchard');
    await romeo.message();
  });

  it('tells nothing while the user is there, whatever his priority', async () => {
    const dot = await loginOn(server, 'dot@localhost/phone', 'other', romeo, { priority: -1 });
    await enablePush(dot, 'dot-node');
    romeo.send(chat('dot@localhost', 'stored, but he is there'));
    await romeo.iq('get', 'localhost', "<where xmlns='urn:test:lab'/>");
    await dot.available(1);
    romeo.send(chat('dot@localhost', 'delivered'));
    await dot.message();
    await dot.message();
    await dot.close();
    await nobodyThere(romeo, 'dot@localhost');
    romeo.send(chat('dot@localhost', 'third'));
    expect((await published(watcher)).node).toBe('dot-node');
    await watcher.nothingElse();
  });

  it('ends when it is disabled: one node, or all of a service', async () => {
    const eve = await loginOn(server, 'eve@localhost/phone', 'other', romeo);
    for (const node of ['e1', 'e2', 'e3']) await enablePush(eve, node);
    await enablePush(eve, 'other-service', '', 'localhost', 'app@push.test');
    romeo.send(chat('eve@localhost', 'read'));
    await eve.message();
    await eve.close();
    await nobodyThere(romeo, 'eve@localhost');
    romeo.send(chat('eve@localhost', 'first'));
    const first = await Promise.resolve([
      await published(watcher),
      await published(watcher),
      await published(watcher),
      await published(watcher),
    ]);
    expect(first.map(({ node }) => node).sort()).toEqual(['e1', 'e2', 'e3', 'other-service']);
    const again = await loginOn(server, 'eve@localhost/phone', 'same', romeo);
    await disablePush(again, 'e2');
    await again.close();
    await nobodyThere(romeo, 'eve@localhost');
    romeo.send(chat('eve@localhost', 'second'));
    const second = [await published(watcher), await published(watcher), await published(watcher)];
    expect(second.map(({ node }) => node).sort()).toEqual(['e1', 'e3', 'other-service']);
    const last = await loginOn(server, 'eve@localhost/phone', 'other', romeo);
    await disablePush(last);
    await last.close();
    await nobodyThere(romeo, 'eve@localhost');
    romeo.send(chat('eve@localhost', 'third'));
    expect((await published(watcher)).node).toBe('other-service');
    await watcher.nothingElse();
  });

  it('ends when the service says that the node is gone; not for other errors', async () => {
    await away('fay', ['gone-1', 'forbidden-1', 'internal-1', 'away-1', 'busy-1']);
    romeo.send(chat('fay@localhost', 'first'));
    expect(await publishedNodes(5)).toEqual(['away-1', 'busy-1', 'forbidden-1', 'gone-1', 'internal-1']);
    while (/gone-1|forbidden-1/.test(await exported('fay')));
    // All shards know it when the store has been told; the others are told still.
    await romeo.iq('get', 'localhost', "<where xmlns='urn:test:lab'/>");
    romeo.send(chat('fay@localhost', 'second'));
    expect(await publishedNodes(3)).toEqual(['away-1', 'busy-1', 'internal-1']);
    await watcher.nothingElse();
  });

  it('ends after enough errors in a row that may pass (XEP-0357 §7.1), and comes back when it is enabled again', async () => {
    await away('jan', ['away-2', 'busy-2', 'flaky-2', 'fine-2']);
    for (let i = 0; i < 4; i++) {
      romeo.send(chat('jan@localhost', `message ${i}`));
      expect(await publishedNodes(4)).toEqual(['away-2', 'busy-2', 'fine-2', 'flaky-2']);
      // Answers come in the order of the publications: so the last of them were counted, too.
      await romeo.iq('get', 'localhost', "<where xmlns='urn:test:lab'/>");
    }
    while (/away-2|busy-2/.test(await exported('jan')));
    await romeo.iq('get', 'localhost', "<where xmlns='urn:test:lab'/>");
    for (let i = 0; i < 3; i++) {
      romeo.send(chat('jan@localhost', 'the others go on'));
      expect(await publishedNodes(2)).toEqual(['fine-2', 'flaky-2']);
    }
    await watcher.nothingElse();
    await away('jan', ['busy-2']);
    for (let i = 0; i < 3; i++) {
      romeo.send(chat('jan@localhost', 'all again'));
      expect(await publishedNodes(3)).toEqual(['busy-2', 'fine-2', 'flaky-2']);
    }
  });

  it('tells a slow service of the latest only when it has answered', async () => {
    await away('gil', ['held-1']);
    for (let i = 0; i < 20; i++) romeo.send(chat('gil@localhost', `message ${i}`));
    expect((await published(watcher)).node).toBe('held-1');
    romeo.send(chat('bea@localhost', 'meanwhile others are told'));
    expect((await published(watcher)).node).toBe('bea-node');
    await watcher.nothingElse();
    watcher.send(chat('push.test', 'answer'));
    expect((await published(watcher)).node).toBe('held-1');
    await watcher.nothingElse();
    watcher.send(chat('push.test', 'answer'));
    await watcher.nothingElse();
  });

  it('tells nothing of what the user does not want, or a module keeps back', async () => {
    const hal = await loginOn(server, 'hal@localhost/phone', 'other', romeo);
    await enablePush(hal, 'hal-node');
    await hal.iq('set', undefined, "<block xmlns='urn:xmpp:blocking'><item jid='romeo@localhost'/></block>");
    await hal.close();
    await nobodyThere(romeo, 'hal@localhost');
    romeo.send(chat('hal@localhost', 'blocked'));
    await romeo.message();
    romeo.send(chat('hal@localhost', 'blocked', 'groupchat'));
    await romeo.message();
    romeo.send(chat('bea@localhost', 'a secret'));
    watcher.send(chat('hal@localhost', 'not blocked'));
    expect((await published(watcher)).node).toBe('hal-node');
    await watcher.nothingElse();
  });

  it('tells of messages of a session that was not resumed, when it has ended; once', async () => {
    const ida = await loginOn(server, 'ida@localhost/phone', 'other', romeo);
    await enablePush(ida, 'ida-node');
    await enableResumption(ida);
    ida.cut();
    romeo.send(chat('ida@localhost/phone', 'into the void'));
    const told = await published(watcher);
    expect(told.node).toBe('ida-node');
    expect(told.summary['last-message-sender']).toBe('romeo@localhost');
    await nobodyThere(romeo, 'ida@localhost');
    await watcher.nothingElse();
  });
});

describe('with the text, and the number of an inbox', () => {
  it('are what the operator wants', async () => {
    const service = PUSH_SERVICE.replace(/\n+$/, '\n  unread = 7\n');
    const server = await serverWith('include_body = true', service);
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const watcher = await TestClient.login(server.port(), 'watcher@localhost/desk');
      const ann = await loginOn(server, 'ann@localhost/phone', 'other', romeo);
      await enablePush(ann, 'one');
      await ann.close();
      await nobodyThere(romeo, 'ann@localhost');
      romeo.send(chat('ann@localhost', 'good night'));
      expect((await published(watcher)).summary).toMatchObject({
        'message-count': '7',
        'last-message-body': 'good night',
      });
    } finally {
      await server.stop();
    }
  });
});

describe('with mod_inbox', () => {
  it('tell how many messages of that conversation are unread, from 1 again when they were read', async () => {
    const server = await TestServer.start({
      users: ['romeo', 'watcher', 'ann', 'bea'],
      toml: `${MODULES}\n[modules.mod_inbox]\n[modules.mod_event_pusher.push]\n${PUSH_SERVICE}${LAB}`,
    });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const watcher = await TestClient.login(server.port(), 'watcher@localhost/desk');
      const bea = await loginOn(server, 'bea@localhost/desk', 'other', romeo);
      const ann = await loginOn(server, 'ann@localhost/phone', 'other', romeo);
      await enablePush(ann, 'one');
      await ann.close();
      await nobodyThere(romeo, 'ann@localhost');
      const told = async (from: TestClient): Promise<(string | undefined)[]> => {
        from.send(chat('ann@localhost', 'are you there?'));
        const { summary } = await published(watcher);
        return [summary['last-message-sender'], summary['message-count']];
      };
      for (const count of ['1', '2', '3']) expect(await told(romeo)).toEqual(['romeo@localhost', count]);
      expect(await told(bea)).toEqual(['bea@localhost', '1']);
      const back = await loginOn(server, 'ann@localhost/phone', 'same', romeo);
      const read =
        "<query xmlns='erlang-solutions.com:xmpp:inbox:0#conversation' jid='romeo@localhost'><read>true</read></query>";
      expect((await back.iq('set', undefined, read)).attribute('type')).toBe('result');
      await back.close();
      await nobodyThere(romeo, 'ann@localhost');
      expect(await told(romeo)).toEqual(['romeo@localhost', '1']);
      expect(await told(bea)).toEqual(['bea@localhost', '2']);
    } finally {
      await server.stop();
    }
  });
});
