import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { requestToken, tokenOf } from '../helpers/fast.ts';
import { meerkat } from '../helpers/meerkat.ts';
import { agent, plain2 } from '../helpers/sasl2.ts';
import { TestServer } from '../helpers/server.ts';
import { header } from '../helpers/xml.ts';
import { befriend, heard } from './modules/roster-support.ts';
import { LAB, loginOn } from './modules/support.ts';

/** One account that uses every module which keeps anything of users: all of it is in the export, and nothing is left after it was removed. */

const GREETER = new URL('../../docs/examples/mod_greeter.ts', import.meta.url).pathname;
const NAMES = [
  'roster',
  'presence',
  'offline',
  'privacy',
  'blocking',
  'blocklist',
  'private',
  'vcard',
  'last',
  'register',
  'sasl2',
  'bind2',
  'fast_auth_token',
  'cache_users',
  'auth_token',
];
const MODULES = `${NAMES.map((name) => `[modules.mod_${name}]\n`).join('')}
[modules.mod_keystore]
  keys = [{name = "token_secret", type = "ram"}]
[modules.mod_event_pusher.push]
[modules.mod_greeter]
  path = "${GREETER}"
${LAB}`;

const USES = [
  "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'><x>secret</x></storage></query>",
  "<vCard xmlns='vcard-temp'><FN>Romeo Montague</FN></vCard>",
  "<query xmlns='jabber:iq:privacy'><list name='own'><item action='deny' order='1'/></list></query>",
  "<enable xmlns='urn:xmpp:push:0' jid='push.example' node='phone'/>",
  "<block xmlns='urn:xmpp:blocking'><item jid='tybalt@localhost'/></block>",
];

it('an account takes everything with it', async () => {
  const server = await TestServer.start({
    users: ['romeo', 'juliet', 'nurse'],
    toml: MODULES,
    moreC2s: ['tls.mode = "tls"'],
  });
  const run = (...args: string[]) => meerkat(['--config', server.configFile, ...args]);
  const db = new Database(join(server.directory, 'data', 'meerkat.db'), { readonly: true });
  /** By table, the rows in which a user is named. */
  const traces = (user: string): Record<string, string[]> => {
    const names = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[];
    const found: Record<string, string[]> = {};
    for (const name of names) {
      const rows = db
        .prepare(`SELECT * FROM "${name}"`)
        .all()
        .map((row) => JSON.stringify(row))
        .filter((row) => row.includes(user));
      if (rows.length > 0) found[name] = rows;
    }
    return found;
  };
  try {
    const port = server.port();
    const login = (jid: string): Promise<TestClient> => TestClient.login(port, jid);
    const tls = await TestClient.connectTls(server.port('c2s', 1));
    tls.send(header());
    await tls.expect('open');
    await tls.element();
    tls.send(plain2('romeo', agent() + requestToken()));
    expect(tokenOf(await tls.element())).toBeDefined();
    tls.cut();
    const juliet = await login('juliet@localhost/balcony');
    const nurse = await login('nurse@localhost/house');
    const romeo = await login('romeo@localhost/orchard');
    await befriend(romeo, juliet);
    // He asks one who does not answer, and one whom he does not know asks him.
    romeo.send("<presence to='nurse@localhost' type='subscribe'/>");
    await nurse.until((e) => e.attribute('type') === 'subscribe');
    nurse.send("<presence to='romeo@localhost' type='subscribe'><status>Your nurse</status></presence>");
    await romeo.until((e) => e.attribute('type') === 'subscribe');
    for (const payload of USES) {
      expect((await romeo.iq('set', undefined, payload)).attribute('type')).toBe('result');
    }
    const greeting = await romeo.iq(
      'set',
      'localhost',
      "<greeting xmlns='urn:example:greeter'>Ay me</greeting>",
    );
    expect(greeting.attribute('type')).toBe('result');
    const tokens = await romeo.iq(
      'get',
      'romeo@localhost',
      "<query xmlns='erlang-solutions.com:xmpp:token-auth:0'/>",
    );
    expect(tokens.attribute('type')).toBe('result');
    await romeo.close();
    await juliet.until((e) => e.attribute('type') === 'unavailable');
    juliet.send("<message to='romeo@localhost' type='chat'><body>wherefore</body></message>");
    await heard(juliet);

    const { tables } = JSON.parse((await run('user', 'export', 'romeo@localhost', '--json')).stdout) as {
      tables: { name: string; columns: string[]; rows: string[][] }[];
    };
    const filled = new Map(tables.map(({ name, rows }) => [name, rows.map((row) => row.join(' '))]));
    expect([...filled.keys()].sort()).toEqual(
      [
        'account',
        'auth_token',
        'blocklist',
        'fast_auth_token',
        'greeter',
        'last',
        'offline',
        'privacy',
        'private',
        'push_subscription',
        'roster',
        'vcard',
      ].sort(),
    );
    const contains = (name: string, ...texts: string[]): void => {
      for (const text of texts) expect(filled.get(name)!.join('\n'), name).toContain(text);
    };
    contains('roster', 'juliet@localhost', 'both', 'nurse@localhost', 'Your nurse');
    contains('offline', 'wherefore');
    contains('privacy', 'own', 'blocking default', 'tybalt@localhost');
    contains('private', 'secret');
    contains('push_subscription', 'push.example', 'phone');
    contains('vcard', 'Romeo Montague');
    contains('greeter', 'Ay me');
    for (const name of ['account', 'last', 'auth_token', 'fast_auth_token'])
      expect(filled.get(name), name).toHaveLength(1);
    expect(filled.get('blocklist')).toEqual([]);

    // He is there on both shards when it happens.
    const desk = await login('romeo@localhost/desk');
    const phone = await loginOn(server, 'romeo@localhost/phone', 'other', desk);
    await heard(juliet);
    expect((await run('user', 'delete', 'romeo@localhost')).status).toBe(0);
    for (const client of [desk, phone]) expect(await client.streamError()).toBe('conflict');
    expect((await run('user', 'export', 'romeo@localhost', '--json')).stdout).toContain('user_unknown');
    // For an hour, so that no login which began before gets a token for whoever has the name next: when its tokens were revoked.
    const kept = ['fast_auth_revocation', 'roster_item'];
    await expect.poll(() => Object.keys(traces('romeo')).sort()).toEqual(kept);
    expect(traces('romeo')['fast_auth_revocation']).toHaveLength(1);
    // What is left is theirs: whom they had in their own rosters, without any subscription.
    const left = db.prepare('SELECT username, jid, subscription, ask FROM roster_item ORDER BY 1').all();
    expect(left).toEqual([
      { username: 'juliet', jid: 'romeo@localhost', subscription: 'N', ask: 'N' },
      { username: 'nurse', jid: 'romeo@localhost', subscription: 'N', ask: 'N' },
    ]);
    // Whoever gets the name next begins with nothing.
    expect((await run('user', 'add', 'romeo@localhost', 'secret')).status).toBe(0);
    const again = await login('romeo@localhost/orchard');
    // But for the greeter's own words.
    const [welcome, ...more] = await heard(again);
    expect(welcome).toContain('<body>Welcome, romeo!</body>');
    expect(more).toEqual([]);
    await Promise.all([again, juliet, nurse].map((client) => client.close()));
  } finally {
    db.close();
    await server.stop();
  }
});
