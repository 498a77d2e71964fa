import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import { enableResumption } from '../helpers/stream-management.ts';
import { crash, LAB, loginOn, presence, resumeOn } from '../scenario/modules/support.ts';

/** Whoever was sent directed presence by a session that dies with its shard hears of its end (RFC 6121 §4.6.3), wherever the two had been before. */

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse'],
    toml: `[modules.mod_presence]\n[modules.mod_stream_management]\n${LAB}`,
  });
});

afterAll(() => server.stop());

/** Romeo and Juliet on one shard; she has shown herself to him, at his account or at his resource. */
async function met(to: string): Promise<{ romeo: TestClient; juliet: TestClient }> {
  const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  const juliet = await loginOn(server, 'juliet@localhost/balcony', 'same', romeo);
  juliet.send(`<presence to='${to}'/>`);
  expect((await presence(romeo)).attribute('from')).toBe(juliet.jid);
  return { romeo, juliet };
}

async function hearsOfTheEnd(romeo: TestClient): Promise<void> {
  const gone = await presence(romeo);
  expect([gone.attribute('from'), gone.attribute('type')]).toEqual([
    'juliet@localhost/balcony',
    'unavailable',
  ]);
}

describe.each(['romeo@localhost', 'romeo@localhost/orchard'])('directed presence to %s', (to) => {
  it('of a session that was resumed on another shard, which then dies', async () => {
    const { romeo, juliet } = await met(to);
    const id = await enableResumption(juliet);
    juliet.cut();
    const again = await resumeOn(server, 'other', romeo, juliet.jid, id, 0);
    await crash(again);
    await hearsOfTheEnd(romeo);
    await romeo.close();
  });

  it('to a session that was resumed on another shard before the one of its sender dies', async () => {
    const { romeo, juliet } = await met(to);
    const nurse = await loginOn(server, 'nurse@localhost/hall', 'other', romeo);
    const id = await enableResumption(romeo);
    romeo.cut();
    const again = await resumeOn(server, 'other', nurse, romeo.jid, id, 0);
    await crash(juliet);
    await hearsOfTheEnd(again);
    await again.close();
    await nurse.close();
  });
});
