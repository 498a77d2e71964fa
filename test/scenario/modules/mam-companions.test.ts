import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASE_FILE } from '../../../src/store/sqlite/database.ts';
import { TestClient } from '../../helpers/client.ts';
import { eventually } from '../../helpers/process.ts';
import { TestServer } from '../../helpers/server.ts';
import { numbered, page, stanzaId, talk } from './mam-support.ts';
import { LAB, loginOn, nobodyThere } from './support.ts';

/** An archive beside mod_stanzaid and mod_amp, and one that forgets. */

let server: TestServer;

async function start(toml: string): Promise<[TestClient, TestClient]> {
  server = await TestServer.start({ shards: 2, users: ['romeo', 'juliet'], toml: `${toml}\n${LAB}` });
  return await both();
}

async function both(): Promise<[TestClient, TestClient]> {
  const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  return [romeo, await loginOn(server, 'juliet@localhost/balcony', 'other', romeo)];
}

describe('with mod_stanzaid', () => {
  let romeo: TestClient;
  let juliet: TestClient;

  beforeAll(async () => {
    [romeo, juliet] = await start(
      '[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_stanzaid]\n[modules.mod_mam.pm]',
    );
  });

  afterAll(() => server.stop());

  it('its ids are those of the archive, and each message has one', async () => {
    const heard = await talk(romeo, juliet, numbered(3));
    const ids = heard.map((message) => stanzaId(message, 'juliet@localhost'));
    for (const message of heard)
      expect(message.elements().filter(({ name }) => name === 'stanza-id')).toHaveLength(1);
    expect((await page(juliet)).ids).toEqual(ids);
    expect((await page(romeo)).ids).toEqual(ids);
  });

  it('so are they of what was stored', async () => {
    await juliet.close();
    await nobodyThere(romeo, 'juliet@localhost');
    romeo.send("<message to='juliet@localhost' type='chat'><body>later</body></message>");
    await romeo.iq('get', 'localhost', "<nothing xmlns='urn:x'/>");
    juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony', { isAvailable: false });
    juliet.send('<presence/>');
    const heard = await juliet.message();
    const found = await page(juliet, { set: '<max>1</max><before/>' });
    expect(found.bodies).toEqual(['later']);
    expect(stanzaId(heard, 'juliet@localhost')).toBe(found.ids[0]);
  });
});

describe('with mod_amp', () => {
  const NS = 'http://jabber.org/protocol/amp';
  let romeo: TestClient;

  beforeAll(async () => {
    let juliet: TestClient;
    [romeo, juliet] = await start(
      '[modules.mod_presence]\n[modules.mod_amp]\n check_presence = false\n[modules.mod_offline_stub]\n[modules.mod_mam.pm]',
    );
    await juliet.close();
    await nobodyThere(romeo, 'juliet@localhost');
  });

  afterAll(() => server.stop());

  it('a message to somebody absent is stored, as far as rules are concerned', async () => {
    const rule = "<rule condition='deliver' value='stored' action='notify'/>";
    romeo.send(
      `<message to='juliet@localhost' id='1' type='chat'><body>x</body><amp xmlns='${NS}'>${rule}</amp></message>`,
    );
    const told = (await romeo.message()).child('amp', NS)!;
    expect(told.attribute('status')).toBe('notify');
    expect(told.elements()[0]!.attribute('value')).toBe('stored');
    expect((await page(romeo)).bodies).toEqual(['x']);
  });

  it('one that must not be stored is not archived either', async () => {
    const rule = "<rule condition='deliver' value='stored' action='error'/>";
    romeo.send(
      `<message to='juliet@localhost' id='2' type='chat'><body>y</body><amp xmlns='${NS}'>${rule}</amp></message>`,
    );
    expect((await romeo.message()).attribute('type')).toBe('error');
    expect((await page(romeo)).bodies).toEqual(['x']);
  });
});

describe('with limits', () => {
  beforeAll(async () => {
    const clients = await start(
      '[modules.mod_presence]\n[modules.mod_mam]\n keep_messages = 4\n[modules.mod_mam.pm]',
    );
    await talk(clients[0], clients[1], numbered(7));
    await Promise.all(clients.map((client) => client.close()));
  });

  afterAll(() => server.stop());

  it('the oldest messages go after a while, on both sides', async () => {
    server.signal('SIGTERM');
    await server.exited();
    await server.launch();
    const file = join(server.directory, 'data', DATABASE_FILE);
    const rows = (): number => {
      const db = new Database(file, { readonly: true });
      const { n } = db.prepare('SELECT count(*) AS n FROM mam_message').get() as { n: number };
      db.close();
      return n;
    };
    await eventually(() => rows() === 4, 'old messages are deleted');
    for (const client of await both()) expect((await page(client)).bodies).toEqual(numbered(7).slice(3));
  });
});
