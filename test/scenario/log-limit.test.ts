import { expect, it } from 'vitest';
import { LOG_LINES_MAX } from '../../src/limits.ts';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';

/** A client may cause a warning with each of its stanzas; the log is not his to fill. */

it('writes a warning that a client causes again and again only so often', async () => {
  const server = await TestServer.start({
    users: ['romeo'],
    shards: 1,
    general: 'routing_modules = ["mongoose_router_global", "mongoose_router_localdomain"]',
  });
  const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  for (let i = 0; i < 500; i++) romeo.send("<message to='nowhere.example'><body>x</body></message>");
  await romeo.nothingElse();
  const ours = server.log.split('\n').filter((line) => line.includes('"no_more_routing_modules"'));
  expect(ours).toHaveLength(LOG_LINES_MAX);
  await romeo.close();
  await server.stop();
});
