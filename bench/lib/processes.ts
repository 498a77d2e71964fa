import { type ChildProcess, execFile, fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DEFAULT_MODULES } from '../../src/config/resolve/modules.ts';
import type { ScenarioResult } from '../load/scenario.ts';
import { createAccounts, createRosters } from './accounts.ts';
import { createArchives } from './archives.ts';
import { type CpuTime, cpuSince, cpuTime, residentBytes } from './cpu.ts';
import { createInboxes } from './inboxes.ts';

const ROOT = new URL('../../', import.meta.url).pathname;

/** A server under test: Meerkat, or the bare relay. */
export interface Target {
  readonly pid: number;
  readonly port: number;
  readonly isRelay: boolean;
  /** The shard of each session, by its full JID; of a relay nothing. */
  shards(): Promise<ReadonlyMap<string, number>>;
  stop(): Promise<void>;
}

export interface MeerkatOptions {
  readonly shards: number;
  readonly accounts: number;
  /** Whether the accounts have rosters. */
  readonly hasRosters?: boolean;
  readonly durability?: 'full' | 'normal';
  /** Archives messages (mod_mam); `searchable`: with the words in them. */
  readonly archive?: 'plain' | 'searchable';
  /** Messages that are archived before it starts. */
  readonly archived?: number;
  /** To how many others the user with the deep archive has written; one if not given. */
  readonly deepPeers?: number;
  /** Files that the archive is in. */
  readonly partitions?: number;
  /** Keeps inboxes (mod_inbox) with this backend. */
  readonly inbox?: 'rdbms' | 'rdbms_async';
  /** Whether there are inboxes before it starts. */
  readonly hasInboxes?: boolean;
  /** Whether the listener encrypts from the first byte. */
  readonly isTls?: boolean;
}

/** What `meerkat session list` may write. */
const LIST_BYTES_MAX = 64 * 1024 * 1024;

