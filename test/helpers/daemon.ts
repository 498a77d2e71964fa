import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';

/** What servers of other people have in common: they come with Debian's packages, and listen on free ports of 127.0.0.1. */

/** A certificate that such a server shows on its second port. */
export interface DaemonTls {
  readonly certfile: string;
  readonly keyfile: string;
}

/**
 * Why a server cannot be had on this machine; undefined when it can, because all these files are there. With `TEST_ALL_CLIENTS=1` that is an error: continuous integration
 * installs what the tests need.
 */
export function missingDaemon(name: string, packages: string, files: readonly string[]): string | undefined {
  if (files.every((file) => existsSync(file))) return undefined;
  const missing = `${name} is not installed (Debian: apt-get install ${packages})`;
  if (process.env['TEST_ALL_CLIENTS'] === '1') throw new Error(missing);
  return missing;
}

/** A port that nobody had a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Whether somebody takes connections there. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

const START_MS_MAX = 60_000;

/** Waits until a process that was started answers. `why` says what is known when it does not. */
export async function whenAnswering(
  child: ChildProcess,
  answers: () => Promise<boolean>,
  why: () => string,
): Promise<void> {
  const until = Date.now() + START_MS_MAX;
  while (!(await answers())) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(why());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
