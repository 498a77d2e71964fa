import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import { fixture, LAB, loginOn } from './modules/support.ts';

/** A client that reads all the time is not taken for one that does not (threat T60), however much comes at once. */

const BODY = 'x'.repeat(60_000);
let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse'],
    toml: `[modules.mod_presence]\n${LAB}${fixture('mod_brake', 'mod-brake.ts')}`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
});

afterAll(() => server.stop());

it.each([40, 80, 120])(
  'after its shard stood still while %i large messages came for it',
  async (count) => {
    romeo.send(`<message to='${juliet.jid}' type='chat' id='hold'><body>hold 700</body></message>`);
    for (let i = 0; i < count; i++)
      romeo.send(`<message to='${juliet.jid}' type='chat' id='${i}'><body>${BODY}</body></message>`);
    expect((await juliet.message()).attribute('id')).toBe('hold');
    for (let i = 0; i < count; i++) expect((await juliet.message()).attribute('id')).toBe(String(i));
    await juliet.nothingElse();
    await romeo.nothingElse();
  },
  30_000,
);
