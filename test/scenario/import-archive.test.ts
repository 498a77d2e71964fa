import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ImportReport } from '../../src/cli/import-file.ts';
import { TestClient } from '../helpers/client.ts';
import { meerkat } from '../helpers/meerkat.ts';
import { prosodyFile } from '../helpers/portable.ts';
import { TestServer } from '../helpers/server.ts';
import { page, talk } from './modules/mam-support.ts';

/** Archives that come from other servers, and go to others (XEP-0227 §4.10). */

// Each starts several processes.
vi.setConfig({ testTimeout: 120_000 });

const TOML =
  '[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_roster]\n[modules.mod_stanzaid]\n[modules.mod_mam.pm]\n  user_prefs_store = "rdbms"\n';

let directory: string;
let server: TestServer;
let files = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mk-import-'));
  server = await TestServer.start({ shards: 2, toml: TOML, users: ['romeo', 'nurse'] });
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

async function take(text: string, into = server): Promise<ImportReport> {
  const path = join(directory, `${++files}.xml`);
  writeFileSync(path, text);
  const { stdout } = await meerkat(['--config', into.configFile, '--json', 'import', path]);
  return JSON.parse(stdout) as ImportReport;
}

async function exported(from = server): Promise<string> {
  const path = join(directory, `${++files}.xml`);
  expect((await meerkat(['--config', from.configFile, 'export', path])).status).toBe(0);
  return readFileSync(path, 'utf8');
}

/** A result as Prosody writes it: ids of its own, times in whole seconds. */
function result(body: string, stamp: string, from: string, to: string, id = `uuid-${body}`): string {
  return `<result xmlns='urn:xmpp:mam:2' id='${id}'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='${stamp}'/><message xmlns='jabber:client' from='${from}' to='${to}' type='chat'><body>${body}</body></message></forwarded></result>`;
}

const JULIET = 'juliet@localhost/balcony';
const ROMEO = 'romeo@localhost/orchard';

/** An archive with six messages in one second, and others; one is there twice, and belongs there twice. */
const ARCHIVE = `<archive xmlns='urn:xmpp:pie:0#mam'>${[
  ...Array.from({ length: 6 }, (_unused, i) =>
    result(`s${i}`, '2026-05-01T10:00:00Z', i % 2 === 0 ? JULIET : ROMEO, i % 2 === 0 ? ROMEO : JULIET),
  ),
  result('same', '2026-05-01T10:00:01Z', JULIET, ROMEO, 'a'),
  result('same', '2026-05-01T10:00:01Z', JULIET, ROMEO, 'b'),
  result('late', '2026-05-01T11:00:00Z', ROMEO, 'juliet@localhost'),
].join('')}</archive>`;
const BODIES = ['s0', 's1', 's2', 's3', 's4', 's5', 'same', 'same', 'late'];

