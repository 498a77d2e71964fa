import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { UserExport } from '../../src/shard/data-commands.ts';
import { ArchiveSide } from '../../src/store/operations/archive.ts';
import { SqliteDriver } from '../../src/store/sqlite/driver.ts';
import { stableIdText } from '../../src/xmpp/stable-id.ts';
import { meerkat, type Result } from '../helpers/meerkat.ts';
import { TestServer } from '../helpers/server.ts';

/** Archives that do not fit into one answer of anything: whole in both exports. */

// Each starts processes, which write and read megabytes.
vi.setConfig({ testTimeout: 120_000 });

const ROMEO = 'romeo@localhost/orchard';
const JULIET = 'juliet@localhost/balcony';
const SHORT = 1_300;
/** More than 10 MiB among 200 of them. */
const LONG = 250;
const LONG_TEXT = 'word '.repeat(12_000);

let directory: string;
let server: TestServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mk-long-'));
  const storage = join(directory, 'data');
  fill(storage);
  server = await TestServer.start({
    storage,
    users: ['romeo', 'juliet'],
    toml: '[modules.mod_presence]\n[modules.mod_mam.pm]\n',
  });
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

const MICROS = 1_700_000_000_000_000;

/** The archive of both, the short messages first. */
function fill(storage: string): void {
  const driver = new SqliteDriver(storage, 'normal');
  driver.begin();
  for (let n = 0; n < SHORT + LONG; n++) {
    const text = n < SHORT ? `short ${n}` : `${n} ${LONG_TEXT}`;
    const record = {
      micros: MICROS + n,
      shard: 0,
      sides: ArchiveSide.SENDER | ArchiveSide.RECIPIENT,
      from: n % 2 === 0 ? ROMEO : JULIET,
      to: n % 2 === 0 ? JULIET : ROMEO,
      packet: Buffer.from(`<message type='chat'><body>${text}</body></message>`),
      originId: null,
      isGroupchat: false,
    };
    driver.run('archive_append', [[record]]);
  }
  driver.commit();
  driver.close();
}

const IDS = Array.from({ length: SHORT + LONG }, (_unused, n) => stableIdText(BigInt(MICROS + n) * 256n));

function run(...args: string[]): Promise<Result> {
  return meerkat(['--config', server.configFile, ...args]);
}

it('are in `meerkat user export` as one table, from the first message to the last', async () => {
  const { status, stdout } = await run('--json', 'user', 'export', 'juliet@localhost');
  expect(status).toBe(0);
  const { tables } = JSON.parse(stdout) as UserExport;
  const { columns, rows, ...rest } = tables.find(({ name }) => name === 'mam_pm')!;
  expect(rest).toEqual({ name: 'mam_pm' });
  expect(columns).toEqual(['id', 'from', 'message']);
  expect(rows.map(([id]) => id)).toEqual(IDS);
  expect(rows.at(-1)![2]!.length).toBeGreaterThan(LONG_TEXT.length);
});

it('are shown in words as well', async () => {
  const { status, stdout } = await run('user', 'export', 'juliet@localhost');
  expect(status).toBe(0);
  const lines = stdout.slice(stdout.indexOf('mam_pm (')).split('\n');
  expect(lines[0]).toBe(`mam_pm (${IDS.length})`);
  expect(lines[1]).toMatch(/^id +from +message$/);
  expect(lines.slice(2, 2 + IDS.length).map((line) => line.split(' ')[0])).toEqual(IDS);
});

it('are in `meerkat export`, each once, in order', async () => {
  const path = join(directory, 'all.xml');
  expect((await run('export', path)).stderr).toBe('');
  const text = readFileSync(path, 'utf8');
  const ids = [...text.matchAll(/<result [^>]*id='([^']*)'/g)].map(([, id]) => id!);
  expect(ids).toEqual([...IDS, ...IDS]);
  expect(text.match(/<archive /g)).toHaveLength(2);
  expect(text.match(/<\/archive>/g)).toHaveLength(2);
});
