import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { eventually } from '../../helpers/process.ts';
import { TestServer } from '../../helpers/server.ts';
import { WebService } from '../../helpers/web-service.ts';
import {
  chat,
  counted,
  disablePush,
  enablePush,
  events,
  METRICS,
  PUSH_SERVICE,
  published,
} from './event-pusher-support.ts';
import { condition, LAB, loginOn, nobodyThere } from './support.ts';

/** mod_event_pusher and mod_external_filter while the server changes, loses its store, and is only asked what it would do. */

const BASE = '[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_stanzaid]\n';

async function reload(server: TestServer, text: string): Promise<void> {
  writeFileSync(server.configFile, text);
  const { status, stderr } = await meerkat(['--config', server.configFile, 'reload']);
  expect([status, stderr]).toEqual([0, expect.any(String)]);
}

describe('switched while the server runs', () => {
  it('they begin, follow their pools, and end; what is stored stays', async () => {
    const [first, second] = [await WebService.start(), await WebService.start()];
    const server = await TestServer.start({
      users: ['romeo', 'juliet', 'watcher'],
      toml: `${BASE}${PUSH_SERVICE}${LAB}`,
    });
    try {
      const base = readFileSync(server.configFile, 'utf8');
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const watcher = await TestClient.login(server.port(), 'watcher@localhost/desk');
      const juliet = await loginOn(server, 'juliet@localhost/phone', 'other', romeo);
      expect(condition(await enablePush(juliet, 'one'))).toBe('service-unavailable');
      const http = '[[modules.mod_event_pusher.http.handlers]]\n  pool_name = "told"\n';
      const push = '[modules.mod_event_pusher.push]\n';
      await reload(server, `${base}${http}${push}${first.pool('told')}`);
      expect((await enablePush(juliet, 'one')).attribute('type')).toBe('result');
      romeo.send(chat('juliet@localhost', 'first'));
      expect((await first.next()).body).toContain('message=first');
      // Only the pool is another: the module goes on with it.
      await reload(server, `${base}${http}${push}${second.pool('told')}`);
      romeo.send(chat('juliet@localhost', 'second'));
      expect((await second.next()).body).toContain('message=second');
      await eventually(() => first.openConnections === 0, 'the connections of the former pool are closed');
      const without = writeReload(server, `${base}${http}${push}`);
      expect((await without).status).not.toBe(0);
      romeo.send(chat('juliet@localhost', 'third'));
      expect((await second.next()).body).toContain('message=third');
      await reload(server, base);
      expect(condition(await disablePush(juliet))).toBe('service-unavailable');
      romeo.send(chat('juliet@localhost', 'fourth'));
      while ((await juliet.message()).childText('body') !== 'fourth');
      await juliet.close();
      await nobodyThere(romeo, 'juliet@localhost');
      await reload(server, `${base}${push}`);
      romeo.send(chat('juliet@localhost', 'fifth'));
      expect((await published(watcher)).node).toBe('one');
      expect([first.count, second.count]).toEqual([1, 2]);
    } finally {
      await server.stop();
      await first.stop();
      await second.stop();
    }
  });

  function writeReload(server: TestServer, text: string): ReturnType<typeof meerkat> {
    writeFileSync(server.configFile, text);
    return meerkat(['--config', server.configFile, 'reload']);
  }
});

describe('a configuration', () => {
  it.each([
    [
      'for Amazon SNS',
      '[modules.mod_event_pusher.sns]\n  region = "eu-west-1"\n',
      'cannot be sent to Amazon SNS',
    ],
    [
      'of a pool that is not there',
      '[[modules.mod_event_pusher.http.handlers]]\n',
      'no [outgoing_pools.http] has the tag "http_pool"',
    ],
    [
      'for RabbitMQ without one',
      '[modules.mod_event_pusher.rabbit]\n',
      'no [outgoing_pools.rabbit] has the tag "event_pusher"',
    ],
    [
      'with a callback of one’s own',
      '[[modules.mod_event_pusher.http.handlers]]\n  callback_module = "mod_mine"\n',
      'push_event',
    ],
    ['of a filter without a service', '[modules.mod_external_filter]\n', 'pool_tag'],
  ])('%s does not start, and says why', async (_what, lines, why) => {
    await expect(TestServer.start({ toml: `${BASE}${lines}` })).rejects.toThrow(why);
  });
});

