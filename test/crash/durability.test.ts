import { describe, expect, it } from 'vitest';
import { expectConservation } from '../helpers/conservation.ts';
import { judgeArchives } from './durability/archive.ts';
import { type Blow, CrashRun } from './durability/crash-run.ts';
import { keepEvidence } from './durability/evidence.ts';
import type { Verdict } from './durability/ledger.ts';
import type { Habit } from './durability/reader.ts';

/**
 * What a server has acknowledged it keeps, whatever is killed when (docs/durability.md). `MEERKAT_CRASH_KILLS` says how often (200 for a night, 10 by default),
 * `MEERKAT_CRASH_SEED` what the clients do. All messages are archived, and must be in both archives, unless `MEERKAT_CRASH_ARCHIVE=0`; `MEERKAT_CRASH_PARTITIONS` has the archives in so
 * many files, and hurts the threads of all of them.
 */

const KILLS = Number(process.env['MEERKAT_CRASH_KILLS'] ?? 10);
const SEED = Number(process.env['MEERKAT_CRASH_SEED'] ?? Math.floor(Math.random() * 1e6));
const PARTITIONS = Number(process.env['MEERKAT_CRASH_PARTITIONS'] ?? 1);
const HAS_ARCHIVE = process.env['MEERKAT_CRASH_ARCHIVE'] !== '0';
const ARCHIVE = '[modules.mod_mam]\n  [modules.mod_mam.pm]\n    max_result_limit = 200\n';

const HABITS: readonly Habit[] = ['online', 'resuming', 'visiting', 'absent'];
const PROCESS: readonly Blow[] = [
  'process',
  'process before a commit',
  'process in a commit',
  'process after a commit',
];
const STORE: readonly Blow[] = ['store', 'store with writes in flight'];
/** Of all blows these have runs of their own, in which more can be asserted. */
const SOME = Math.max(2, Math.round(KILLS / 5));
const MOST = KILLS - 2 * SOME;

/** A thread that dies again and again is started after five seconds, and a machine may have other things to do. */
function timeoutMs(rounds: number): number {
  return 120_000 + rounds * 40_000;
}

async function crashRun(
  rounds: number,
  blows: readonly Blow[],
  more: (run: CrashRun, verdict: Verdict) => Promise<void> = async () => {},
): Promise<void> {
  const run = await CrashRun.start({
    seed: SEED,
    rounds,
    habits: [...HABITS, ...HABITS],
    blows,
    ...(HAS_ARCHIVE && { toml: ARCHIVE }),
    partitions: PARTITIONS,
  });
  try {
    const verdict = await run.run();
    console.info(summary(run, verdict));
    const archives = HAS_ARCHIVE ? await judgeArchives(run, verdict) : [];
    expect([...verdict.problems, ...archives]).toEqual([]);
    expect(verdict.acknowledged).toBeGreaterThan(rounds * run.senders.length);
    await more(run, verdict);
  } catch (cause) {
    console.error(`what is left of the run is in ${keepEvidence(run)}`);
    throw cause;
  } finally {
    await run.stop();
  }
}

function summary({ strikes, senders, readers }: CrashRun, verdict: Verdict): string {
  const blows = Map.groupBy(strikes, ({ blow }) => blow);
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  return [
    [...blows].map(([blow, { length }]) => `${length} × ${blow}`).join(', '),
    `${verdict.acknowledged} acknowledged, ${verdict.bounced} of them came back`,
    ...[...verdict.bounces].map(([kind, count]) => `  ${kind} × ${count}`),
    `${verdict.onlyInMemory.length} only in the memory of killed sessions`,
    `${verdict.repeated} repeated out of storage, ${verdict.late} late because the store was away, ${verdict.sentTwice} sent twice by their clients`,
    `resumed: ${sum(senders.map(({ resumptions }) => resumptions))} senders, ${sum(readers.map(({ resumptions }) => resumptions))} readers; ` +
      `${sum(senders.map(({ lostSessions }) => lostSessions))} sessions of senders lost`,
  ].join('\n');
}

describe(`${KILLS} blows (seed ${SEED})`, () => {
  it(
    'to the process, a shard or the store lose nothing that was acknowledged, repeat nothing, and change no order',
    () => crashRun(MOST, [...PROCESS, 'shard', ...STORE]),
    timeoutMs(MOST),
  );

  it(
    'to the store alone lose nothing at all, and all that was accepted has come to one end',
    () =>
      crashRun(SOME, STORE, async ({ server, senders }, { onlyInMemory, sentTwice }) => {
        expect(onlyInMemory).toEqual([]);
        const { clients } = await expectConservation(server.port('http'));
        // On a machine with too much to do the store may be away for longer than a client may wait to resume: then it sends again what may have been handled.
        if (senders.some(({ lostSessions }) => lostSessions > 0)) return;
        expect(sentTwice).toBe(0);
        expect(clients).toBe(senders.reduce((sum, { sent }) => sum + sent.length, 0));
      }),
    timeoutMs(SOME),
  );

  it(
    'to shards leave nothing without an end on the others',
    () =>
      crashRun(SOME, ['shard'], async ({ server }) => {
        await expectConservation(server.port('http'), true);
      }),
    timeoutMs(SOME),
  );
});
