import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { ok, says, WebService } from '../../helpers/web-service.ts';
import { chat, counted, enablePush, events, field, form, METRICS } from './event-pusher-support.ts';
import { LAB, loginOn, nobodyThere } from './support.ts';

/** Push notifications by way of a gateway of MongoosePush's API, on two shards. */

const DEVICE = field('device_id', 'd1') + field('service', 'fcm');
const EXTRAS =
  field('mode', 'dev') +
  field('priority', 'high') +
  field('topic', 'app') +
  field('click_action', 'open') +
  field('sound', 'ring') +
  field('mutable_content', 'true') +
  field('time_to_live', '60') +
  field('unknown', 'x');

let gateway: WebService;
let server: TestServer;
let romeo: TestClient;

/** A user with one node, who is not there. */
async function absent(user: string, options: string, service = 'push.localhost'): Promise<void> {
  const client = await loginOn(server, `${user}@localhost/phone`, 'other', romeo);
  const answer = await enablePush(client, `${user}-node`, form(options), 'localhost', service);
  expect(answer.attribute('type')).toBe('result');
  await client.close();
  await nobodyThere(romeo, `${user}@localhost`);
}

async function start(version: string, requestTimeout: number, more = '', limit = 100): Promise<void> {
  server = await TestServer.start({
    users: ['romeo', 'ann', 'bea', 'cat', 'dot', 'eve', 'fay'],
    toml: `
      [modules.mod_presence]
      [modules.mod_offline]
      [modules.mod_event_pusher.push]
        virtual_pubsub_hosts = ["push.@HOST@", "fixed.test"]
        ${more}
      [modules.mod_push_service_mongoosepush]
        api_version = "${version}"
        max_http_connections = ${limit}
      ${gateway.pool('mongoose_push_http', `request_timeout = ${requestTimeout}`)}
      ${LAB}
      ${METRICS}
    `,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
}

afterEach(() => {
  gateway.answer = ok;
  gateway.forget();
});

describe('a notification (v3)', () => {
  beforeAll(async () => {
    gateway = await WebService.start();
    await start('v3', 500);
  });

  afterAll(async () => {
    await server.stop();
    await gateway.stop();
  });

  async function exported(user: string): Promise<string> {
    const answer = await romeo.iq(
      'get',
      'localhost',
      `<export xmlns='urn:test:lab'>${user}@localhost</export>`,
    );
    return answer.elements()[0]!.text();
  }

  it('has what the registration says, and nothing of the text', async () => {
    await absent('ann', DEVICE + EXTRAS);
    romeo.send(chat('ann@localhost', 'good night'));
    const { method, url, headers, body } = await gateway.next();
    expect([method, url, headers['content-type']]).toEqual([
      'POST',
      '/v3/notification/d1',
      'application/json',
    ]);
    expect(JSON.parse(body)).toEqual({
      service: 'fcm',
      mode: 'dev',
      priority: 'high',
      topic: 'app',
      mutable_content: true,
      time_to_live: 60,
      alert: {
        body: 'New message',
        title: 'romeo@localhost',
        tag: 'romeo@localhost',
        badge: 1,
        click_action: 'open',
        sound: 'ring',
      },
    });
  });

  it('that is silent has the summary as data', async () => {
    await absent(
      'bea',
      field('device_id', 'd2') + field('service', 'apns') + field('silent', 'true'),
      'fixed.test',
    );
    romeo.send(chat('bea@localhost', 'good night'));
    const { url, body } = await gateway.next();
    expect(url).toBe('/v3/notification/d2');
    expect(JSON.parse(body)).toEqual({
      service: 'apns',
      data: { 'message-count': 1, 'last-message-sender': 'romeo@localhost' },
    });
  });

  it('to a device that is gone ends the registration; other errors, and none, do not', async () => {
    await absent('cat', field('device_id', 'c') + field('service', 'fcm'));
    let failed = await events(server, 'mod_push_service_mongoosepush_failed');
    for (const answer of [says(404), says(500), says(503), says(200, 'x'.repeat(100_000)), () => {}]) {
      gateway.answer = answer;
      romeo.send(chat('cat@localhost', 'still there'));
      await gateway.next();
      await counted(server, 'mod_push_service_mongoosepush_failed', ++failed);
      expect(await exported('cat')).toContain('cat-node');
    }
    // A gateway that failed five times is left alone for a second.
    gateway.answer = says(410, 'gone');
    while (gateway.count === 0 || (await exported('cat')).includes('cat-node')) {
      romeo.send(chat('cat@localhost', 'and now?'));
    }
    gateway.forget();
    gateway.answer = ok;
    romeo.send(chat('cat@localhost', 'nobody is told'));
    romeo.send(chat('ann@localhost', 'the end'));
    expect((await gateway.next()).url).toBe('/v3/notification/d1');
  });

  it.each([
    ['dot', '../../admin?x#y', '/v3/notification/..%2F..%2Fadmin%3Fx%23y'],
    ['eve', 'a b&amp;c/ü', '/v3/notification/a%20b%26c%2F%C3%BC'],
  ])('leads nowhere else, whatever the device of %s is called (threat T63)', async (user, device, path) => {
    await absent(user, field('device_id', device) + field('service', 'fcm'));
    romeo.send(chat(`${user}@localhost`, 'hello'));
    expect((await gateway.next()).url).toBe(path);
  });

  it.each([
    ['a device that is a way up', field('device_id', '..') + field('service', 'fcm')],
    ['a service that nobody knows', field('device_id', 'x') + field('service', 'pigeon')],
    ['no device', field('service', 'fcm')],
  ])('is not made for %s', async (_what, options) => {
    const failed = await events(server, 'mod_push_service_mongoosepush_failed');
    await absent('fay', options);
    romeo.send(chat('fay@localhost', 'hello'));
    await counted(server, 'mod_push_service_mongoosepush_failed', failed + 1);
    romeo.send(chat('ann@localhost', 'the end'));
    expect((await gateway.next()).url).toBe('/v3/notification/d1');
  });
});

describe('a notification (v2)', () => {
  beforeAll(async () => {
    gateway = await WebService.start();
    await start('v2', 4_000, 'include_body = true', 1);
  });

  afterAll(async () => {
    await server.stop();
    await gateway.stop();
  });

  it('goes another way, and has the text if the operator wants it', async () => {
    await absent('ann', DEVICE);
    romeo.send(chat('ann@localhost', 'good night'));
    const { url, body } = await gateway.next();
    expect(url).toBe('/v2/notification/d1');
    expect(JSON.parse(body)).toMatchObject({ alert: { body: 'good night', badge: 1 } });
  });

  it('beyond the number that may be under way is not made, and counted', async () => {
    await absent('bea', field('device_id', 'b') + field('service', 'fcm'));
    let release = (): void => {};
    gateway.answer = (_call, response) => {
      release = () => void response.end();
    };
    romeo.send(chat('ann@localhost', 'is under way'));
    await gateway.next();
    const failed = await events(server, 'mod_push_service_mongoosepush_failed');
    romeo.send(chat('bea@localhost', 'one too many'));
    await counted(server, 'mod_push_service_mongoosepush_failed', failed + 1);
    release();
    await counted(server, 'mod_push_service_mongoosepush_sent', 2);
    gateway.answer = ok;
    romeo.send(chat('bea@localhost', 'now'));
    expect((await gateway.next()).url).toBe('/v2/notification/b');
  });
});
