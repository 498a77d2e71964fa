import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ok, says, WebService } from '../../helpers/web-service.ts';
import { chat, counted, events, field } from './event-pusher-support.ts';
import { device, GatewayScene } from './mongoosepush-support.ts';

/** Push notifications by way of a gateway of MongoosePush's API, on two shards. */

const FAILED = 'mod_push_service_mongoosepush_failed';

let gateway: WebService;
let scene: GatewayScene;

function useServer(settings: Parameters<typeof GatewayScene.start>[1]): void {
  beforeAll(async () => {
    gateway = await WebService.start();
    scene = await GatewayScene.start(gateway, settings);
    await scene.absent('ann', device('d1'));
  });

  afterEach(() => {
    gateway.answer = ok;
    gateway.forget();
  });

  afterAll(async () => {
    await scene.stop();
    await gateway.stop();
  });
}

/** Somebody is certainly told: what should not be told would have come before it. */
async function nothingTold(): Promise<void> {
  scene.romeo.send(chat('ann@localhost', 'the end'));
  expect((await gateway.next()).url).toMatch(/^\/v[23]\/notification\/d1$/);
}

describe('a notification', () => {
  useServer({ version: 'v3', requestTimeoutMs: 4_000 });

  it.each([
    ['dot', '../../admin?x#y', '/v3/notification/..%2F..%2Fadmin%3Fx%23y'],
    ['eve', 'a b&amp;c/ü', '/v3/notification/a%20b%26c%2F%C3%BC'],
  ])('leads nowhere else, whatever the device of %s is called (threat T63)', async (user, id, path) => {
    await scene.absent(user, device(id));
    scene.romeo.send(chat(`${user}@localhost`, 'hello'));
    expect((await gateway.next()).url).toBe(path);
  });

  it.each([
    ['a device that is a way up', device('..')],
    ['a service that nobody knows', device('x', 'pigeon')],
    ['no device', field('service', 'fcm')],
  ])('is not made for %s', async (_what, options) => {
    const failed = await events(scene.server, FAILED);
    await scene.absent('fay', options);
    scene.romeo.send(chat('fay@localhost', 'hello'));
    await counted(scene.server, FAILED, failed + 1);
    await nothingTold();
  });

  it('that waits for another to the same device is not made when that one says that the device is gone', async () => {
    await scene.absent('cat', device('c'));
    let release = (): void => {};
    gateway.answer = (call, response) => {
      release = () => says(410)(call, response);
    };
    scene.romeo.send(chat('cat@localhost', 'first'));
    expect((await gateway.next()).url).toBe('/v3/notification/c');
    for (const text of ['second', 'third']) scene.romeo.send(chat('cat@localhost', text));
    await counted(scene.server, 'mod_event_pusher_push_coalesced', 1);
    gateway.answer = ok;
    release();
    await counted(scene.server, 'mod_event_pusher_push_dropped', 1);
    expect(await scene.exported('cat')).not.toContain('cat-node');
    await nothingTold();
  });
});

describe('with one request at a time, and the text', () => {
  useServer({ version: 'v2', requestTimeoutMs: 4_000, push: 'include_body = true', requestsMax: 1 });

  it('a notification has the text', async () => {
    scene.romeo.send(chat('ann@localhost', 'good night'));
    const { body } = await gateway.next();
    expect(JSON.parse(body)).toMatchObject({ alert: { body: 'good night', badge: 1 } });
    await counted(scene.server, 'mod_push_service_mongoosepush_sent', 1);
  });

  it('one too many is not made, and counted', async () => {
    await scene.absent('bea', device('b'));
    let release = (): void => {};
    gateway.answer = (_call, response) => {
      release = () => void response.end();
    };
    scene.romeo.send(chat('ann@localhost', 'is under way'));
    await gateway.next();
    const failed = await events(scene.server, FAILED);
    scene.romeo.send(chat('bea@localhost', 'one too many'));
    await counted(scene.server, FAILED, failed + 1);
    release();
    await counted(scene.server, 'mod_push_service_mongoosepush_sent', 2);
    gateway.answer = ok;
    scene.romeo.send(chat('bea@localhost', 'now'));
    expect((await gateway.next()).url).toBe('/v2/notification/b');
  });
});