/** Starts Meerkat with the modules that run by default, and limits that a load from one address does not meet. */
export async function startMeerkat(options: MeerkatOptions): Promise<Target> {
  const directory = mkdtempSync(join(tmpdir(), 'mkbench-'));
  const config = join(directory, 'meerkat.toml');
  writeFileSync(config, configText(options));
  createAccounts(join(directory, 'data'), 'localhost', options.accounts);
  if (options.hasRosters) createRosters(join(directory, 'data'), 'localhost', options.accounts);
  if (options.archived !== undefined)
    createArchives(join(directory, 'data'), 'localhost', options.archived, options);
  if (options.hasInboxes) createInboxes(join(directory, 'data'), 'localhost');
  const profile = process.env['BENCH_PROFILE'];
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const child = spawn(process.execPath, [...flags, 'src/main.ts', 'start', '--config', config], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await readyPort(child, /c2s=\S+:(\d+)/);
  return {
    pid: child.pid!,
    port,
    isRelay: false,
    shards: async () => {
      const args = ['src/main.ts', '--json', '--config', config, 'session', 'list'];
      const options = { cwd: ROOT, maxBuffer: LIST_BYTES_MAX };
      const { stdout } = await promisify(execFile)(process.execPath, args, options);
      const sessions = JSON.parse(stdout) as { readonly jid: string; readonly shard: number }[];
      return new Map(sessions.map(({ jid, shard }) => [jid, shard]));
    },
    stop: async () => {
      await end(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function configText(options: MeerkatOptions): string {
  const { shards, durability = 'full', isTls = false, partitions = 1 } = options;
  return `[general]
  hosts = ["localhost"]
  loglevel = "error"
  shards = ${shards}
[[listen.c2s]]
  port = 0
  ip_address = "127.0.0.1"
  shaper = "none"
  max_connections_per_address = "infinity"
  connections_per_second_per_address = "infinity"
  ${isTls ? 'tls.mode = "tls"' : ''}
[storage]
  directory = "./data"
  durability = "${durability}"
  partitions = ${partitions}
[auth.password]
  hash = ["sha", "sha256"]
  scram_iterations = 4096
[access]
  max_user_offline_messages = [{ acl = "all", value = "infinity" }]
${modules(options)}`;
}

/** The modules that run by default, and those that are measured beside them; nothing where there are none of these. */
function modules({ archive, inbox }: MeerkatOptions): string {
  const extra: string[] = [];
  if (archive !== undefined) {
    extra.push(
      `[modules.mod_mam]\n  full_text_search = ${archive === 'searchable'}\n  [modules.mod_mam.pm]\n`,
    );
  }
  if (inbox !== undefined) extra.push(`[modules.mod_inbox]\n  backend = "${inbox}"\n`);
  if (extra.length === 0) return '';
  return [...DEFAULT_MODULES.map((name) => `[modules.${name}]\n`), ...extra].join('');
}
/** Starts the bare relay. */
export async function startRelay(): Promise<Target> {
  const child = spawn(process.execPath, ['bench/load/relay.ts'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await readyPort(child, /port=(\d+)/);
  return { pid: child.pid!, port, isRelay: true, shards: async () => new Map(), stop: () => end(child) };
}

function readyPort(child: ChildProcess, pattern: RegExp): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.on('data', (data: Buffer) => {
      text += data.toString();
      const match = pattern.exec(text);
      if (match !== null) resolve(Number(match[1]));
    });
    child.once('exit', (code, signal) => reject(new Error(`the server ended with ${code ?? signal}`)));
  });
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

/** One run of a scenario, measured on both sides. */
export interface Measured extends ScenarioResult {
  /** Processor time of the server in the counted part, in microseconds. */
  readonly server: CpuTime;
  readonly residentBefore: number;
  readonly residentAfter: number;
  /** Sessions that have moved to another shard in the counted part; 0 where nobody looked. */
  readonly moved: number;
}

export interface LoadOptions {
  readonly scenario: string;
  readonly pairs?: number;
  readonly seconds?: number;
  readonly amount?: number;
  /** Whether to see which sessions move to another shard. */
  readonly watchesShards?: boolean;
}

/** Runs a scenario in a client process of its own against `target`. */
export function runLoad(target: Target, options: LoadOptions): Promise<Measured> {
  const { scenario, pairs = 100, seconds = 4, amount = 0, watchesShards = false } = options;
  const args = JSON.stringify({
    scenario,
    pairs,
    seconds,
    amount,
    port: target.port,
    isRelay: target.isRelay,
  });
  return new Promise((resolve, reject) => {
    const client = fork(new URL('../load/client.ts', import.meta.url), [args], { execArgv: [] });
    let before: CpuTime = { user: 0, system: 0 };
    let server: CpuTime = { user: 0, system: 0 };
    let residentBefore = 0;
    let residentAfter = 0;
    let shardsBefore: ReadonlyMap<string, number> = new Map();
    let moved = 0;
    const shards = (): Promise<ReadonlyMap<string, number>> =>
      watchesShards ? target.shards() : Promise.resolve(new Map());
    // The client does nothing until it is told to go on.
    const begin = async (): Promise<void> => {
      shardsBefore = await shards();
      residentBefore = residentBytes(target.pid);
      before = cpuTime(target.pid);
      client.send({});
    };
    const finish = async (): Promise<void> => {
      server = cpuSince(target.pid, before);
      residentAfter = residentBytes(target.pid);
      for (const [jid, shard] of await shards()) if ((shardsBefore.get(jid) ?? shard) !== shard) moved++;
      client.send({});
    };
    client.on('message', (message: { kind: string; result?: ScenarioResult }) => {
      if (message.kind === 'begin') begin().catch(reject);
      else if (message.kind === 'end') finish().catch(reject);
      else resolve({ ...message.result!, server, residentBefore, residentAfter, moved });
    });
    client.once('exit', (code) => {
      if (code !== 0) reject(new Error(`the client of ${scenario} ended with ${code}`));
    });
  });
}

/** Processor time of the server for one operation, in microseconds. */
export function perOperation(measured: Measured): number {
  return (measured.server.user + measured.server.system) / measured.count;
}
