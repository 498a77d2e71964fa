import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { opened } from '../../helpers/login.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { base64, Scram } from '../../helpers/scram.ts';
import { TestServer } from '../../helpers/server.ts';
import { auth, bind, header, NS_SASL, plain } from '../../helpers/xml.ts';

/** An account is removed while its clients are logging in: none of them gets a session, least of all that of whoever has the name next (T22). */

/** So many that some are on each shard. */
const CLIENTS = 6;
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ shards: 2, users: ['nurse'], toml: '[modules.mod_presence]' });
});

beforeEach(async () => {
  await run('user', 'delete', 'romeo@localhost');
  expect((await run('user', 'add', 'romeo@localhost', 'secret')).status).toBe(0);
});

afterAll(() => server.stop());

function run(...args: string[]): ReturnType<typeof meerkat> {
  return meerkat(['--config', server.configFile, ...args]);
}

async function replaced(): Promise<void> {
  expect((await run('user', 'delete', 'romeo@localhost')).status).toBe(0);
  expect((await run('user', 'add', 'romeo@localhost', 'of somebody else')).status).toBe(0);
}

function all(make: () => Promise<TestClient>): Promise<TestClient[]> {
  return Promise.all(Array.from({ length: CLIENTS }, make));
}

describe('a client whose account is removed', () => {
  it('after it has logged in and before it binds', async () => {
    const clients = await all(async () => {
      const { client } = await opened(server.port(), 'localhost');
      client.send(plain('romeo'));
      expect((await client.element()).name).toBe('success');
      return client;
    });
    await replaced();
    for (const client of clients) {
      client.send(header() + bind('ghost'));
      await client.expect('open');
      expect(await client.streamError()).toBe('conflict');
    }
  });

  it('between the challenge and the response, which is right', async () => {
    const exchanges = new Map<TestClient, string>();
    const clients = await all(async () => {
      const { client } = await opened(server.port(), 'localhost');
      const exchange = new Scram('romeo', 'secret', {});
      client.send(auth('SCRAM-SHA-1', base64(exchange.first)));
      const challenge = Buffer.from((await client.element()).text(), 'base64').toString();
      exchanges.set(client, base64(exchange.final(challenge)));
      return client;
    });
    await replaced();
    for (const client of clients) {
      client.send(`<response xmlns='${NS_SASL}'>${exchanges.get(client)}</response>`);
      expect(await client.streamError()).toBe('not-authorized');
    }
  });

  it('and whoever comes after that is let in', async () => {
    await replaced();
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/new', {
      password: 'of somebody else',
    });
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/new');
    nurse.cut();
    romeo.cut();
  });
});
