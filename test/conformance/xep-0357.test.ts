import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import {
  chat,
  enablePush,
  field,
  form,
  NS_PUSH,
  PUSH_SERVICE,
  published,
} from '../scenario/modules/event-pusher-support.ts';
import { LAB, nobodyThere } from '../scenario/modules/support.ts';

/** XEP-0357 Push Notifications: what its examples show, on the wire. */

const NODE = 'yxs32uqsflafdk3iuqo';

let server: TestServer;
let juliet: TestClient;
let watcher: TestClient;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo', 'juliet', 'watcher'],
    toml: `
      [modules.mod_presence]
      [modules.mod_offline]
      [modules.mod_disco]
      [modules.mod_event_pusher.push]
        include_body = true
      ${PUSH_SERVICE}
      ${LAB}
    `,
  });
  juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  watcher = await TestClient.login(server.port(), 'watcher@localhost/desk');
});

afterAll(() => server.stop());

/** Romeo says something to the server and leaves. */
async function romeo(...payloads: string[]): Promise<(string | undefined)[]> {
  const client = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  const answers: (string | undefined)[] = [];
  for (const payload of payloads) {
    // "An IQ-set to the user's bare JID": so is one without an address.
    const answer = await client.iq('set', undefined, payload);
    answers.push(answer.attribute('type'));
    expect(answer.elements()).toEqual([]);
  }
  await client.close();
  await nobodyThere(juliet, 'romeo@localhost');
  return answers;
}

const enable = (node: string, x = ''): string =>
  `<enable xmlns='${NS_PUSH}' jid='push.test' node='${node}'>${x}</enable>`;

const secret = (value: string): string => form(field('secret', value));

describe('§4.1, what the account announces', () => {
  it('has the feature, which the server itself has as well', async () => {
    const answer = await juliet.iq(
      'get',
      'juliet@localhost',
      "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    );
    const features = answer
      .elements()[0]!
      .elements()
      .map((feature) => feature.attribute('var'));
    expect(features).toContain(NS_PUSH);
  });
});

describe('§5, enabling', () => {
  it('"the server SHOULD use the last received request for any publish options"', async () => {
    expect(await romeo(enable(NODE, secret('first')), enable(NODE, secret('last')))).toEqual([
      'result',
      'result',
    ]);
    juliet.send(chat('romeo@localhost', 'Wherefore art thou?'));
    expect((await published(watcher)).options).toMatchObject({ secret: 'last' });
  });

  it('"multiple times for a user only if different node values are provided"', async () => {
    await romeo(enable(NODE), enable('other'), enable(NODE));
    juliet.send(chat('romeo@localhost', 'Wherefore art thou?'));
    const nodes = [(await published(watcher)).node, (await published(watcher)).node];
    expect(nodes.sort()).toEqual(['other', NODE].sort());
    await watcher.nothingElse();
  });
});

describe('§6, disabling', () => {
  it('"only that combination of JID and node" with a node, "all enabled entries for the specified service" without', async () => {
    await romeo(enable(NODE), enable('other'), `<disable xmlns='${NS_PUSH}' jid='push.test' node='other'/>`);
    juliet.send(chat('romeo@localhost', 'Art thou there?'));
    expect((await published(watcher)).node).toBe(NODE);
    await romeo(enable('other'), `<disable xmlns='${NS_PUSH}' jid='push.test'/>`);
    juliet.send(chat('romeo@localhost', 'Art thou there?'));
    // Nothing comes before what Juliet is told of.
    await enablePush(juliet, 'juliet');
    await juliet.close();
    const nurse = await TestClient.login(server.port(), 'romeo@localhost/nurse');
    await nobodyThere(nurse, 'juliet@localhost');
    nurse.send(chat('juliet@localhost', 'Thy mother comes'));
    expect((await published(watcher)).node).toBe('juliet');
    await watcher.nothingElse();
    await nurse.close();
    juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  });
});

describe('§7, publishing', () => {
  it('is a publication with a notification, a summary, and the publish options', async () => {
    await romeo(enable(NODE, secret('eruio234vzxc2kla-91')));
    juliet.send(chat('romeo@localhost', 'Wherefore art thou, Romeo?'));
    const { xml, summary, options } = await published(watcher);
    const order = [
      "<pubsub xmlns='http://jabber.org/protocol/pubsub'",
      `<publish node='${NODE}'>`,
      '<item>',
      `<notification xmlns='${NS_PUSH}'>`,
      "<x xmlns='jabber:x:data'",
      "var='FORM_TYPE'",
      '<value>urn:xmpp:push:summary</value>',
      '</x></notification></item></publish><publish-options>',
      '<value>http://jabber.org/protocol/pubsub#publish-options</value>',
      '<value>eruio234vzxc2kla-91</value>',
      '</x></publish-options></pubsub>',
    ].map((part) => xml.indexOf(part));
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(summary).toMatchObject({
      'message-count': '1',
      'last-message-sender': 'juliet@localhost',
      'last-message-body': 'Wherefore art thou, Romeo?',
    });
    expect(options).toMatchObject({ secret: 'eruio234vzxc2kla-91' });
  });

  it('§7.1: an error of the node ends it; one that is "recoverable or transient" does not', async () => {
    await romeo(`<disable xmlns='${NS_PUSH}' jid='push.test'/>`, enable('gone'), enable('internal'));
    for (const expected of [['gone', 'internal'], ['internal']]) {
      juliet.send(chat('romeo@localhost', 'Art thou there?'));
      const nodes: string[] = [];
      for (const _ of expected) nodes.push((await published(watcher)).node);
      expect(nodes.sort()).toEqual(expected);
      while ((await exported()).includes('gone'));
    }
    await watcher.nothingElse();
  });

  async function exported(): Promise<string> {
    const answer = await juliet.iq(
      'get',
      'localhost',
      "<export xmlns='urn:test:lab'>romeo@localhost</export>",
    );
    return answer.elements()[0]!.text();
  }
});
