import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ImportReport } from '../../src/cli/import-file.ts';
import { openReader } from '../../src/store/sqlite/database.ts';
import { MeerkatRun, meerkat } from '../helpers/meerkat.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';

/** The server dies in the middle of an import: that is said, and the same file given once more brings what is missing, and nothing twice. */

const USERS = 240;
const KEYS = `<scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-SHA-1'><iter-count>4096</iter-count><salt>MDEyMzQ1Njc4OWFiY2RlZg==</salt><server-key>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</server-key><stored-key>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</stored-key></scram-credentials>`;
const TOML = ['presence', 'offline', 'roster', 'private', 'vcard']
  .map((name) => `[modules.mod_${name}]\n`)
  .join('');

let directory: string;
let server: TestServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mk-import-kill-'));
  server = await TestServer.start({ shards: 2, toml: TOML });
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

function user(i: number): string {
  const messages = [0, 1, 2].map(
    (n) =>
      `<message xmlns='jabber:client' from='nurse@localhost/h'><body>${i}.${n}</body><delay xmlns='urn:xmpp:delay' stamp='2026-05-01T10:00:0${n}Z'/></message>`,
  );
  return `<user name='u${i}'>${KEYS}<query xmlns='jabber:iq:roster'><item jid='romeo@localhost' subscription='to'/></query><vCard xmlns='vcard-temp'><FN>${i}</FN></vCard><query xmlns='jabber:iq:private'><x xmlns='urn:x'>${i}</x></query><offline-messages>${messages.join('')}</offline-messages></user>\n`;
}

it('an import goes on where a killed server ended it', async () => {
  const file = join(directory, 'users.xml');
  const users = Array.from({ length: USERS }, (_unused, i) => user(i));
  writeFileSync(
    file,
    `<server-data xmlns='urn:xmpp:pie:0'><host jid='localhost'>\n${users.join('')}</host></server-data>`,
  );
  const own = ['--config', server.configFile, '--json'];
  const reader = openReader(join(server.directory, 'data'));
  const rows = (table: string): number =>
    reader.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;

  let imported = 0;
  for (const enough of [20, 90]) {
    const run = new MeerkatRun([...own, 'import', file]);
    await eventually(() => rows('users') >= enough, `${enough} accounts`);
    const ended = server.exited();
    server.signal('SIGKILL');
    await ended;
    const { status, stdout } = await run.result();
    expect(status).toBe(1);
    const { error } = JSON.parse(stdout) as { error: { code: string; details: ImportReport } };
    expect(error.code).toBe('import_failed');
    // What it counts as stored is stored.
    imported += error.details.accounts;
    expect(rows('users')).toBeGreaterThanOrEqual(imported);
    expect(error.details.users).toBeLessThan(USERS);
    await server.launch();
  }
  const last = await meerkat([...own, 'import', file]);
  expect(last.status).toBe(0);
  expect(JSON.parse(last.stdout)).toMatchObject({ users: USERS, lost: 0, problem: null });
  expect(rows('users')).toBe(USERS);
  for (const table of ['roster_item', 'vcard', 'private_storage']) expect(rows(table), table).toBe(USERS);
  expect(rows('offline_message')).toBe(3 * USERS);
  const again = JSON.parse((await meerkat([...own, 'import', file])).stdout) as ImportReport;
  expect(again).toMatchObject({ accounts: 0, entries: 0 });
  reader.close();

  const out = join(directory, 'out.xml');
  expect((await meerkat([...own, 'export', out])).status).toBe(0);
  const bodies = [...readFileSync(out, 'utf8').matchAll(/<body>([\d.]+)<\/body>/g)].map(([, text]) => text!);
  expect(bodies.toSorted()).toEqual(
    users.flatMap((_user, i) => [0, 1, 2].map((n) => `${i}.${n}`)).toSorted(),
  );
}, 120_000);
