import { type ChildProcess, spawnSync } from 'node:child_process';

/**
 * Processes that a test has started end with the process of the test at the latest: a test that fails, or whose time is over, may not come to stopping them.
 */
const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Has a child end with this process, when that ends in order. For when it is killed, see {@link withUs}. */
export function endsWithUs<C extends ChildProcess>(child: C): C {
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

/** The program of util-linux that has the kernel end a child with its parent, in whatever way that ends; undefined where there is none. */
const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find(
  (path) => spawnSync(path, ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0,
);

/** Whether children end even with a process that is killed. */
export const OUTLIVES_NOBODY = SETPRIV !== undefined;

/** A command line, run in such a way that it also ends when this process is killed, where the system can do that. The process is the same. */
export function withUs(program: string, args: readonly string[]): [program: string, args: string[]] {
  return SETPRIV === undefined ? [program, [...args]] : [SETPRIV, ['--pdeathsig', 'KILL', program, ...args]];
}
