import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ok, says, WebService } from '../../helpers/web-service.ts';
import { chat, counted, events } from './event-pusher-support.ts';
import { device, GatewayScene } from './mongoosepush-support.ts';

/** What a gateway of MongoosePush's API is sent, and what follows from its answers, in both versions of the API, on two shards. */

const EVENT = 'mod_push_service_mongoosepush_';

/** Every option, the unknown one included. */
const EXTRAS = {
  mode: 'dev',
  priority: 'high',
  topic: 'app',
  click_action: 'open',
  sound: 'ring',
  mutable_content: 'true',
  time_to_live: '60',
  unknown: 'x',
};

const ALERT = { body: 'New message', title: 'romeo@localhost', tag: 'romeo@localhost', badge: 1 };
const DATA = { 'message-count': 1, 'last-message-sender': 'romeo@localhost' };

describe.each(['v2', 'v3'] as const)('a notification (%s)', (version) => {
  let gateway: WebService;
  let scene: GatewayScene;

  beforeAll(async () => {
    gateway = await WebService.start();
    scene = await GatewayScene.start(gateway, { version, requestTimeoutMs: 500 });
  });

  afterEach(() => {
    gateway.answer = ok;
    gateway.forget();
  });

  afterAll(async () => {
    await scene.stop();
    await gateway.stop();
  });

  it.each([
    [
      'ann',
      'an alert for Google with every option',
      device('d1', 'fcm', EXTRAS),
      {
        service: 'fcm',
        mode: 'dev',
        priority: 'high',
        topic: 'app',
        mutable_content: true,
        time_to_live: 60,
        alert: { ...ALERT, click_action: 'open', sound: 'ring' },
      },
    ],
    [
      'bea',
      'an alert for Apple with a topic',
      device('d2', 'apns', {
        mode: 'prod',
        priority: 'high',
        topic: 'org.example.app',
        mutable_content: 'true',
      }),
      {
        service: 'apns',
        mode: 'prod',
        priority: 'high',
        topic: 'org.example.app',
        mutable_content: true,
        alert: ALERT,
      },
    ],
    [
      'cat',
      'an alert without options that say nothing valid',
      device('d3', 'apns', { mode: 'test', priority: 'urgent', mutable_content: 'yes', time_to_live: '-1' }),
      { service: 'apns', alert: ALERT },
    ],
    [
      'dot',
      'silent, for Apple',
      device('d4', 'apns', { silent: 'true', topic: 'org.example.app' }),
      { service: 'apns', topic: 'org.example.app', data: DATA },
    ],
    [
      'eve',
      'silent, for Google, without what would be shown',
      device('d5', 'fcm', { silent: 'true', priority: 'normal', click_action: 'open', sound: 'ring' }),
      { service: 'fcm', priority: 'normal', data: DATA },
    ],
  ])('to %s is %s', async (user, _what, options, expected) => {
    await scene.absent(user, options, user === 'dot' ? 'fixed.test' : undefined);
    scene.romeo.send(chat(`${user}@localhost`, 'good night'));
    const { method, url, headers, body } = await gateway.next();
    const id = /<value>(d[0-9])<\/value>/.exec(options)![1];
    expect([method, url, headers['content-type']]).toEqual([
      'POST',
      `/${version}/notification/${id}`,
      'application/json',
    ]);
    expect(JSON.parse(body)).toEqual(expected);
  });

  it('to a device that is gone ends the registration; other errors, and none, do not', async () => {
    const { romeo, server } = scene;
    await scene.absent('ann', device('last'));
    await scene.absent('fay', device('f'));
    let failed = await events(server, `${EVENT}failed`);
    for (const answer of [says(404), says(500), says(503), says(200, 'x'.repeat(100_000)), () => {}]) {
      gateway.answer = answer;
      romeo.send(chat('fay@localhost', 'still there'));
      expect((await gateway.next()).url).toBe(`/${version}/notification/f`);
      await counted(server, `${EVENT}failed`, ++failed);
      expect(await scene.exported('fay')).toContain('fay-node');
    }
    expect(await events(server, `${EVENT}not_registered`)).toBe(0);
    // A gateway that failed five times is left alone for a second.
    gateway.answer = says(410, 'gone');
    while ((await scene.exported('fay')).includes('fay-node')) romeo.send(chat('fay@localhost', 'and now?'));
    expect(await events(server, `${EVENT}not_registered`)).toBeGreaterThan(0);
    gateway.forget();
    gateway.answer = ok;
    romeo.send(chat('fay@localhost', 'nobody is told'));
    romeo.send(chat('ann@localhost', 'the end'));
    expect((await gateway.next()).url).toBe(`/${version}/notification/last`);
  });
});
