import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASE_FILE } from '../../../src/store/sqlite/database.ts';
import { TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { numbered, page, talk } from './mam-support.ts';
import { fixture, LAB, loginOn } from './support.ts';

/** What goes out of archives: with an account, with a domain; what is in an export; reloads; and group chats. */

const ROOM = fixture('mod_room', 'mod-room.ts');

let server: TestServer;
let romeo: TestClient;

const CONFIG = `[modules.mod_presence]\n[modules.mod_register]\n[modules.mod_mam]\n user_prefs_store = "rdbms"\n`;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    hosts: ['localhost', 'verona.example'],
    users: ['romeo', 'juliet', 'nurse', 'friar'],
    general: 'registration_timeout = "infinity"',
    toml: `${CONFIG} [modules.mod_mam.pm]\n  archive_groupchats = true\n delete_domain_limit = 1\n${ROOM}${LAB}`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
});

afterAll(() => server.stop());

async function command(...args: string[]): Promise<{ status: unknown; stdout: string; stderr: string }> {
  return await meerkat(['--config', server.configFile, ...args]);
}

describe('an account that is removed', () => {
  it('takes its archive and its preferences with it, and leaves the other side’s', async () => {
    const juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    await talk(romeo, juliet, ['one', 'two']);
    await juliet.iq('set', undefined, "<prefs xmlns='urn:xmpp:mam:2' default='never'/>");
    expect((await command('user', 'delete', 'juliet@localhost')).stderr).toBe('');
    expect(
      (await command('user', 'add', 'juliet@localhost', '--password-file', '/dev/stdin')).status,
    ).not.toBe(0);
    await juliet.until(({ name }) => name === 'error' || name === 'stream:error');
    juliet.cut();
    await romeo.iq(
      'set',
      'localhost',
      "<query xmlns='jabber:iq:register'><username>juliet</username><password>secret</password></query>",
    );
    const next = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    expect((await page(next)).ids).toEqual([]);
    const prefs = await next.iq('get', undefined, "<prefs xmlns='urn:xmpp:mam:2'/>");
    expect(prefs.child('prefs', 'urn:xmpp:mam:2')!.attribute('default')).toBe('always');
    expect((await page(romeo, { fields: { with: 'juliet@localhost' } })).bodies).toEqual(['one', 'two']);
    await talk(romeo, next, ['three']);
    expect((await page(next)).bodies).toEqual(['three']);
    await next.close();
  });
});

describe('an export', () => {
  it('has all messages of the archive', async () => {
    const nurse = await loginOn(server, 'nurse@localhost/room', 'other', romeo);
    await talk(nurse, romeo, numbered(3, 'ü &lt;'));
    const { ids } = await page(nurse);
    const { stdout } = await command('--json', 'user', 'export', 'nurse@localhost');
    const { tables } = JSON.parse(stdout) as {
      tables: { name: string; columns: string[]; rows: string[][] }[];
    };
    const table = tables.find(({ name }) => name === 'mam_pm')!;
    expect(table.columns).toEqual(['id', 'from', 'message']);
    expect(table.rows.map(([id]) => id)).toEqual(ids);
    expect(table.rows[0]![1]).toBe('nurse@localhost/room');
    expect(table.rows[0]![2]).toContain('<body>ü &lt; 1</body>');
    expect(table.rows[0]![2]).toContain("to='romeo@localhost/orchard'");
    await nurse.close();
  });
});

describe('group chats', () => {
  it('are in the archives of who gets them if the operator wants it, and can be left out', async () => {
    const friar = await loginOn(server, 'friar@localhost/cell', 'other', romeo);
    friar.send("<message to='hall@rooms.localhost/friar' type='groupchat'><body>to all</body></message>");
    const heard = await friar.message();
    expect(heard.attribute('from')).toBe('hall@rooms.localhost/friar');
    await talk(friar, romeo, ['to one']);
    const all = await page(friar);
    expect(all.bodies).toEqual(['to all', 'to one']);
    expect(all.results[0]!.message.attribute('from')).toBe('hall@rooms.localhost/friar');
    expect((await page(friar, { fields: { 'include-groupchat': 'false' } })).bodies).toEqual(['to one']);
    expect((await page(friar, { fields: { 'include-groupchat': 'true' } })).bodies).toHaveLength(2);
    expect((await page(friar, { fields: { with: 'hall@rooms.localhost' } })).bodies).toEqual(['to all']);
    await friar.close();
  });
});

describe('a reload', () => {
  it('keeps what was archived, while it goes off and on again', async () => {
    const before = await page(romeo);
    expect(before.ids.length).toBeGreaterThan(0);
    const whole = readFileSync(server.configFile, 'utf8');
    writeFileSync(server.configFile, whole.slice(0, whole.indexOf('[modules.mod_mam]')) + LAB);
    expect((await command('reload')).stderr).toBe('');
    const asked = await romeo.iq('set', undefined, "<query xmlns='urn:xmpp:mam:2'/>");
    expect(asked.attribute('type')).toBe('error');
    writeFileSync(server.configFile, whole);
    expect((await command('reload')).stderr).toBe('');
    expect((await page(romeo)).ids).toEqual(before.ids);
  });
});

describe('a domain whose data are removed', () => {
  it('leaves nothing in the store, and is not said to be done before, however long that takes', async () => {
    const friar = await loginOn(server, 'friar@localhost/cell', 'other', romeo);
    // One goes at a time, with pauses: longer than a hook may take.
    await talk(romeo, friar, numbered(70));
    const { status, stdout, stderr } = await command('domain', 'remove-data', 'localhost', '--yes');
    expect([status, stdout]).toEqual([0, 'all data of localhost removed\n']);
    expect(stderr).toBe('there is much to remove: waiting until all is gone\n');
    const db = new Database(join(server.directory, 'data', DATABASE_FILE), { readonly: true });
    const { n } = db.prepare('SELECT count(*) AS n FROM mam_message').get() as { n: number };
    db.close();
    expect(n).toBe(0);
  });
});
