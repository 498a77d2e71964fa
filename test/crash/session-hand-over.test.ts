import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import { bodyOf, enableResumption, NS_SM, unbound } from '../helpers/stream-management.ts';
import {
  LAB,
  loginOn,
  messagesUntilNow,
  nobodyThere,
  presence,
  shardOf,
} from '../scenario/modules/support.ts';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    isFaulty: true,
    shards: 3,
    users: ['romeo', 'juliet', 'nurse'],
    toml: `[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_stream_management]\n${LAB}`,
  });
});

afterAll(() => server.stop());

/** Logs in as the nurse until all shards have about as many connections, then leaves the wanted one: the next connection goes there. */
async function makeRoomOn(shard: string): Promise<TestClient[]> {
  const others: TestClient[] = [];
  const there: TestClient[] = [];
  for (let i = 0; there.length < 4 || others.length < 4; i++) {
    const client = await TestClient.login(server.port(), `nurse@localhost/${i}`, { isAvailable: false });
    ((await shardOf(client)) === shard ? there : others).push(client);
  }
  for (const client of there) await client.close();
  return others;
}

it.each(['exit', 'throw'] as const)(
  'a shard that dies (%s) while a session is on its way to it loses none of its messages',
  async (kind) => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const home = await shardOf(romeo);
    // Romeo is on neither of the two.
    const juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    const old = await shardOf(juliet);
    const next = ['0', '1', '2'].find((shard) => shard !== home && shard !== old)!;
    juliet.send("<presence to='romeo@localhost/orchard'/>");
    expect((await presence(romeo)).attribute('type')).toBeUndefined();
    const id = await enableResumption(juliet);
    for (let i = 0; i < 5; i++) {
      romeo.send(`<message to='juliet@localhost' type='chat'><body>line ${i}</body></message>`);
    }
    for (let i = 0; i < 5; i++) await juliet.message();
    juliet.cut();
    const others = await makeRoomOn(next);
    const stream = await unbound(server, 'juliet@localhost');
    // The old shard stands still; the other one asks it for the session, and is dead before it is answered.
    await server.strike(`shard ${old}`, 'stall', 2_000);
    stream.send(`<resume xmlns='${NS_SM}' previd='${id}' h='2'/>`);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await server.strike(`shard ${next}`, kind);
    while ((await stream.next()).kind !== 'disconnected');
    await nobodyThere(romeo, 'juliet@localhost');
    const gone = await romeo.until((element) => element.name === 'presence');
    expect([gone.attribute('from'), gone.attribute('type')]).toEqual([
      'juliet@localhost/balcony',
      'unavailable',
    ]);
    const later = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    // What she said she had handled she had said to nobody who lives. (They may still be on their way into storage.)
    for (let i = 0; i < 5; i++) expect(bodyOf(await later.message())).toBe(`line ${i}`);
    expect(await messagesUntilNow(later)).toEqual([]);
    await later.close();
    for (const client of [...others, romeo]) client.cut();
  },
);