describe('an archive of another server', () => {
  it('is there for its user, complete and in order, with its times; and is not there twice', async () => {
    const text = prosodyFile('juliet', 'localhost', 'wherefore', '', ARCHIVE);
    expect(await take(text)).toMatchObject({ accounts: 1, problem: null });
    const juliet = await TestClient.login(server.port(), JULIET, { password: 'wherefore' });
    const all = await page(juliet);
    expect(all.bodies).toEqual(BODIES);
    expect(new Set(all.ids).size).toBe(BODIES.length);
    expect(all.results.map(({ stamp }) => stamp.slice(0, 19))).toEqual([
      ...new Array(6).fill('2026-05-01T10:00:00'),
      ...new Array(2).fill('2026-05-01T10:00:01'),
      '2026-05-01T11:00:00',
    ]);
    const again = await take(text);
    expect(again).toMatchObject({ accounts: 0, entries: 0 });
    expect((await page(juliet)).ids).toEqual(all.ids);
    // Whose archive did not come has none.
    const romeo = await TestClient.login(server.port(), ROMEO);
    expect((await page(romeo)).bodies).toEqual([]);
    await romeo.close();
    await juliet.close();
  });

  it('of the other side comes beside it, although each second has messages of both', async () => {
    const text = prosodyFile('romeo', 'localhost', 'secret', '', ARCHIVE);
    await take(text);
    const romeo = await TestClient.login(server.port(), ROMEO);
    expect((await page(romeo)).bodies).toEqual(BODIES);
    await romeo.close();
    const juliet = await TestClient.login(server.port(), JULIET, { password: 'wherefore' });
    expect((await page(juliet)).bodies).toEqual(BODIES);
    await juliet.close();
  });

  it('is taken message by message', async () => {
    const bad = [
      '<other/>',
      "<result xmlns='urn:xmpp:mam:2'/>",
      result('x', 'yesterday', JULIET, ROMEO),
      result('x', '2026-05-01T10:00:00Z', 'nurse@localhost', ROMEO),
      result('x', '2026-05-01T10:00:00Z', '@', ROMEO),
    ].join('');
    const archive = `<archive xmlns='urn:xmpp:pie:0#mam'>${bad}${result('good', '2026-05-02T10:00:00Z', JULIET, ROMEO)}</archive>`;
    const { losses, entries } = await take(prosodyFile('juliet', 'localhost', 'wherefore', '', archive));
    expect(losses.find(({ code }) => code === 'invalid')).toMatchObject({
      what: 'archive (urn:xmpp:pie:0#mam)',
      count: 5,
    });
    expect(entries).toBe(1);
  });
});

describe('an archive of this server', () => {
  it('goes to another one with the ids that clients know, and what users want to be archived', async () => {
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
    const romeo = await TestClient.login(server.port(), ROMEO);
    await talk(nurse, romeo, ['one', 'two']);
    await talk(romeo, nurse, ['three']);
    const wanted =
      "<prefs xmlns='urn:xmpp:mam:2' default='roster'><always><jid>romeo@localhost</jid></always><never/></prefs>";
    expect((await nurse.iq('set', undefined, wanted)).attribute('type')).toBe('result');
    const mine = await page(nurse);
    const his = await page(romeo);
    await nurse.close();
    await romeo.close();
    const text = await exported();
    const other = await TestServer.start({ shards: 2, toml: TOML });
    try {
      expect(await take(text, other)).toMatchObject({ lost: 0, problem: null });
      expect(await exported(other)).toBe(text);
      expect(await take(text, other)).toMatchObject({ entries: 0, lost: 0 });
      expect(await exported(other)).toBe(text);
      const there = await TestClient.login(other.port(), 'nurse@localhost/hall');
      expect((await page(there)).ids).toEqual(mine.ids);
      await there.close();
      const romeoThere = await TestClient.login(other.port(), ROMEO);
      expect((await page(romeoThere)).ids).toEqual(his.ids);
      await romeoThere.close();
    } finally {
      await other.stop();
    }
  });

  it('is long, and comes whole', async () => {
    const messages = Array.from({ length: 2_500 }, (_unused, i) =>
      result(
        `n${i}`,
        new Date(1_770_000_000_000 + Math.floor(i / 7) * 1_000).toISOString().replace('.000', ''),
        JULIET,
        ROMEO,
      ),
    );
    const user = `<server-data xmlns='urn:xmpp:pie:0'><host jid='localhost'><user name='juliet'><archive xmlns='urn:xmpp:pie:0#mam'>${messages.join('')}</archive></user></host></server-data>`;
    expect(await take(user)).toMatchObject({ entries: 2_500, lost: 0 });
    const bodies = [...(await exported()).matchAll(/<body>n(\d+)<\/body>/g)].map(([, n]) => Number(n));
    expect(bodies).toEqual(Array.from({ length: 2_500 }, (_unused, i) => i));
    expect(await take(user)).toMatchObject({ entries: 0, known: 2_500 });
  });
});