describe('RabbitMQ without its client', () => {
  it('is told nothing; the log says what to install, and messages go', async () => {
    const preload = new URL('../../fixtures/no-amqplib.ts', import.meta.url).pathname;
    const server = await TestServer.start({
      users: ['romeo', 'juliet'],
      toml: `${BASE}[modules.mod_event_pusher.rabbit]\n  chat_msg_exchange = {}\n[outgoing_pools.rabbit.event_pusher]\n${METRICS}`,
      env: { NODE_OPTIONS: `--import ${preload}` },
    });
    try {
      await counted(server, 'rabbit_event_pusher_connections_failed', 2);
      expect(server.log).toContain('npm install amqplib');
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/a');
      const juliet = await TestClient.login(server.port(), 'juliet@localhost/b');
      romeo.send(chat('juliet@localhost/b', 'hello'));
      expect((await juliet.message()).childText('body')).toBe('hello');
    } finally {
      await server.stop();
    }
  });
});

describe('a store that is away', () => {
  it('ends nothing: requests are refused, messages are told of when it is back', async () => {
    const server = await TestServer.start({
      users: ['romeo', 'juliet', 'nurse', 'watcher'],
      toml: `${BASE}[modules.mod_event_pusher.push]\n${PUSH_SERVICE}${LAB}${METRICS}`,
      isFaulty: true,
    });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const watcher = await TestClient.login(server.port(), 'watcher@localhost/desk');
      const juliet = await loginOn(server, 'juliet@localhost/phone', 'other', romeo);
      await enablePush(juliet, 'one');
      await server.strike('store', 'stall-and-exit', 300);
      const answer = await enablePush(juliet, 'two');
      expect(condition(answer)).toBe('internal-server-error');
      await eventually(async () => {
        const again = await enablePush(juliet, 'three');
        return again.attribute('type') === 'result';
      }, 'the store is back');
      await juliet.close();
      await nobodyThere(romeo, 'juliet@localhost');
      romeo.send(chat('juliet@localhost', 'told'));
      const both = [await published(watcher), await published(watcher)];
      expect(both.map(({ node }) => node).sort()).toEqual(['one', 'three']);
      await counted(server, 'mod_event_pusher_push_sent', 2);
    } finally {
      await server.stop();
    }
  });
});

describe('what is stored', () => {
  it('goes with anonymous users, and with a domain', async () => {
    const server = await TestServer.start({
      users: ['romeo', 'juliet'],
      toml: `[auth.internal]\n[auth.anonymous]\n${BASE}[modules.mod_event_pusher.push]\n${LAB}`,
    });
    const db = new Database(join(server.directory, 'data', 'meerkat.db'), { readonly: true });
    const rows = (): unknown[] => db.prepare('SELECT username FROM push_subscription').pluck().all();
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/a');
      const nobody = await TestClient.connect(server.port());
      await nobody.openStream('localhost');
      nobody.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>");
      await nobody.element();
      await nobody.openStream('localhost');
      await nobody.bind('');
      await enablePush(nobody, 'node');
      await enablePush(romeo, 'node');
      expect(rows()).toHaveLength(2);
      await nobody.close();
      await eventually(() => rows().length === 1, 'the anonymous user’s is deleted');
      expect(rows()).toEqual(['romeo']);
      const remove = ['--config', server.configFile, 'domain', 'remove-data', 'localhost', '--yes'];
      expect((await meerkat(remove)).status).toBe(0);
      expect(rows()).toEqual([]);
    } finally {
      db.close();
      await server.stop();
    }
  });
});

describe('a route that is only explained', () => {
  it('shows what would be told and asked, and tells and asks nothing', async () => {
    const service = await WebService.start();
    const server = await TestServer.start({
      users: ['romeo', 'juliet', 'watcher'],
      toml: `${BASE}
        [[modules.mod_event_pusher.http.handlers]]
        [modules.mod_event_pusher.push]
        [modules.mod_external_filter]
          pool_tag = "http_pool"
        ${service.pool('http_pool')}
        ${LAB}${METRICS}`,
    });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/a');
      const explain = [
        '--config',
        server.configFile,
        'route',
        '--from',
        'romeo@localhost/a',
        '--to',
        'juliet@localhost',
      ];
      const { status, stdout } = await meerkat([
        ...explain,
        "<message type='chat'><body>hello</body></message>",
      ]);
      expect(status).toBe(0);
      for (const [hook, module] of [
        ['user_send_message 3', 'mod_external_filter'],
        ['push_event 50', 'mod_event_pusher'],
        ['offline_message 30', 'mod_event_pusher'],
      ])
        expect(stdout).toMatch(new RegExp(`${hook} .*${module}.*would run`));
      expect(service.count).toBe(0);
      expect(await events(server, 'mod_event_pusher_push_sent')).toBe(0);
      await romeo.nothingElse();
    } finally {
      await server.stop();
      await service.stop();
    }
  });
});
