import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../helpers/process.ts';

const isThere = (program: string, option: string): boolean => spawnSync(program, [option]).status === 0;

/** Why profanity cannot be run here; undefined when it can. It wants a terminal, which tmux is. */
export const PROFANITY_MISSING: string | undefined =
  isThere('profanity', '--version') && isThere('tmux', '-V')
    ? undefined
    : 'profanity and tmux are not installed (Debian: profanity, tmux)';

/** profanity in a terminal of its own, at which the test types and looks. What goes over the wire is read from its log. */
export class Profanity {
  readonly #directory = mkdtempSync(join(tmpdir(), 'mk-profanity-'));
  readonly #log = join(this.#directory, 'log');
  /** How much of the log has been looked at. */
  #seen = 0;

  constructor() {
    // High enough that nothing of a test leaves it at the top.
    const size = ['-x', '200', '-y', '150'];
    const command = `exec profanity -l DEBUG -f '${this.#log}'`;
    const { status, stderr } = this.#tmux('-f', '/dev/null', 'new-session', '-d', ...size, command);
    if (status !== 0) throw new Error(`tmux: ${stderr}`);
  }

  /** Runs a command of the terminal. Its server is started by the first, and ends with profanity. */
  #tmux(...args: readonly string[]): { readonly status: number | null; stdout: string; stderr: string } {
    return spawnSync('tmux', ['-u', '-S', join(this.#directory, 'tmux'), ...args], {
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        HOME: this.#directory,
        XDG_CONFIG_HOME: join(this.#directory, 'config'),
        XDG_DATA_HOME: join(this.#directory, 'data'),
        TERM: 'xterm',
        LANG: 'C.UTF-8',
      },
    });
  }

  type(line: string): void {
    this.#tmux('send-keys', '-l', '--', line);
    this.#tmux('send-keys', 'Enter');
  }

  /** Waits until a text is on the screen. */
  async shows(text: string): Promise<void> {
    let screen = '';
    const isThere = (): boolean => {
      screen = this.#tmux('capture-pane', '-p').stdout;
      return screen.includes(text);
    };
    try {
      await eventually(isThere, `profanity shows «${text}»`);
    } catch (cause) {
      throw new Error(`on the screen there is:\n${screen.trim()}`, { cause });
    }
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

  /** How often something has arrived. */
  count(text: string): number {
    const lines = readFileSync(this.#log, 'utf8').split('\n');
    return lines.filter((line) => line.includes('RECV: ') && line.includes(text)).length;
  }

  /** Leaves the program as a user does. */
  async quit(): Promise<void> {
    this.type('/quit');
    await this.#ended();
  }

  async dispose(): Promise<void> {
    this.#tmux('kill-server');
    await this.#ended();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #ended(): Promise<void> {
    await eventually(() => this.#tmux('has-session').status !== 0, 'profanity ends');
  }
}
