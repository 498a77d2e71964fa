import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../helpers/process.ts';

const isThere = (program: string, option: string): boolean => spawnSync(program, [option]).status === 0;

/** Why profanity cannot be run here; undefined when it can. It wants a terminal, which `script` makes. */
export const PROFANITY_MISSING: string | undefined =
  isThere('profanity', '--version') && isThere('script', '--version')
    ? undefined
    : 'profanity is not installed (Debian: profanity)';

/** profanity in a terminal, at which the test types. What goes over the wire is read from its log. */
export class Profanity {
  readonly #directory = mkdtempSync(join(tmpdir(), 'mk-profanity-'));
  readonly #log = join(this.#directory, 'log');
  readonly #child: ChildProcess;
  #screen = '';
  /** How much of the log has been looked at. */
  #seen = 0;

  constructor() {
    this.#child = spawn(
      'script',
      ['-qfec', `stty rows 40 cols 150; exec profanity -l DEBUG -f '${this.#log}'`, '/dev/null'],
      {
        stdio: ['pipe', 'pipe', 'ignore'],
        env: {
          PATH: process.env.PATH,
          HOME: this.#directory,
          XDG_CONFIG_HOME: join(this.#directory, 'config'),
          XDG_DATA_HOME: join(this.#directory, 'data'),
          TERM: 'xterm',
          LANG: 'C.UTF-8',
        },
      },
    );
    this.#child.stdin!.on('error', () => {});
    this.#child.stdout!.on('data', (data: Buffer) => {
      this.#screen += data.toString();
    });
  }

  type(line: string): void {
    this.#child.stdin!.write(`${line}\r`);
  }

  /** Waits until the screen has shown a text. */
  async shows(text: string): Promise<void> {
    await eventually(() => this.#screen.includes(text), `profanity shows «${text}»`);
  }

  /** Connects as README.md says, and waits until it is logged in. A lost connection is to be tried again after a second. */
  async connect(jid: string, port: number): Promise<void> {
    this.type('/reconnect 1');
    this.type(`/connect ${jid} server 127.0.0.1 port ${port} tls trust`);
    await this.shows('Enter password:');
    this.type('secret');
    await this.shows('logged in successfully');
  }

  /** Waits for something that arrives (or is sent) after what was waited for last; returns that line of the log. */
  async reads(text: string, direction: 'RECV' | 'SENT' = 'RECV'): Promise<string> {
    let found: string | undefined;
    await eventually(() => {
      if (!existsSync(this.#log)) return false;
      const log = readFileSync(this.#log, 'utf8');
      for (const line of log.slice(this.#seen).split('\n').slice(0, -1)) {
        this.#seen += line.length + 1;
        if (line.includes(`${direction}: `) && line.includes(text)) {
          found = line;
          return true;
        }
      }
      return false;
    }, `profanity's log says ${direction} ${text}`);
    return found!;
  }

  /** Leaves the program as a user does. */
  async quit(): Promise<void> {
    const ended = this.#ended();
    this.type('/quit');
    await ended;
  }

  async dispose(): Promise<void> {
    const ended = this.#ended();
    this.#child.kill('SIGKILL');
    await ended;
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #ended(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => this.#child.once('exit', () => resolve()));
  }
}
