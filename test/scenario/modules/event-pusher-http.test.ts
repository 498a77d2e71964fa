import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { eventually } from '../../helpers/process.ts';
import { TestServer } from '../../helpers/server.ts';
import { says, type WebCall, WebService } from '../../helpers/web-service.ts';
import { chat, counted, events, METRICS, PUSH_SERVICE } from './event-pusher-support.ts';
import { LAB, loginOn } from './support.ts';

/** Messages that users send, told to web services, on two shards. */

const USERS = ['romeo', 'juliet'];

let service: WebService;
let other: WebService;
let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;

beforeAll(async () => {
  service = await WebService.start();
  other = await WebService.start();
  server = await TestServer.start({
    users: USERS,
    toml: `
      [modules.mod_presence]
      [[modules.mod_event_pusher.http.handlers]]
        path = "/messages"
      [[modules.mod_event_pusher.http.handlers]]
        pool_name = "second"
      ${service.pool('http_pool', 'path_prefix = "/prefix"\nrequest_timeout = 500')}
      ${other.pool('second')}
      ${PUSH_SERVICE}
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
  await other.stop();
});

afterEach(() => {
  service.answer = says(200);
  service.forget();
  other.forget();
});

/** What was told to a service. */
const fieldsOf = ({ body }: WebCall): Record<string, string> => Object.fromEntries(new URLSearchParams(body));

/** What a service is told of this text, whatever it was told before; nothing of it may be a secret. */
async function toldOf(one: WebService, text: string): Promise<Record<string, string>> {
  for (;;) {
    const fields = fieldsOf(await one.next());
    expect(fields['message']).not.toContain('secret');
    if (fields['message'] === text) return fields;
  }
}

/** Waits until a client has got this text, whatever comes before it. */
async function hears(client: TestClient, text: string): Promise<void> {
  while ((await client.message()).childText('body') !== text);
}

// The first of all: it counts from 0.
describe('an answer', () => {
  it('is counted, and how long it took, for all services together; a failure has a number of its own', async () => {
    const HELD_MS = 100;
    const took: number[] = [];
    service.answer = (_call, response) => {
      const start = performance.now();
      setTimeout(() => {
        took.push(performance.now() - start);
        response.end();
      }, HELD_MS);
    };
    romeo.send(chat('juliet@localhost', 'one'));
    juliet.send(chat('romeo@localhost', 'two'));
    await counted(server, 'mod_event_pusher_http_sent', 4);
    expect(await events(server, 'mod_event_pusher_http_sent')).toBe(4);
    // It took the server at least as long as the service; each is rounded.
    const [one = 0, two = 0] = took;
    expect(await events(server, 'mod_event_pusher_http_response_ms')).toBeGreaterThanOrEqual(one + two - 2);
    expect(await events(server, 'mod_event_pusher_http_failed')).toBe(0);
    service.answer = says(500);
    romeo.send(chat('juliet@localhost', 'three'));
    await counted(server, 'mod_event_pusher_http_failed', 1);
    await counted(server, 'mod_event_pusher_http_sent', 5);
    await hears(juliet, 'three');
    await hears(romeo, 'two');
  });
});

describe('a message with a text', () => {
  it('is told to each of them as a form, by either shard, and delivered', async () => {
    romeo.send(chat('juliet@localhost/balcony', 'a &amp; b = c? ü 💘'));
    expect((await juliet.message()).childText('body')).toBe('a & b = c? ü 💘');
    const call = await service.next();
    expect([call.method, call.url]).toEqual(['POST', '/prefix/messages']);
    expect(call.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(fieldsOf(call)).toEqual({
      author: 'romeo',
      server: 'localhost',
      receiver: 'juliet',
      message: 'a & b = c? ü 💘',
    });
    expect((await other.next()).url).toBe('/');
    juliet.send(chat('romeo@localhost', 'from the other shard'));
    await romeo.message();
    expect(new URLSearchParams((await service.next()).body).get('author')).toBe('juliet');
  });

  it('of another type, or without one, is not', async () => {
    for (const type of ['normal', 'headline', 'groupchat']) romeo.send(chat('juliet@localhost', type, type));
    romeo.send("<message to='juliet@localhost' type='chat'><body/></message>");
    romeo.send("<message to='juliet@localhost' type='chat'><thread>x</thread></message>");
    romeo.send(chat('juliet@localhost', 'last'));
    expect(new URLSearchParams((await service.next()).body).get('message')).toBe('last');
    juliet.heardNow();
  });

  it('that a handler of push_event keeps back is not, on either shard, and delivered; what one adds is left out', async () => {
    romeo.send(chat('juliet@localhost/balcony', 'a secret'));
    romeo.send(chat('juliet@localhost/balcony', 'noted'));
    await hears(juliet, 'a secret');
    await hears(juliet, 'noted');
    for (const one of [service, other]) {
      expect(await toldOf(one, 'noted')).toEqual({
        author: 'romeo',
        server: 'localhost',
        receiver: 'juliet',
        message: 'noted',
      });
    }
    juliet.send(chat('romeo@localhost/orchard', 'another secret'));
    juliet.send(chat('romeo@localhost/orchard', 'no more'));
    await hears(romeo, 'another secret');
    await hears(romeo, 'no more');
    for (const one of [service, other]) await toldOf(one, 'no more');
  });

  it('leads nowhere else, whatever is in it (threat T63)', async () => {
    romeo.send(chat('..%2f..%0d%0a?y=#z@localhost', '&amp;author=juliet&#13;&#10;Host: x'));
    const { url, body } = await service.next();
    expect(url).toBe('/prefix/messages');
    const fields = [...new URLSearchParams(body)];
    expect(fields.map(([name]) => name)).toEqual(['author', 'server', 'receiver', 'message']);
    expect(new URLSearchParams(body).get('author')).toBe('romeo');
  });
});

describe('a service that', () => {
  async function delivered(text: string): Promise<void> {
    romeo.send(chat('juliet@localhost/balcony', text));
    await hears(juliet, text);
  }

  it('refuses, or sends us elsewhere, changes nothing, and is not followed', async () => {
    const failed = await events(server, 'mod_event_pusher_http_failed');
    const elsewhere = `http://127.0.0.1:${other.port}/elsewhere`;
    for (const answer of [
      says(404),
      says(302, '', { Location: elsewhere }),
      says(307, '', { Location: elsewhere }),
    ]) {
      service.answer = answer;
      await delivered('refused');
      await service.next();
      expect((await other.next()).url).toBe('/');
    }
    await counted(server, 'mod_event_pusher_http_failed', failed + 3);
  });

  it('says too much is not listened to', async () => {
    const failed = await events(server, 'mod_event_pusher_http_failed');
    service.answer = says(200, 'x'.repeat(1_000_000));
    await delivered('talkative');
    await counted(server, 'mod_event_pusher_http_failed', failed + 1);
  });

  it('is slow keeps nobody waiting: more than it can take is dropped, the oldest first', async () => {
    const dropped = await events(server, 'mod_event_pusher_http_dropped');
    const held: ServerResponse[] = [];
    service.answer = (_call, response) => void held.push(response);
    const count = 6_000;
    for (let i = 0; i < count; i++) romeo.send(chat('juliet@localhost/balcony', `slow ${i}`));
    let last = '';
    while (last !== `slow ${count - 1}`) last = (await juliet.message()).childText('body')!;
    expect(await events(server, 'mod_event_pusher_http_dropped')).toBeGreaterThan(dropped);
    service.answer = says(200);
    for (const response of held) response.end();
    other.forget();
  });

  it('is gone keeps nobody waiting, and is told again when it is back', async () => {
    await service.stop();
    for (let i = 0; i < 20; i++) await delivered(`gone ${i}`);
    service.count = 0;
    await service.listen();
    await eventually(async () => {
      await delivered('are you back?');
      return service.count > 0;
    }, 'the service is told again');
  });
});
