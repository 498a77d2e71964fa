import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { partitionOf } from '../../src/store/partitions/pair.ts';
import { knownLayouts } from '../../src/store/sqlite/archive-layout.ts';
import { openReaderOf } from '../../src/store/sqlite/database.ts';
import { TestClient } from '../helpers/client.ts';
import { httpGet, Scrape } from '../helpers/http.ts';
import { meerkat, type Result } from '../helpers/meerkat.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { enable, handled, NS_SM } from '../helpers/stream-management.ts';
import { page, stanzaId } from './modules/mam-support.ts';
import { LAB, loginOn } from './modules/support.ts';

/** An archive in three files, in a real server with two shards: what is in which, what happens when one of their threads dies, and files that come and go. */

// Each starts several processes.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const PARTITIONS = 3;
const PEERS = 12;
const FILES = ['meerkat.db', 'archive-1.db', 'archive-2.db'];
const OPTIONS = {
  shards: 2,
  users: ['juliet', ...Array.from({ length: PEERS }, (_unused, n) => `user${n}`)],
  isFaulty: true,
  toml: `[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n  connections_per_second_per_address = "infinity"\n[modules.mod_presence]\n[modules.mod_stream_management]\n[modules.mod_mam.pm]\n${LAB}`,
};

let server: TestServer;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mk-partitions-'));
  server = await TestServer.start({ ...OPTIONS, partitions: PARTITIONS });
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

const data = (): string => join(server.directory, 'data');
const run = (...args: readonly string[]): Promise<Result> =>
  meerkat(['--config', server.configFile, ...args]);

/** Says something in the name of each user to Juliet, in turn. Returns the ids that her archive gave it. */
async function everybodySays(text: string): Promise<string[]> {
  const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  const ids: string[] = [];
  for (let n = 0; n < PEERS; n++) {
    const place = n % 2 === 0 ? 'same' : 'other';
    const user = await loginOn(server, `user${n}@localhost/hall`, place, juliet);
    user.send(`<message to='${juliet.jid}' type='chat'><body>${text} ${n}</body></message>`);
    ids.push(stanzaId(await juliet.message(), 'juliet@localhost')!);
    await user.close();
  }
  await juliet.close();
  return ids;
}

/** Everything in Juliet's archive, page by page, in small pages. */
async function everything(): Promise<{ ids: string[]; bodies: (string | undefined)[] }> {
  const juliet = await TestClient.login(server.port(), 'juliet@localhost/reader', { isAvailable: false });
  const ids: string[] = [];
  const bodies: (string | undefined)[] = [];
  // Behind everything that is on its way.
  for (let last = ''; ; ) {
    const found = await page(juliet, { set: `<max>5</max><after>${last}</after>` });
    if (found.ids.length > 0) expect(found.index).toBe(String(ids.length));
    ids.push(...found.ids);
    bodies.push(...found.bodies);
    if (found.isComplete) {
      expect(found.count).toBe(String(ids.length));
      await juliet.close();
      return { ids, bodies };
    }
    last = found.last!;
  }
}

async function withUser(n: number): Promise<readonly (string | undefined)[]> {
  const juliet = await TestClient.login(server.port(), 'juliet@localhost/reader', { isAvailable: false });
  const { bodies } = await page(juliet, { fields: { with: `user${n}@localhost` } });
  await juliet.close();
  return bodies;
}

/** How many messages each of the files has. */
function sizes(names: readonly string[] = FILES): number[] {
  return names.map((name) => {
    const db = openReaderOf(join(data(), name));
    const size = db.prepare<[], number>('SELECT count(*) FROM mam_message').pluck(true).get()!;
    db.close();
    return size;
  });
}

/** Stops the server in order, has something done to it, and starts it again. */
async function restart(change: () => void | Promise<void>): Promise<void> {
  server.signal('SIGTERM');
  await server.exited();
  await change();
  await server.launch();
}

function setPartitions(count: number): void {
  const text = readFileSync(server.configFile, 'utf8');
  writeFileSync(server.configFile, text.replace(/partitions = \d+/, `partitions = ${count}`));
}

const said = (text: string): string[] => Array.from({ length: PEERS }, (_unused, n) => `${text} ${n}`);

