import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { httpGet, Scrape } from '../helpers/http.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';

/** Health checks and metrics while threads are missing. */

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo', 'juliet'],
    shards: 2,
    isFaulty: true,
    toml: '[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n  max_connections_per_address = "infinity"\n  connections_per_second_per_address = "infinity"\n[modules.mod_presence]\n[modules.mod_offline]\n',
  });
});

afterAll(() => server.stop());

async function isReady(): Promise<boolean> {
  return (await httpGet(server.port('http'), '/readyz')).status === 200;
}

/** What health checks say from the moment that a thread is gone until it is back. */
async function unreadiness(): Promise<string> {
  let told = '';
  await eventually(async () => {
    const { status, body } = await httpGet(server.port('http'), '/readyz');
    if (status === 503) told = body;
    return status === 503;
  }, 'it is not ready');
  return told;
}

describe('while the store is away', () => {
  it('the server is alive, not ready, and says why; users chat on, and all is well when it is back', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    expect(await httpGet(server.port('http'), '/readyz')).toEqual({
      status: 200,
      body: '{"status":"ok","reasons":[]}',
    });
    server.strike('store', 'exit');
    expect(await unreadiness()).toBe('{"status":"unavailable","reasons":["store"]}');
    expect((await httpGet(server.port('http'), '/livez')).status).toBe(200);
    romeo.send("<message to='juliet@localhost/balcony' type='chat'><body>x</body></message>");
    expect((await juliet.message()).childText('body')).toBe('x');
    await eventually(isReady, 'it is ready again');
    const after = await Scrape.of(server.port('http'));
    expect(after.sum('meerkat_thread_restarts_total', 'kind="store"')).toBe(1);
    expect(after.sum('meerkat_store_up')).toBe(1);
    await romeo.close();
    await juliet.close();
  });
});

describe('while a shard is away', () => {
  it('the server is alive and not ready, and logins go on at the other', async () => {
    server.strike('shard 1', 'exit');
    expect(await unreadiness()).toBe('{"status":"unavailable","reasons":["shard"]}');
    expect((await httpGet(server.port('http'), '/livez')).status).toBe(200);
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    await romeo.nothingElse();
    await eventually(isReady, 'it is ready again');
    const after = await Scrape.of(server.port('http'));
    expect(after.sum('meerkat_thread_restarts_total', 'kind="shard"')).toBe(1);
    expect(after.sum('meerkat_shard_up')).toBe(2);
    await romeo.close();
  });
});
