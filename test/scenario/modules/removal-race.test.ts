import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { REMOVAL_WAIT_MS_MAX } from '../../../src/limits.ts';
import { askAdmin } from '../../helpers/admin.ts';
import { TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { fixture, LAB, loginOn } from './support.ts';

/** An account is removed while its clients go on writing: nothing of it may be left for whoever has the name next. */

const MODULES = ['presence', 'roster', 'privacy', 'blocking', 'private', 'vcard', 'last']
  .map((name) => `[modules.mod_${name}]\n`)
  .join('');
const WRITES = [
  "<query xmlns='jabber:iq:private'><a xmlns='urn:t'>x</a></query>",
  "<vCard xmlns='vcard-temp'><FN>x</FN></vCard>",
  "<query xmlns='jabber:iq:roster'><item jid='nurse@localhost'/></query>",
  "<query xmlns='jabber:iq:privacy'><list name='l'><item action='allow' order='1'/></list></query>",
  "<block xmlns='urn:xmpp:blocking'><item jid='tybalt@localhost'/></block>",
]
  .map((payload) => `<iq type='set' id='w'>${payload}</iq>`)
  .concat("<presence to='nurse@localhost' type='subscribe'/>")
  .join('');

describe('an account that is removed', () => {
  it('leaves nothing, although its clients write until they are thrown out', async () => {
    const server = await TestServer.start({ shards: 2, users: ['romeo'], toml: MODULES });
    try {
      const run = (...args: string[]) => meerkat(['--config', server.configFile, ...args]);
      const db = new Database(join(server.directory, 'data', 'meerkat.db'), { readonly: true });
      const tables = [
        'private_storage',
        'vcard',
        'vcard_search',
        'last',
        'roster_item',
        'roster_version',
        'privacy_list',
        'privacy_default_list',
      ];
      const left = () => tables.map((table) => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
      for (let round = 0; round < 3; round++) {
        const clients = await Promise.all(
          ['a', 'b', 'c', 'd'].map((name) => TestClient.login(server.port(), `romeo@localhost/${name}`)),
        );
        const writing = clients.map(async (client) => {
          for (;;) {
            client.send(WRITES);
            const heard = await client.next();
            if (heard.kind === 'disconnected') return;
          }
        });
        while (left()[1] === 0) await new Promise((resolve) => setImmediate(resolve));
        expect((await run('user', 'delete', 'romeo@localhost')).status).toBe(0);
        await Promise.all(writing);
        expect(left()).toEqual(tables.map(() => 0));
        expect((await run('user', 'add', 'romeo@localhost', 'secret')).status).toBe(0);
      }
      db.close();
    } finally {
      await server.stop();
    }
  });

  it('waits for what its clients are doing, but not for ever', async () => {
    const server = await TestServer.start({
      shards: 2,
      users: ['romeo'],
      general: 'hook_timeout = 600_000',
      toml: `${MODULES}${fixture('mod_hold', 'mod-hold.ts')}${LAB}`,
    });
    try {
      const held = await TestClient.login(server.port(), 'romeo@localhost/held');
      const other = await loginOn(server, 'romeo@localhost/other', 'other', held);
      // What comes behind it waits for it, and is never handled.
      held.send(`<message to='romeo@localhost/other'><body>hold</body></message>${WRITES}`);
      expect((await held.message()).childText('body')).toBe('held');
      const began = performance.now();
      const removed = await askAdmin(server, 'user_delete', { jid: 'romeo@localhost' });
      expect(removed).toBe('romeo@localhost');
      // Timers may be a little early.
      expect(performance.now() - began).toBeGreaterThan(REMOVAL_WAIT_MS_MAX - 100);
      for (const client of [held, other]) expect(await client.streamError()).toBe('conflict');
      expect(await askAdmin(server, 'user_exists', { jid: 'romeo@localhost' })).toBe(false);
      await askAdmin(server, 'user_add', { jid: 'romeo@localhost', password: 'secret' });
      const missing = { error: 'nothing_stored' };
      expect(await askAdmin(server, 'private_get', { jid: 'romeo@localhost', namespace: 'urn:t' })).toEqual(
        missing,
      );
      expect(await askAdmin(server, 'vcard_get', { jid: 'romeo@localhost' })).toEqual(missing);
    } finally {
      await server.stop();
    }
  });
});