describe('an archive in three files', () => {
  it('has each conversation in one of them, and gives all of it in order', async () => {
    const ids = await everybodySays('one');
    expect(await everything()).toEqual({ ids, bodies: said('one') });
    for (const n of [0, 5, 11]) expect(await withUser(n)).toEqual([`one ${n}`]);
    const expected = [0, 0, 0];
    for (let n = 0; n < PEERS; n++)
      expected[partitionOf(`user${n}@localhost`, 'juliet@localhost', PARTITIONS)]!++;
    expect(sizes()).toEqual(expected);
    expect(Math.min(...expected)).toBeGreaterThan(0);
  });

  it('is in the metrics, a series for each store', async () => {
    const metrics = await Scrape.of(server.port('http'));
    for (const store of [0, 1, 2]) {
      expect(metrics.sum('meerkat_store_up', `store="${store}"`)).toBe(1);
      expect(metrics.sum('meerkat_store_requests_total', `store="${store}"`)).toBeGreaterThan(0);
    }
    expect(metrics.sum('meerkat_heartbeats_total', 'shard="store 2"')).toBeGreaterThan(0);
    const stats = JSON.parse((await run('stats', '--json')).stdout) as { store: { requests: number } };
    expect(stats.store.requests).toBeGreaterThanOrEqual(metrics.sum('meerkat_store_requests_total'));
  });

  it('loses one of its threads: messages go on, wait to be acknowledged, and are archived when it is back', async () => {
    const n = [...Array(PEERS).keys()].find(
      (i) => partitionOf(`user${i}@localhost`, 'juliet@localhost', PARTITIONS) === 1,
    )!;
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    const user = await TestClient.login(server.port(), `user${n}@localhost/hall`);
    await enable(user);
    await server.strike('store 1', 'stall-and-exit', 1_500);
    user.send(
      `<message to='${juliet.jid}' type='chat'><body>meanwhile</body></message><r xmlns='${NS_SM}'/>`,
    );
    expect((await juliet.message()).childText('body')).toBe('meanwhile');
    const unready = eventually(async () => {
      const { status, body } = await httpGet(server.port('http'), '/readyz');
      return status === 503 && body.includes('"store"');
    }, 'the server says that a store is away');
    expect(await handled(user)).toBe(0);
    await unready;
    await eventually(
      async () => (await httpGet(server.port('http'), '/readyz')).status === 200,
      'the store is back',
    );
    await eventually(async () => {
      user.send(`<r xmlns='${NS_SM}'/>`);
      return (await handled(user)) === 1;
    }, 'the message is acknowledged');
    expect(await withUser(n)).toEqual([`one ${n}`, 'meanwhile']);
    expect((await Scrape.of(server.port('http'))).sum('meerkat_thread_restarts_total', 'kind="store"')).toBe(
      1,
    );
    await Promise.all([juliet.close(), user.close()]);
  });

  it('is copied as a whole, checked and put back as a whole', async () => {
    const before = await everything();
    const copy = join(directory, 'copy.db');
    const copied = await run('backup', copy, '--json');
    expect(copied.status).toBe(0);
    expect(readdirSync(directory).sort()).toEqual(['copy.db', 'copy.db.archive-1', 'copy.db.archive-2']);
    await everybodySays('not in the copy');
    const checked = await run('check-storage', copy);
    expect(checked.stdout.match(/sound/g)).toHaveLength(PARTITIONS);
    await restart(async () => {
      expect((await run('check-storage')).stdout.match(/sound/g)).toHaveLength(PARTITIONS);
      const restored = await run('restore', copy, '--force', '--json');
      expect(restored).toMatchObject({ status: 0 });
      const { replaced } = JSON.parse(restored.stdout) as { replaced: string };
      expect(readdirSync(replaced)).toEqual(expect.arrayContaining(FILES));
      // One of the parts is missing, or is another one.
      renameSync(`${copy}.archive-2`, `${copy}.away`);
      expect((await run('restore', copy, '--force')).stderr).toContain('a part of the archive is missing');
      expect((await run('restore', `${copy}.archive-1`, '--force')).stderr).toContain('[restore_failed]');
      renameSync(`${copy}.archive-1`, `${copy}.archive-2`);
      expect((await run('check-storage', copy)).stderr).toContain('[storage_damaged]');
    });
    expect(await everything()).toEqual(before);
  });

  it('may get another number of them: what was archived stays where it is, and is found', async () => {
    const before = await everything();
    const was = sizes();
    await restart(() => setPartitions(1));
    expect(await everything()).toEqual(before);
    await everybodySays('two');
    expect((await everything()).bodies).toEqual([...before.bodies, ...said('two')]);
    expect(sizes()).toEqual([was[0]! + PEERS, was[1], was[2]]);
    await restart(() => setPartitions(4));
    await everybodySays('three');
    const { bodies } = await everything();
    expect(bodies).toEqual([...before.bodies, ...said('two'), ...said('three')]);
    expect(await withUser(7)).toEqual(['one 7', 'two 7', 'three 7']);
    expect(sizes(['archive-3.db'])[0]).toBeGreaterThan(0);
    // What is done without a server, or to a user, is done to all of them, and changes nothing else.
    server.signal('SIGTERM');
    await server.exited();
    const only = await meerkat(['--data', data(), 'user', 'exists', 'juliet@localhost']);
    expect(only.status).toBe(0);
    expect(knownLayouts(data())?.map((layout) => layout.partitions)).toEqual([3, 1, 4]);
    expect((await run('user', 'delete', 'juliet@localhost')).status).toBe(0);
    await server.launch();
    const user = await TestClient.login(server.port(), 'user7@localhost/reader', { isAvailable: false });
    expect((await page(user)).bodies.filter((body) => body !== 'not in the copy 7')).toEqual([
      'one 7',
      'two 7',
      'three 7',
    ]);
    await user.close();
    expect((await run('user', 'add', 'juliet@localhost', 'secret')).status).toBe(0);
    expect((await everything()).bodies).toEqual([]);
  });

  it('is refused when one of them is missing, with a word for the operator', async () => {
    server.signal('SIGTERM');
    await server.exited();
    const file = join(data(), 'archive-2.db');
    renameSync(file, `${file}.away`);
    for (const args of [['start'], ['user', 'exists', 'juliet@localhost']]) {
      const { status, stderr } = await run(...args);
      expect(status).toBe(1);
      expect(stderr).toContain(`a part of the archive is missing: there is no ${file} [start_failed]`);
    }
    expect(existsSync(file)).toBe(false);
    renameSync(`${file}.away`, file);
    await server.launch();
    expect(await withUser(7)).toEqual([]);
  });
});
