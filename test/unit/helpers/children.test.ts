import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OUTLIVES_NOBODY } from '../../helpers/children.ts';
import { eventually } from '../../helpers/process.ts';

/** What tests start ends with them, however they end: a server that is left over would disturb all who come after it. */

const CHILDREN = new URL('../../helpers/children.ts', import.meta.url).href;

/** A process as that of a test file: it starts another one, tells its number, and then does as `end` says. */
function script(end: string): string {
  return `import { spawn } from 'node:child_process';
const { endsWithUs, withUs } = await import('${CHILDREN}');
const child = endsWithUs(spawn(...withUs('sleep', ['1000']), { stdio: 'ignore' }));
process.stdout.write(String(child.pid) + '\\n', () => { ${end} });`;
}

/** Not when it only waits for somebody to take notice of its end: in some containers nobody does. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a process that a test has started', () => {
  it.each([
    ['ends', 'process.exit(0);', undefined],
    ['fails', "throw new Error('x');", undefined],
    ...(OUTLIVES_NOBODY
      ? ([
          ['is ended', '', 'SIGTERM'],
          ['is killed', '', 'SIGKILL'],
        ] as const)
      : []),
  ] as const)('ends when the test %s', async (_how, end, signal) => {
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script(end)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = once(parent, 'exit');
    const [data] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(data.toString());
    expect(pid).toBeGreaterThan(1);
    if (signal !== undefined) {
      expect(isRunning(pid)).toBe(true);
      parent.kill(signal);
    }
    await ended;
    await eventually(() => !isRunning(pid), 'it has ended');
  });
});
