import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DATABASE_FILE } from '../../../src/store/sqlite/database.ts';
import { type Element, TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { inboxOf, NS_CONVERSATION } from './inbox-support.ts';

/** Messages for absent users, and last messages of conversations, whose bytes were damaged in the database. */

const BYTES = ['', '</stream:stream>', '<message><body>open</body>', '<message/><message/>', '<iq/>'];
/** SQLite takes anything in any column. */
const DAMAGE = [...BYTES.map((text) => Buffer.from(text)), '<message/>', 7];
const SENDERS = DAMAGE.map((_bytes, i) => `s${i}`);

let server: TestServer;
let romeo: TestClient;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', ...SENDERS],
    toml: '[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_inbox]\n',
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  for (const name of SENDERS) {
    const sender = await TestClient.login(server.port(), `${name}@localhost/x`);
    sender.send(`<message to='juliet@localhost' type='chat'><body>from ${name}</body></message>`);
    await sender.nothingElse();
    await sender.close();
  }
  romeo.send("<message to='juliet@localhost' type='chat'><body>whole</body></message>");
  await romeo.nothingElse();
  // All of it is stored.
  expect((await inboxOf(romeo)).count).toBe(1);
  const db = new Database(join(server.directory, 'data', DATABASE_FILE), { timeout: 10_000 });
  const message = db.prepare('UPDATE offline_message SET packet = ? WHERE from_jid LIKE ?');
  const keys = db.prepare(
    "UPDATE offline_message SET permanent_fields = x'c1ff' WHERE from_jid LIKE 'romeo@%'",
  );
  const conversation = db.prepare(
    "UPDATE inbox SET content = ? WHERE luser = 'juliet' AND remote_bare_jid = ?",
  );
  for (const [i, bytes] of DAMAGE.entries()) {
    expect(message.run(bytes, `${SENDERS[i]}@%`).changes).toBe(1);
    expect(conversation.run(bytes, `${SENDERS[i]}@localhost`).changes).toBe(1);
  }
  expect(keys.run().changes).toBe(1);
  db.close();
});

afterAll(() => server.stop());

/** Whether it is an error in place of a message. */
function saysDamaged(message: Element): boolean {
  const [condition, text] = message.child('error')?.elements() ?? [];
  return condition?.name === 'internal-server-error' && text?.text().includes('damaged') === true;
}

it('are left out of files for other servers, which is said', async () => {
  const path = join(server.directory, 'juliet.xml');
  const args = ['--config', server.configFile, 'export', path, '--user', 'juliet@localhost'];
  const { status, stdout } = await meerkat(args);
  expect(status).toBe(0);
  expect(stdout).toContain(`${DAMAGE.length} messages were left out`);
  const file = readFileSync(path, 'utf8');
  expect(file).toContain('<body>whole</body>');
  expect(file).not.toContain('open');
});

it('come as errors of their senders, once; the others come as they are', async () => {
  const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  for (const name of SENDERS) {
    const message = await juliet.message();
    expect(message.attribute('from')).toBe(`${name}@localhost/x`);
    expect(message.attribute('type')).toBe('error');
    expect(saysDamaged(message)).toBe(true);
  }
  expect((await juliet.message()).childText('body')).toBe('whole');
  await juliet.nothingElse();
  expect(server.log).toContain('offline_message_damaged');
  await juliet.close();
  const again = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  await again.nothingElse();
  await again.close();
});

it('are errors in the inbox, with all that is known of the conversation', async () => {
  const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  const { shown, count, unread } = await inboxOf(juliet);
  expect([count, unread]).toEqual([DAMAGE.length + 1, DAMAGE.length + 1]);
  for (const { message, body } of shown) {
    if (message.attribute('from') === romeo.jid) expect(body).toBe('whole');
    else expect(saysDamaged(message)).toBe(true);
  }
  expect(shown.map(({ from }) => from.split('/')[0]).sort()).toEqual(
    ['romeo', ...SENDERS].map((name) => `${name}@localhost`).sort(),
  );
  const query = `<query xmlns='${NS_CONVERSATION}' jid='s0@localhost' complete='true'/>`;
  const answer = await juliet.iq('get', undefined, query);
  expect(answer.attribute('type')).toBe('result');
  expect(server.log).toContain('inbox_message_damaged');
  await juliet.close();
});
