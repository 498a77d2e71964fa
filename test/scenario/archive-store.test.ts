import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openReader } from '../../src/store/sqlite/database.ts';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import { fixture, LAB, loginOn } from './modules/support.ts';

/** Archives in a real server: what clients of two shards say, through rings and the store's thread and back, and what that thread does when it has time. */

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo', 'juliet'],
    shards: 2,
    toml: `[modules.mod_presence]\n${LAB}${fixture('mod_archivist', 'mod-archivist.ts')}`,
  });
});

afterAll(() => server.stop());

/** Rows of a table, as another connection sees them. */
function rowsOf(table: string): number {
  const db = openReader(server.directory.concat('/data'));
  try {
    return db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck(true).get()!;
  } finally {
    db.close();
  }
}

async function ask(client: TestClient, word: string): Promise<string> {
  client.send(`<message type='chat' to='localhost'><body>?${word}</body></message>`);
  return (await client.message()).childText('body')!;
}

it('archives what is said on two shards, finds its words, and indexes it in a quiet moment', async () => {
  const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  const juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
  for (let n = 1; n <= 20; n++) {
    const [from, to] = n % 2 === 0 ? [romeo, juliet] : [juliet, romeo];
    from.send(`<message type='chat' to='${to.jid}'><body>light${n}</body></message>`);
    expect((await to.message()).childText('body')).toBe(`light${n}`);
    from.send(`<message type='chat' to='${to.jid}'><body>sun</body></message>`);
    expect((await to.message()).childText('body')).toBe('sun');
  }
  for (const client of [romeo, juliet]) {
    expect(await ask(client, 'light7')).toBe('1: light7');
    expect(await ask(client, 'sun')).toBe(`20: ${Array(20).fill('sun').join(' ')}`);
    expect(await ask(client, 'moon')).toBe('0: ');
  }
  while (rowsOf('mam_search_queue') > 0) await delay(50);
  expect(rowsOf('mam_search_docsize')).toBe(40);
  for (const client of [romeo, juliet]) expect(await ask(client, 'light7')).toBe('1: light7');
});
