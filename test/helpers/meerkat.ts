import { type ChildProcess, spawn } from 'node:child_process';
import { endsWithUs, withUs } from './children.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** What a run of the command left behind. */
export interface Result {
  readonly status: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Written to standard input, which then ends. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Another program than the command of the source tree. */
  readonly program?: readonly string[];
  readonly cwd?: string;
}

/** A run of the `meerkat` command that goes on. */
export class MeerkatRun {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #ended: Promise<number | NodeJS.Signals>;
  #heard: (() => void) | undefined;

  constructor(args: readonly string[], options: RunOptions = {}) {
    const [program = '', ...first] = options.program ?? [process.execPath, MAIN];
    const child = endsWithUs(
      spawn(...withUs(program, [...first, ...args]), {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...process.env, NODE_OPTIONS: '', ...options.env },
        cwd: options.cwd,
      }),
    );
    this.child = child;
    child.stdout.on('data', (data: Buffer) => {
      this.stdout += data.toString();
      this.#heard?.();
    });
    child.stderr.on('data', (data: Buffer) => {
      this.stderr += data.toString();
      this.#heard?.();
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    this.#ended = new Promise((resolve) =>
      child.once('close', (code, signal) => {
        resolve(code ?? signal!);
        this.#heard?.();
      }),
    );
  }

  /** Waits until its output is as wanted. Fails if it ends before. */
  async until(isEnough: (run: MeerkatRun) => boolean, what: string): Promise<void> {
    let hasEnded = false;
    void this.#ended.then(() => {
      hasEnded = true;
    });
    while (!isEnough(this)) {
      if (hasEnded) throw new Error(`ended before ${what}:\n${this.stdout}\n${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  async result(): Promise<Result> {
    return { status: await this.#ended, stdout: this.stdout, stderr: this.stderr };
  }
}

/** Runs the `meerkat` command to its end. */
export function meerkat(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  return new MeerkatRun(args, options).result();
}
