import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePasswordDetails } from '../../src/auth/derive.ts';
import { openDatabase } from '../../src/store/sqlite/database.ts';
import { endsWithUs, withUs } from './children.ts';
import type { Fault } from './threads/faults.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const FAULTS = new URL('./threads/faults.ts', import.meta.url).pathname;

/** What a test server is started with. */
export interface TestServerOptions {
  readonly shards?: number;
  /** Accounts made before the start; each has the password `secret`. */
  readonly users?: readonly string[];
  /** More TOML: sections that come after `[general]`, `[[listen.c2s]]` and `[storage]`. */
  readonly toml?: string;
  /** Lines for `[general]`. */
  readonly general?: string;
  /** The domains; `localhost` if not given. */
  readonly hosts?: readonly string[];
  readonly loglevel?: string;
  /** Lines for `[[listen.c2s]]`. */
  readonly c2s?: string;
  /** Further c2s listeners: their lines. */
  readonly moreC2s?: readonly string[];
  /** The whole configuration instead, with `@PORT@`-free listeners (port 0). */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where the process is started. */
  readonly cwd?: string;
  /** The storage directory; one of its own if not given. */
  readonly storage?: string;
  /** Files that the archive is in; `MEERKAT_TEST_PARTITIONS`, or one, if not given. */
  readonly partitions?: number;
  /** Lets {@link TestServer.strike} hurt its threads. */
  readonly isFaulty?: boolean;
}

const MODULES = `
[modules.mod_presence]
[modules.mod_offline]
`;

/** A real server process on free ports of 127.0.0.1, with a storage directory of its own. */
export class TestServer {
  readonly directory: string;
  readonly configFile: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #cwd: string | undefined;
  readonly #isFaulty: boolean;
  #child!: ChildProcess;
  #faults = 0;
  readonly #ports = new Map<string, number[]>();
  /** Everything that the process wrote to standard error. */
  log = '';

  private constructor(options: TestServerOptions) {
    this.directory = mkdtempSync(join(tmpdir(), 'mk-'));
    this.configFile = join(this.directory, 'meerkat.toml');
    this.#env = options.env ?? {};
    this.#cwd = options.cwd;
    this.#isFaulty = options.isFaulty ?? false;
    writeFileSync(this.configFile, options.config ?? configText(options));
    createUsers(options.storage ?? join(this.directory, 'data'), options.users ?? []);
  }

  static async start(options: TestServerOptions = {}): Promise<TestServer> {
    const server = new TestServer(options);
    try {
      await server.launch();
    } catch (cause) {
      rmSync(server.directory, { recursive: true, force: true });
      throw cause;
    }
    return server;
  }

  /** Starts the process (again); resolves at its readiness line. */
  async launch(): Promise<void> {
    const preload = this.#isFaulty ? ['--import', FAULTS] : [];
    const command = withUs(process.execPath, [...preload, MAIN, 'start', '--config', this.configFile]);
    const child = endsWithUs(
      spawn(...command, {
        stdio: [this.#isFaulty ? 'pipe' : 'ignore', 'pipe', 'pipe'],
        env: { ...process.env, NODE_OPTIONS: '', ...this.#env },
        cwd: this.#cwd,
      }),
    );
    this.#child = child;
    child.stderr!.on('data', (data: Buffer) => {
      this.log += data.toString();
    });
    const line = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdout!.on('data', (data: Buffer) => {
        text += data.toString();
        if (text.includes('\n')) resolve(text);
      });
      child.once('exit', (code) => reject(new Error(`server exited with ${code}:\n${this.log}`)));
    });
    this.#ports.clear();
    for (const [, kind, port] of line.matchAll(/(\w+)=\S+:(\d+)/g)) {
      const ports = this.#ports.get(kind!) ?? [];
      this.#ports.set(kind!, [...ports, Number(port)]);
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** The port of a listener: the first one of its kind, or the one at `index`. */
  port(kind: 'c2s' | 'http' = 'c2s', index = 0): number {
    return this.#ports.get(kind)![index]!;
  }

  /** Waits for the process to end. Resolves to its exit code, or the signal that ended it. */
  exited(): Promise<number | NodeJS.Signals | null> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) {
      return Promise.resolve(child.exitCode ?? child.signalCode);
    }
    return new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Hurts one of its threads; needs `isFaulty`. Resolves when that has begun: if there is no such thread now, as soon as there is. */
  async strike(thread: Fault['thread'], kind: Fault['kind'], ms = 0): Promise<void> {
    const { stdin, stderr } = this.#child;
    const id = ++this.#faults;
    const tell = (): void =>
      void stdin!.write(`${JSON.stringify({ id, thread, kind, ms } satisfies Fault)}\n`);
    let text = '';
    const begun = new Promise<void>((resolve) => {
      const listen = (data: Buffer): void => {
        text += data.toString();
        if (text.includes(`fault: ${thread} ${kind}\n`)) {
          stderr!.off('data', listen);
          resolve();
        } else if (text.includes(`fault: ${thread} begins\n`)) {
          // It was being replaced, and may not have been told.
          text = '';
          tell();
        }
      };
      stderr!.on('data', listen);
    });
    tell();
    await begun;
  }

  /** Ends the process without warning, as a crash would. */
  async kill(): Promise<void> {
    const ended = this.exited();
    this.#child.kill('SIGKILL');
    await ended;
  }

  /** Stops the server in order and removes its directory. */
  async stop(): Promise<void> {
    const ended = this.exited();
    this.#child.kill('SIGTERM');
    await ended;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function configText(options: TestServerOptions): string {
  const {
    hosts = ['localhost'],
    loglevel = 'warning',
    shards = 2,
    c2s = '',
    moreC2s = [],
    storage = './data',
    partitions = Number(process.env['MEERKAT_TEST_PARTITIONS'] ?? 1),
  } = options;
  return `[general]
  hosts = ${JSON.stringify(hosts)}
  loglevel = "${loglevel}"
  shards = ${shards}
  ${options.general ?? ''}
${[c2s, ...moreC2s].map(listenerText).join('')}[storage]
  directory = ${JSON.stringify(storage)}
  partitions = ${partitions}
${options.toml ?? MODULES}
`;
}

/** Clients of tests have all the time for a step that there is for the whole login: on a busy machine each may take long. */
function listenerText(lines: string): string {
  return `[[listen.c2s]]
  port = 0
  ip_address = "127.0.0.1"
  ${/^\s*shaper =/m.test(lines) ? '' : 'shaper = "none"'}
  ${/^\s*state_timeout =/m.test(lines) ? '' : 'state_timeout = "infinity"'}
  max_connections_per_address = "infinity"
  connections_per_second_per_address = "infinity"
  ${lines}
`;
}

/** Puts accounts into a storage directory that no server uses. All share one salt: deriving keys once is enough. */
export function createUsers(directory: string, users: readonly string[]): void {
  if (users.length === 0) return;
  const details = makePasswordDetails('secret', ['sha', 'sha224', 'sha256', 'sha384', 'sha512'], 4096)!;
  const db = openDatabase(directory, 'normal');
  const insert = db.prepare(
    'INSERT OR REPLACE INTO users (server, username, pass_details, created_at) VALUES (?, ?, ?, ?)',
  );
  for (const user of users) {
    const [name, domain = 'localhost'] = user.split('@');
    insert.run(domain, name, details, 1);
  }
  db.close();
}
