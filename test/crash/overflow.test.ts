import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { Scrape } from '../helpers/http.ts';
import { TestServer } from '../helpers/server.ts';
import { LAB, shardOf } from '../scenario/modules/support.ts';

/**
 * Threat T57 with real threads: a shard stands still for a moment, and far more is sent to it than ring and overflow queue take. Senders are not read
 * meanwhile; nothing is lost, and nothing changes its order.
 */

/** The ring holds 256 KiB, the queue behind it 8 MiB; this is 20 MB, of which no session gets so much that it would count as a slow reader (T60). */
const BODY = 'x'.repeat(20_000);
const MESSAGES = 1_000;
const RESOURCES = 40;

let server: TestServer;
let here: TestClient[];
let there: TestClient[];

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo'],
    toml: `[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n[modules.mod_presence]\n${LAB}`,
    isFaulty: true,
  });
  // Placement spreads them evenly.
  const clients: TestClient[][] = [[], []];
  for (let i = 0; i < 2 * RESOURCES; i++) {
    const client = await TestClient.login(server.port(), `romeo@localhost/${i}`, { isAvailable: false });
    clients[Number(await shardOf(client))]!.push(client);
  }
  [here, there] = clients as [TestClient[], TestClient[]];
});

afterAll(() => server.stop());

/** One sends to all of the others in turns. */
function flood(from: TestClient, to: readonly TestClient[]): void {
  for (let i = 0; i < MESSAGES; i++) {
    const { jid } = to[i % to.length]!;
    from.send(`<message to='${jid}' type='chat' id='${i}'><body>${BODY}</body></message>`);
  }
}

async function expectAll(clients: readonly TestClient[]): Promise<void> {
  await Promise.all(
    clients.map(async (client, first) => {
      for (let i = first; i < MESSAGES; i += clients.length) {
        const message = await client.message();
        expect([message.attribute('type'), message.attribute('id')]).toEqual(['chat', String(i)]);
      }
      await client.nothingElse();
    }),
  );
}

async function overflowed(): Promise<number> {
  return (await Scrape.of(server.port('http'))).sum('meerkat_ring_overflow_frames_total');
}

describe('more for a shard than it takes', () => {
  it('waits while the shard stands still, and comes in order when it goes on', async () => {
    const before = await overflowed();
    await server.strike(`shard ${await shardOf(there[0]!)}`, 'stall', 1_500);
    flood(here[0]!, there);
    await expectAll(there);
    expect(await overflowed()).toBeGreaterThan(before);
  });

  it('in both directions at once does not make the two wait for each other', async () => {
    const [a, b] = [await shardOf(here[0]!), await shardOf(there[0]!)];
    await Promise.all([
      server.strike(`shard ${a}`, 'stall', 1_000),
      server.strike(`shard ${b}`, 'stall', 1_500),
    ]);
    flood(here[0]!, there);
    flood(there[0]!, here);
    await Promise.all([expectAll(there), expectAll(here)]);
  });
});
