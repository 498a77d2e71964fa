import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { countServed } from '../helpers/connections.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { header } from '../helpers/xml.ts';

const CONNECTIONS_MAX = 5;

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 1,
    c2s: `max_connections = ${CONNECTIONS_MAX}`,
    // To wait for a connection that does not exist takes longer than the test may.
    general: 'drain_timeout = 600_000',
    isFaulty: true,
  });
});

afterAll(async () => {
  server.signal('SIGKILL');
  await server.stop();
});

describe('a connection that gets lost on its way to a shard', () => {
  it('costs the shard, but no place among the connections: all are free for those who come back', async () => {
    const resident = await TestClient.connect(server.port());
    resident.send(header());
    await resident.expect('open');
    await server.strike('shard 0', 'lose-sockets');
    const lost = await TestClient.connect(server.port());
    await lost.expect('disconnected');
    await eventually(() => server.log.includes('"shard_died"'), 'the shard is given up');
    await eventually(
      async () => (await countServed(server.port(), 1)) === 1,
      'the new one takes connections',
    );
    expect(await countServed(server.port(), CONNECTIONS_MAX + 3)).toBe(CONNECTIONS_MAX - 1);
    server.signal('SIGTERM');
    expect(await server.exited()).toBe(0);
  });
});
