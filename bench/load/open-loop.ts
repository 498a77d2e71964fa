import { sleep } from './scenario.ts';

const TICK_MS = 1;

/**
 * Calls `send` with the time at which a message is due, `perSecond` times a second for `ms` milliseconds, whether or not the ones before have come to anything: so a server that stalls cannot
 * hide it.
 */
export async function openLoop(
  perSecond: number,
  ms: number,
  send: (number: number, dueMs: number) => void,
): Promise<void> {
  const intervalMs = 1_000 / perSecond;
  const from = performance.now();
  const total = Math.floor(ms / intervalMs);
  for (let i = 0; i < total; ) {
    const now = performance.now();
    for (; i < total && from + i * intervalMs <= now; i++) send(i, from + i * intervalMs);
    await sleep(TICK_MS);
  }
}
