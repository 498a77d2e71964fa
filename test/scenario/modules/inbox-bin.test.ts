import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { eventually } from '../../helpers/process.ts';
import { TestServer } from '../../helpers/server.ts';
import { bodies, question, say, set } from './inbox-support.ts';
import { LAB, loginOn } from './support.ts';

/** mod_inbox: bins, of which the server itself deletes what is old (`bin_ttl`, `bin_clean_after`). */

const INBOX = '[modules.mod_inbox]\n';
const DAY_US = 86_400_000_000;

describe('bins', () => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;
  const BIN = question({ box: 'bin' });
  const ALL = question({ box: 'all' });
  const run = (...args: string[]) => meerkat(['--config', server.configFile, ...args]);

  async function login(): Promise<void> {
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
  }

  /** While the server is down: the last message of a user's conversation was so many days ago. */
  function age(db: Database.Database, user: string, peer: string, days: number): void {
    const [name, domain] = user.split('@');
    const sql = 'UPDATE inbox SET timestamp = ? WHERE luser = ? AND lserver = ? AND remote_bare_jid = ?';
    const { changes } = db.prepare(sql).run(Date.now() * 1_000 - days * DAY_US, name, domain, peer);
    expect(changes).toBe(1);
  }

  beforeAll(async () => {
    server = await TestServer.start({
      shards: 2,
      hosts: ['localhost', 'verona.example'],
      users: ['romeo', 'juliet', 'nurse', 'paris', 'tybalt'],
      toml: `[modules.mod_presence]\n${LAB}\n${INBOX}`,
    });
    const { status } = await run('user', 'add', 'benvolio@verona.example', 'secret');
    expect(status).toBe(0);
    await login();
  });

  afterAll(async () => {
    for (const client of [romeo, juliet]) client.cut();
    await server.stop();
  });

  it('lose by themselves what had no message for 30 days, of all users and domains, and keep what is younger', async () => {
    const others = [];
    for (const jid of [
      'nurse@localhost/x',
      'paris@localhost/x',
      'tybalt@localhost/x',
      'benvolio@verona.example/x',
    ]) {
      others.push(await TestClient.login(server.port(), jid));
    }
    const [nurse, paris, tybalt, benvolio] = others as [TestClient, TestClient, TestClient, TestClient];
    await say(romeo, juliet, 'old');
    await say(nurse, juliet, 'younger');
    await say(paris, juliet, 'old, but not in the bin');
    await say(tybalt, juliet, 'old, in the archive');
    await say(juliet, benvolio, 'old elsewhere');
    for (const peer of ['romeo@localhost', 'nurse@localhost']) await set(juliet, peer, '<box>bin</box>');
    await set(juliet, 'tybalt@localhost', '<box>archive</box>');
    await set(romeo, 'juliet@localhost', '<box>bin</box>');
    await set(benvolio, 'juliet@localhost', '<box>bin</box>');
    expect(await bodies(juliet, BIN)).toEqual(['younger 1', 'old 1']);
    expect(await bodies(romeo, BIN)).toEqual(['old 0']);
    expect(await bodies(benvolio, BIN)).toEqual(['old elsewhere 1']);

    server.signal('SIGTERM');
    await server.exited();
    const db = new Database(join(server.directory, 'data', 'meerkat.db'));
    age(db, 'juliet@localhost', 'nurse@localhost', 29);
    for (const peer of ['romeo', 'paris', 'tybalt']) age(db, 'juliet@localhost', `${peer}@localhost`, 31);
    age(db, 'romeo@localhost', 'juliet@localhost', 31);
    age(db, 'benvolio@verona.example', 'juliet@localhost', 31);
    db.close();
    await server.launch();
    await login();

    await eventually(async () => (await bodies(juliet, BIN)).length < 2, 'the old conversation is deleted');
    expect(await bodies(juliet, BIN)).toEqual(['younger 1']);
    await eventually(async () => (await bodies(romeo, BIN)).length === 0, 'that of another user is');
    const again = await TestClient.login(server.port(), 'benvolio@verona.example/x');
    await eventually(async () => (await bodies(again, BIN)).length === 0, 'that of another domain is');
    again.cut();
    // What is not in the bin is never too old.
    const kept = await bodies(juliet, ALL);
    expect(kept).toEqual(
      expect.arrayContaining(['old, but not in the bin 1', 'old, in the archive 1', 'old elsewhere 0']),
    );
    expect(kept.length).toBe(3);
  });

  it('lose what is older than `bin_ttl` says, as soon as it does', async () => {
    const config = readFileSync(server.configFile, 'utf8');
    const reload = async (days: number): Promise<void> => {
      writeFileSync(server.configFile, config.replace(INBOX, `${INBOX}  bin_ttl = ${days}\n`));
      expect((await run('reload')).status).toBe(0);
    };
    await say(romeo, juliet, 'new');
    await set(juliet, 'romeo@localhost', '<box>bin</box>');
    expect(await bodies(juliet, BIN)).toEqual(['new 1', 'younger 1']);
    await reload(28);
    await eventually(async () => (await bodies(juliet, BIN)).length < 2, 'the older one is deleted');
    expect(await bodies(juliet, BIN)).toEqual(['new 1']);
  });

  it.each([
    [['nobody@localhost'], 'user_unknown', 1],
    [['@localhost'], 'invalid_jid', 1],
    [['romeo@elsewhere.example'], 'domain_unknown', 1],
    [['elsewhere.example'], 'domain_unknown', 1],
    [['__proto__'], 'domain_unknown', 1],
    [[], 'usage', 2],
    [['localhost', '--all'], 'usage', 2],
    [['localhost', '--days', 'many'], 'usage', 2],
    [['localhost', '--days', '99999'], 'bad_request', 1],
  ])('are not flushed for %j: %s', async (args, code, status) => {
    const done = await run('inbox', 'flush-bin', ...args, '--json');
    expect([JSON.parse(done.stdout).error.code, done.status]).toEqual([code, status]);
  });
});
