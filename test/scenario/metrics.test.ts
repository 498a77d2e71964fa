import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/store/sqlite/database.ts';
import { TestClient } from '../helpers/client.ts';
import { Scrape } from '../helpers/http.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';

/** Metrics that tell of trouble, seen while there is some. What counts stanzas is in `http.test.ts`. */

const MODULE = new URL('../fixtures/modules/mod-brake.ts', import.meta.url).pathname;
const LISTENER =
  '[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n  max_connections_per_address = "infinity"\n  connections_per_second_per_address = "infinity"\n';

let directory: string;
let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;
/** The shards that their sessions are on, as labels. */
let here: string;
let there: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mk-metrics-'));
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse'],
    toml: `${LISTENER}[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_brake]\n  path = "${MODULE}"\n`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  const isFirst = (await scrape()).sum('meerkat_sessions', 'shard="0"') === 1;
  [here, there] = isFirst ? ['0', '1'] : ['1', '0'];
  juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  expect((await scrape()).sum('meerkat_sessions', `shard="${there}"`)).toBe(1);
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

function scrape(): Promise<Scrape> {
  return Scrape.of(server.port('http'));
}

/** Looks at metrics until they are as wanted. */
async function seen(isThere: (now: Scrape) => boolean, what: string): Promise<Scrape> {
  let last!: Scrape;
  await eventually(async () => {
    last = await scrape();
    return isThere(last);
  }, what);
  return last;
}

function chat(to: string, body: string): string {
  return `<message to='${to}' type='chat'><body>${body}</body></message>`;
}

describe('metrics', () => {
  it('follow sessions and connections up and down', async () => {
    const before = await scrape();
    const stranger = await TestClient.connect(server.port());
    await stranger.openStream('localhost');
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
    const during = await scrape();
    const more = (name: string): number => during.sum(name) - before.sum(name);
    expect(more('meerkat_sessions')).toBe(1);
    expect(more('meerkat_connections')).toBe(2);
    expect(more('meerkat_connections_unauthenticated')).toBe(1);
    expect(more('meerkat_session_logins_total')).toBe(1);
    expect(more('meerkat_received_bytes_total')).toBeGreaterThan(400);
    expect(more('meerkat_sent_bytes_total')).toBeGreaterThan(400);
    await nurse.close();
    stranger.cut();
    const after = await seen(
      (now) => now.sum('meerkat_connections') === before.sum('meerkat_connections'),
      'they are gone',
    );
    expect(after.sum('meerkat_sessions')).toBe(before.sum('meerkat_sessions'));
    expect(after.sum('meerkat_session_logouts_total')).toBe(before.sum('meerkat_session_logouts_total') + 1);
  });

  it('count runs of a hook, and handlers that fail or answer later', async () => {
    const before = await scrape();
    for (const verb of ['throw', 'wait', 'go']) romeo.send(chat(juliet.jid, verb));
    for (let i = 0; i < 3; i++) await juliet.message();
    const after = await scrape();
    const more = (name: string, ...labels: string[]): number =>
      after.sum(name, ...labels) - before.sum(name, ...labels);
    expect(more('meerkat_hook_runs_total', 'hook="resend_offline_messages"')).toBe(0);
    expect(more('meerkat_hook_failures_total')).toBe(1);
    expect(more('meerkat_hook_suspensions_total')).toBe(1);
  });

  it('show how long a shard was held up', async () => {
    // It shows for a second: whoever looks too late has it held up again.
    let holding = Promise.resolve<unknown>(undefined);
    let isHeld = false;
    await seen((now) => {
      if (!isHeld) {
        isHeld = true;
        romeo.send(chat(juliet.jid, 'hold 1500'));
        holding = juliet.message().then(() => {
          isHeld = false;
        });
      }
      return now.sum('meerkat_loop_delay_seconds', 'quantile="1"', `shard="${there}"`) > 1.2;
    }, 'the delay shows');
    await holding;
  });

  it('show what waits for a shard that does not turn, and that nothing is lost of it', async () => {
    const before = await scrape();
    const count = 400;
    const release = join(directory, 'release');
    romeo.send(chat(juliet.jid, `hold ${release}`));
    // More than a ring holds.
    for (let i = 0; i < count; i++) romeo.send(chat(juliet.jid, `${i} ${'x'.repeat(2_000)}`));
    await seen(
      (now) =>
        now.sum('meerkat_ring_waiting_frames', `from="${here}"`, `to="${there}"`) > 0 &&
        now.sum('meerkat_ring_depth_bytes', `from="${here}"`, `to="${there}"`) > 100_000,
      'the ring is full, and frames wait',
    );
    writeFileSync(release, '');
    expect((await juliet.message()).childText('body')).toMatch(/^hold/);
    for (let i = 0; i < count; i++)
      expect((await juliet.message()).childText('body')).toMatch(new RegExp(`^${i} `));
    const after = await seen(
      (now) => now.sum('meerkat_ring_waiting_frames') + now.sum('meerkat_ring_depth_bytes') === 0,
      'nothing waits any more',
    );
    const more = (name: string): number => after.sum(name) - before.sum(name);
    expect(more('meerkat_ring_overflow_frames_total')).toBeGreaterThan(0);
    expect(more('meerkat_ring_overflow_bytes_total')).toBeGreaterThan(
      more('meerkat_ring_overflow_frames_total'),
    );
    expect(more('meerkat_congested_turns_total')).toBeGreaterThan(0);
    expect(more('meerkat_ring_refused_frames_total')).toBe(0);
    expect(more('meerkat_ring_received_frames_total')).toBe(more('meerkat_ring_sent_frames_total'));
  });

  it('show a store that cannot write: what waits for it, what fails, how long commits take', async () => {
    const before = await scrape();
    const other = openDatabase(join(server.directory, 'data'), 'normal');
    other.exec('BEGIN IMMEDIATE');
    let sent = 0;
    await seen((now) => {
      // Another one each time: whoever looks must find the store busy.
      romeo.send(chat('nurse@localhost', `${sent++}`));
      return now.sum('meerkat_store_pending_requests') > 0;
    }, 'requests wait');
    await seen(
      (now) => now.sum('meerkat_store_failures_total') > before.sum('meerkat_store_failures_total'),
      'they fail',
    );
    other.exec('ROLLBACK');
    other.close();
    romeo.send(chat('nurse@localhost', 'last'));
    const after = await seen(
      (now) =>
        now.sum('meerkat_store_commits_total') > before.sum('meerkat_store_commits_total') &&
        now.sum('meerkat_store_pending_requests') === 0,
      'the store writes again',
    );
    expect(after.sum('meerkat_store_commit_seconds_total')).toBeGreaterThan(
      before.sum('meerkat_store_commit_seconds_total'),
    );
    expect(after.sum('meerkat_store_commit_seconds_max')).toBeGreaterThan(0);
    expect(after.sum('meerkat_store_rows_written_total')).toBeGreaterThan(
      before.sum('meerkat_store_rows_written_total'),
    );
    expect(after.sum('meerkat_store_up')).toBe(1);
  });

  it('count clients that were closed because they did not read', async () => {
    const before = await scrape();
    juliet.socket.pause();
    const large = chat(juliet.jid, 'x'.repeat(60_000));
    await seen((now) => {
      for (let i = 0; i < 50; i++) romeo.send(large);
      return now.sum('meerkat_slow_readers_closed_total') > before.sum('meerkat_slow_readers_closed_total');
    }, 'she is closed');
    juliet.cut();
  });
});
