import { describe, expect, it } from 'vitest';
import { type Blow, CrashRun } from './durability/crash-run.ts';
import type { Habit } from './durability/reader.ts';

/**
 * What a server has acknowledged it keeps, whatever is killed when. `MEERKAT_CRASH_KILLS` says how often (200 for a night, 10 by default), `MEERKAT_CRASH_SEED` what the
 * clients do.
 */

const KILLS = Number(process.env['MEERKAT_CRASH_KILLS'] ?? 10);
const SEED = Number(process.env['MEERKAT_CRASH_SEED'] ?? Math.floor(Math.random() * 1e6));
const HABITS: readonly Habit[] = [
  'online',
  'resuming',
  'visiting',
  'absent',
  'online',
  'resuming',
  'visiting',
  'absent',
];
const PROCESS: readonly Blow[] = [
  'process',
  'process before a commit',
  'process in a commit',
  'process after a commit',
];
const THREADS: readonly Blow[] = ['shard', 'store', 'store with writes in flight'];

describe(`${KILLS} blows (seed ${SEED})`, () => {
  it('lose nothing that was acknowledged, deliver nothing twice, and change no order', {
    timeout: 120_000 + KILLS * 15_000,
  }, async () => {
    const run = await CrashRun.start({
      seed: SEED,
      rounds: KILLS,
      habits: HABITS,
      blows: [...PROCESS, ...THREADS],
    });
    try {
      const verdict = await run.run();
      const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);
      console.info(
        [
          `${[...run.blows].map(([blow, count]) => `${count} × ${blow}`).join(', ')}`,
          `${verdict.acknowledged} acknowledged, ${verdict.bounced} of them came back`,
          `${verdict.onlyInMemory.length} only in the memory of killed sessions`,
          `${verdict.repeated} repeated out of storage, ${verdict.sentTwice} sent twice by their clients`,
          `${sum(run.senders.map(({ resumptions }) => resumptions))} resumptions of senders, ${sum(run.readers.map(({ resumptions }) => resumptions))} of readers, ${sum(run.senders.map(({ lostSessions }) => lostSessions))} sessions of senders lost`,
        ].join('\n'),
      );
      expect(verdict.problems).toEqual([]);
      expect(verdict.acknowledged).toBeGreaterThan(KILLS * HABITS.length);
    } finally {
      await run.stop();
    }
  });
});
