import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { eventually } from '../../helpers/process.ts';
import { TestServer } from '../../helpers/server.ts';
import { says, WebService } from '../../helpers/web-service.ts';
import { chat, counted, events, METRICS } from './event-pusher-support.ts';
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

describe('a message with a text', () => {
  it('is told to each of them as a form, by either shard, and delivered', async () => {
    romeo.send(chat('juliet@localhost/balcony', 'a &amp; b = c? ü 💘'));
    expect((await juliet.message()).childText('body')).toBe('a & b = c? ü 💘');
    const call = await service.next();
    expect([call.method, call.url]).toEqual(['POST', '/prefix/messages']);
    expect(call.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(Object.fromEntries(new URLSearchParams(call.body))).toEqual({
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
    let heard: string | undefined;
    while (heard !== text) heard = (await juliet.message()).childText('body');
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
