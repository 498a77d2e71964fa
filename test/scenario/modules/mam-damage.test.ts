import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DATABASE_FILE } from '../../../src/store/sqlite/database.ts';
import { parseStableId } from '../../../src/xmpp/stable-id.ts';
import { TestClient } from '../../helpers/client.ts';
import { Scrape } from '../../helpers/http.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { numbered, page, talk } from './mam-support.ts';
import { LAB, loginOn } from './support.ts';

/** Messages whose bytes were damaged in the database: they cost nobody his stream, nor the rest of the page. */

const NS_RETRACT = 'urn:xmpp:message-retract:1';
const BYTES = [
  '',
  '</stream:stream>',
  '<message><body>open</body>',
  '<message/><message/>',
  "<message from='juliet@localhost'><body>forged</body></message>",
  '<iq/>',
  '\u0000\u0001junk',
].map((text) => Buffer.from(text));
/** SQLite takes anything in any column. */
const DAMAGE = [...BYTES, Buffer.from([0x3c, 0x6d, 0xff, 0xfe]), '<message/>', 7];

let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;
let ids: readonly string[];

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet'],
    toml: `[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n[modules.mod_presence]\n[modules.mod_mam.pm]\n${LAB}`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
  await talk(romeo, juliet, numbered(DAMAGE.length));
  const origin = "<origin-id xmlns='urn:xmpp:sid:0' id='o1'/>";
  romeo.send(`<message to='${juliet.jid}' type='chat'><body>hasty</body>${origin}</message>`);
  await juliet.message();
  await talk(romeo, juliet, ['whole']);
  ({ ids } = await page(romeo));
  const db = new Database(join(server.directory, 'data', DATABASE_FILE), { timeout: 10_000 });
  const damage = db.prepare('UPDATE mam_message SET packet = ? WHERE id = ?');
  for (const [i, bytes] of DAMAGE.entries())
    expect(damage.run(bytes, parseStableId(ids[i]!)).changes).toBe(1);
  expect(damage.run(Buffer.from('<message'), parseStableId(ids[DAMAGE.length]!)).changes).toBe(1);
  db.close();
});

afterAll(() => server.stop());

it('are shown as errors with their addresses, and the rest of the page is as ever', async () => {
  for (const client of [romeo, juliet]) {
    const found = await page(client);
    expect(found).toMatchObject({ ids, isComplete: true, count: String(DAMAGE.length + 2) });
    expect(found.bodies.at(-1)).toBe('whole');
    for (const { message } of found.results.slice(0, -1)) {
      expect(message.attribute('type')).toBe('error');
      expect(message.attribute('from')).toBe(romeo.jid);
      expect(message.attribute('to')).toBe(juliet.jid);
      const [condition, text] = message.child('error')!.elements();
      expect(condition?.name).toBe('internal-server-error');
      expect(text?.text()).toContain('damaged');
    }
    expect((await page(client, { fields: { ids: [ids[1]!] } })).ids).toEqual([ids[1]]);
  }
});

it('are counted, and logged now and then', async () => {
  expect(server.log).toContain('mam_message_damaged');
  expect(server.log).toContain(ids[0]);
  const metrics = await Scrape.of(server.port('http'));
  expect(metrics.sum('meerkat_module_events_total', 'event="mod_mam_damaged"')).toBeGreaterThan(0);
  expect(server.log.split('mam_message_damaged').length - 1).toBeLessThanOrEqual(2);
});

it('do not end an export of the user, nor his data for another server', async () => {
  const own = await meerkat(['--config', server.configFile, '--json', 'user', 'export', 'juliet@localhost']);
  const { tables } = JSON.parse(own.stdout) as { tables: { name: string; rows: string[][] }[] };
  const rows = tables.find(({ name }) => name === 'mam_pm')!.rows;
  expect(rows.map(([id]) => id)).toEqual(ids);
  expect(rows[0]![2]).toContain('damaged');
  const path = join(server.directory, 'juliet.xml');
  const args = ['--config', server.configFile, 'export', path, '--user', 'juliet@localhost'];
  expect((await meerkat(args)).status).toBe(0);
  const file = readFileSync(path, 'utf8');
  expect(file.match(/<result /g)).toHaveLength(1);
  expect(file).toContain('<body>whole</body>');
});

it('can be taken back', async () => {
  romeo.send(
    `<message to='${juliet.jid}' type='chat' id='r'><retract xmlns='${NS_RETRACT}' id='o1'/></message>`,
  );
  await juliet.message();
  for (;;) {
    const { results } = await page(juliet, { fields: { ids: [ids[DAMAGE.length]!] } });
    if (results[0]!.message.child('retracted', NS_RETRACT) !== undefined) return;
  }
});
