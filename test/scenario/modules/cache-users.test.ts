import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import { TestClient } from '../../helpers/client.ts';
import { Scrape } from '../../helpers/http.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { createUsers, TestServer } from '../../helpers/server.ts';
import { fixture, LAB, loginOn } from './support.ts';

/** The hook does_user_exist with mod_cache_users before and behind it. The store is changed behind the server's back. */

const NS_INLINE = 'urn:test:inline';
let server: TestServer;
let clients: TestClient[];

beforeAll(async () => {
  server = await TestServer.start({
    users: ['nurse', 'romeo', 'juliet', 'paris'],
    toml: `
      [[listen.http]]
        port = 0
        ip_address = "127.0.0.1"
      [modules.mod_presence]
      [modules.mod_cache_users]
        strategy = "lru"
        number_of_segments = 2
      ${fixture('mod_inline', 'mod-inline.ts')}
      ${LAB}`,
  });
  const nurse = await TestClient.login(server.port(), 'nurse@localhost/one');
  clients = [nurse, await loginOn(server, 'nurse@localhost/two', 'other', nurse)];
});

afterAll(() => server.stop());

/** What each shard answers. */
function exists(user: string): Promise<string[]> {
  return Promise.all(
    clients.map(async (client) => {
      const answer = await client.iq('get', 'localhost', `<exists xmlns='${NS_INLINE}'>${user}</exists>`);
      return answer.childText('exists', NS_INLINE)!;
    }),
  );
}

function sql(statement: string, ...values: string[]): void {
  const db = openDatabase(join(server.directory, 'data'), 'normal');
  db.prepare(statement).run(...values);
  db.close();
}

function cli(...args: string[]): ReturnType<typeof meerkat> {
  return meerkat([...args, '--config', server.configFile]);
}

describe('mod_cache_users', () => {
  it('a second question is not asked of the store', async () => {
    expect(await exists('romeo@localhost')).toEqual(['true', 'true']);
    sql("DELETE FROM users WHERE username = 'romeo'");
    expect(await exists('romeo@localhost')).toEqual(['true', 'true']);
  });

  it('that somebody does not exist is not remembered', async () => {
    expect(await exists('rosaline@localhost')).toEqual(['false', 'false']);
    createUsers(join(server.directory, 'data'), ['rosaline']);
    expect(await exists('rosaline@localhost')).toEqual(['true', 'true']);
  });

  it('who is removed is forgotten on every shard', async () => {
    expect(await exists('juliet@localhost')).toEqual(['true', 'true']);
    expect((await cli('user', 'delete', 'juliet@localhost')).status).toBe(0);
    expect(await exists('juliet@localhost')).toEqual(['false', 'false']);
    expect((await cli('user', 'add', 'juliet@localhost', 'secret')).status).toBe(0);
    expect(await exists('juliet@localhost')).toEqual(['true', 'true']);
  });

  it('counts hits and misses, and the time of looking', async () => {
    const counted = async (): Promise<{ hits: number; misses: number; seconds: number }> => {
      const scrape = await Scrape.of(server.port('http'));
      const events = (name: string) =>
        scrape.sum('meerkat_module_events_total', `event="mod_cache_users_${name}"`);
      const seconds = scrape.sum('meerkat_module_seconds_total', 'event="mod_cache_users_lookup"');
      return { hits: events('hit'), misses: events('miss'), seconds };
    };
    const before = await counted();
    expect(await exists('paris@localhost')).toEqual(['true', 'true']);
    const missed = await counted();
    expect([missed.hits - before.hits, missed.misses - before.misses]).toEqual([0, 2]);
    await exists('paris@localhost');
    const after = await counted();
    expect([after.hits - missed.hits, after.misses - missed.misses]).toEqual([2, 0]);
    expect(missed.seconds).toBeGreaterThan(before.seconds);
    expect(after.seconds).toBeGreaterThan(missed.seconds);
  });

  it('a domain whose data are removed takes its users along', async () => {
    expect(await exists('paris@localhost')).toEqual(['true', 'true']);
    const removed = cli('domain', 'remove-data', 'localhost', '--yes');
    // The clients that could ask are thrown out, too.
    for (const client of clients) await client.streamError();
    expect((await removed).status).toBe(0);
    expect((await cli('user', 'add', 'nurse@localhost', 'secret')).status).toBe(0);
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/one');
    clients = [nurse, await loginOn(server, 'nurse@localhost/two', 'other', nurse)];
    expect(await exists('paris@localhost')).toEqual(['false', 'false']);
    for (const client of clients) client.cut();
  });
});
