import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { eventually } from '../../helpers/process.ts';
import { TestServer } from '../../helpers/server.ts';
import { says, type WebCall, WebService } from '../../helpers/web-service.ts';
import { chat, counted, events, METRICS } from './event-pusher-support.ts';
import { LAB, loginOn } from './support.ts';

/** A service outside that says which messages may go, on two shards. */

let service: WebService;
let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;

interface Variables {
  readonly body: string;
  readonly rawData: string;
  readonly externalId: string;
  readonly recipient: string;
  readonly sender: string;
}

function variablesOf({ body }: WebCall): Variables {
  return (JSON.parse(body) as { variables: Variables }).variables;
}

const verdict = (action: string): string => JSON.stringify({ data: { verifyMessage: { action } } });

/** Blocks what has `rude` in it. */
const strict: WebService['answer'] = (call, response) => {
  response.end(verdict(variablesOf(call).body.includes('rude') ? 'BLOCK' : 'ALLOW'));
};

beforeAll(async () => {
  service = await WebService.start();
  service.answer = strict;
  server = await TestServer.start({
    users: ['romeo', 'juliet'],
    toml: `
      [modules.mod_presence]
      [modules.mod_offline]
      [modules.mod_stanzaid]
      [modules.mod_external_filter]
        pool_tag = "filter"
      ${service.pool('filter', 'path_prefix = "/graphql"\nrequest_timeout = 2500')}
      ${LAB}
      ${METRICS}
    `,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
});

afterAll(async () => {
  await server.stop();
  await service.stop();
});

afterEach(() => {
  service.answer = strict;
  service.forget();
});

async function text(client = juliet): Promise<string | undefined> {
  return (await client.message()).childText('body');
}

describe('a message with a text', () => {
  it('is asked about, with all that is known of it', async () => {
    romeo.send(chat('juliet@localhost/balcony', 'a &lt;b&gt; "c"'));
    const delivered = await juliet.message();
    const call = await service.next();
    expect([call.method, call.url]).toEqual(['POST', '/graphql/']);
    expect(call.headers).toMatchObject({
      accept: 'application/json',
      'content-type': 'application/graphql-response+json',
    });
    expect(JSON.parse(call.body).query).toMatch(/^mutation verifyMessage/);
    const { body, rawData, externalId, recipient, sender } = variablesOf(call);
    expect([body, recipient, sender]).toEqual([
      'a <b> "c"',
      'juliet@localhost/balcony',
      'romeo@localhost/orchard',
    ]);
    expect(rawData).toMatch(/^<message .*<body>a &lt;b&gt; "c"<\/body><\/message>$/);
    expect(externalId).toMatch(/^[0-9]+$/);
    const id = delivered.child('stanza-id', 'urn:xmpp:sid:0')?.attribute('id');
    expect(BigInt(externalId).toString(32).toUpperCase()).toBe(id);
  });

  it('that may not go ends there, and its sender hears nothing', async () => {
    const blocked = await events(server, 'mod_external_filter_blocked');
    romeo.send(chat('juliet@localhost', 'rude'));
    romeo.send(chat('juliet@localhost', 'kind'));
    expect(await text()).toBe('kind');
    await juliet.nothingElse();
    await romeo.nothingElse();
    expect(await events(server, 'mod_external_filter_blocked')).toBe(blocked + 1);
  });

  it('keeps its place: what its sender sends waits, what others send does not', async () => {
    let release = (): void => {};
    service.answer = (_call, response) => {
      release = () => void response.end(verdict('ALLOW'));
    };
    romeo.send(chat('juliet@localhost', 'first'));
    romeo.send("<message to='juliet@localhost' type='chat'><thread>second</thread></message>");
    await service.next();
    juliet.send("<message to='romeo@localhost' type='chat'><thread>meanwhile</thread></message>");
    expect((await romeo.message()).childText('thread')).toBe('meanwhile');
    release();
    expect(await text()).toBe('first');
    expect((await juliet.message()).childText('thread')).toBe('second');
  });
});

it('nothing else is asked about', async () => {
  const { count } = service;
  romeo.send(
    "<message to='juliet@localhost' type='chat'><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
  );
  romeo.send("<message to='juliet@localhost'><embody xmlns='x'>rude</embody></message>");
  await juliet.message();
  await juliet.message();
  expect(service.count).toBe(count);
});

describe('a service that', () => {
  it.each([
    ['cannot be understood', says(200, 'no json')],
    ['says something else', says(200, verdict('PERHAPS'))],
    ['says nothing of it', says(200, '{"data":{"verifyMessage":null}}')],
    ['hides its answer', says(200, '[{"data":{"verifyMessage":{"action":"BLOCK"}}}]')],
    ['has errors', says(200, `{"errors":[{"message":"x"}],"data":{"verifyMessage":{"action":"BLOCK"}}}`)],
    ['refuses', says(400, verdict('BLOCK'))],
    ['sends us elsewhere', says(302, verdict('BLOCK'), { Location: '/elsewhere' })],
    ['says too much', says(200, verdict('BLOCK') + ' '.repeat(100_000))],
    ['fails', says(500, verdict('BLOCK'))],
    ['does not answer', () => {}],
  ] as const)('%s stops nothing', async (_what, answer) => {
    const unanswered = await events(server, 'mod_external_filter_unanswered');
    service.answer = answer;
    romeo.send(chat('juliet@localhost', 'rude'));
    expect(await text()).toBe('rude');
    await counted(server, 'mod_external_filter_unanswered', unanswered + 1);
    // So that failures in a row do not add up to one that is left alone.
    service.answer = strict;
    romeo.send(chat('juliet@localhost', 'kind'));
    expect(await text()).toBe('kind');
  });

  it('is gone stops nothing, and is asked again when it is back', async () => {
    await service.stop();
    for (let i = 0; i < 20; i++) {
      romeo.send(chat('juliet@localhost', `rude ${i}`));
      expect(await text()).toBe(`rude ${i}`);
    }
    await service.listen();
    await eventually(async () => {
      romeo.send(chat('juliet@localhost', 'rude again'));
      romeo.send("<message to='juliet@localhost'><subject>the end</subject></message>");
      const message = await juliet.message();
      if (message.childText('subject') !== undefined) return true;
      await juliet.message();
      return false;
    }, 'a message is blocked');
  });
});
