import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { createDirectory, SessionDirectory, SessionList } from '../../src/memory/directory.ts';
import {
  fieldsOf,
  type Occupancy,
  type OccupancyReport,
  USERS,
} from '../helpers/threads/directory-traffic.ts';
import { FUZZ_SEED, FUZZ_TIMEOUT_MS, fuzzRuns } from './settings.ts';

/** Shards that enter, remove and look for sessions at the same time. */

const SHARDS = 3;
const SESSIONS_MAX = 600;
const PERMANENT = 5;
const ENTRY = new URL('../helpers/threads/directory-worker.ts', import.meta.url);

async function start(memory: SharedArrayBuffer, shard: number, permanent = PERMANENT): Promise<Worker> {
  const workerData: Occupancy = {
    memory,
    sessionsMax: SESSIONS_MAX,
    shard,
    shards: SHARDS,
    seed: FUZZ_SEED,
    permanent,
  };
  const worker = new Worker(ENTRY, { workerData });
  await once(worker, 'message');
  return worker;
}

async function stop(workers: readonly Worker[]): Promise<OccupancyReport[]> {
  const answers = workers.map((worker) => once(worker, 'message'));
  for (const worker of workers) worker.postMessage('stop');
  return (await Promise.all(answers)).map(([report]) => report as OccupancyReport);
}

/** What the directory says when nobody writes. */
function contents(memory: SharedArrayBuffer): { count: number; found: number } {
  const directory = new SessionDirectory(memory, SESSIONS_MAX);
  const list = new SessionList();
  let found = 0;
  for (let user = 0; user < USERS; user++) {
    const { bareLow, bareHigh } = fieldsOf(user, 0, 0);
    found += directory.findBare(bareLow, bareHigh, list);
  }
  return { count: directory.count(), found };
}

describe('a directory that three shards write and read', () => {
  it(
    'shows no mixed entry, and misses none that is there',
    async () => {
      const memory = createDirectory(SESSIONS_MAX);
      const workers = await Promise.all([0, 1, 2].map((shard) => start(memory, shard)));
      for (const worker of workers) worker.postMessage('go');
      await pause(fuzzRuns(1));
      const reports = await stop(workers);
      for (const { complaints, operations, found } of reports) {
        expect(complaints, `seed ${FUZZ_SEED}`).toEqual([]);
        expect(operations).toBeGreaterThan(100);
        expect(found).toBeGreaterThan(0);
      }
      const live = reports.reduce((sum, report) => sum + report.live, 0);
      expect(contents(memory)).toEqual({ count: live, found: live });
    },
    FUZZ_TIMEOUT_MS,
  );

  it(
    'stays whole when a shard is killed in the middle, again and again',
    async () => {
      const memory = createDirectory(SESSIONS_MAX);
      const main = new SessionDirectory(memory, SESSIONS_MAX);
      // The one that dies has no sessions that the others expect to find always.
      const others = await Promise.all([0, 1].map((shard) => start(memory, shard, 0)));
      for (const worker of others) worker.postMessage('go');
      for (let round = 0; round < Math.max(5, fuzzRuns(0.01)); round++) {
        const victim = await start(memory, 2, 0);
        victim.postMessage('go');
        await pause(20 + (round % 7));
        await victim.terminate();
        const removed = main.removeShard(2);
        for (const { jid } of removed) expect(jid).toMatch(/^user\d+@localhost\/2-\d+$/);
      }
      const reports = await stop(others);
      for (const { complaints } of reports) expect(complaints, `seed ${FUZZ_SEED}`).toEqual([]);
      const live = reports.reduce((sum, report) => sum + report.live, 0);
      expect(contents(memory)).toEqual({ count: live, found: live });
    },
    FUZZ_TIMEOUT_MS,
  );
});
