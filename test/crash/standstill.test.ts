import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HEARTBEAT_LOST_MS, HEARTBEAT_MS } from '../../src/limits.ts';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';

/** Threat T58, the other way round: who stands still as a whole (a virtual machine that was paused, say) has lost no thread. */

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ shards: 2, users: ['romeo', 'juliet'] });
});

afterAll(() => server.stop());

it('a server that stood still goes on with the threads and sessions that it had', async () => {
  const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  server.signal('SIGSTOP');
  await sleep(HEARTBEAT_LOST_MS + 2 * HEARTBEAT_MS);
  romeo.send("<message to='juliet@localhost/balcony' type='chat'><body>Meanwhile</body></message>");
  server.signal('SIGCONT');
  expect((await juliet.message()).childText('body')).toBe('Meanwhile');
  for (const client of [romeo, juliet]) await client.nothingElse();
  expect(server.log).not.toContain('heartbeat_lost');
  await romeo.close();
  await juliet.close();
});
