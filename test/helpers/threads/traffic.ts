import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { createDoorbells } from '../../../src/memory/doorbell.ts';
import { createRing } from '../../../src/memory/ring.ts';
import { createSequence } from '../../../src/memory/sequence.ts';

/** What each thread is to do. */
export interface TrafficOptions {
  readonly threads: number;
  readonly ringBytes: number;
  readonly overflowBytesMax: number;
  /** Messages that each thread sends of its own accord; others are answers. */
  readonly messages: number;
  /** The largest message. */
  readonly bytesMax: number;
  /** Sends only what fits into rings, and checks that no effect comes before its cause. */
  readonly isCausal: boolean;
  readonly seed: number;
}

export interface TrafficSettings extends TrafficOptions {
  readonly me: number;
  readonly directory: string;
  readonly bells: SharedArrayBuffer;
  readonly sequence: SharedArrayBuffer;
  readonly rings: SharedArrayBuffer[][];
}

export interface TrafficReport {
  readonly me: number;
  readonly got: readonly number[];
  readonly sent: readonly number[];
  readonly answers: number;
  readonly overflowMax: number;
  readonly overflowFrames: number;
  readonly corrupt: number;
  readonly rung: number;
  readonly complaints: readonly string[];
}

async function heard(worker: Worker, kind: string): Promise<Record<string, unknown>> {
  for (;;) {
    const [message] = (await once(worker, 'message')) as [Record<string, unknown>];
    if (message['kind'] === kind) return message;
  }
}

/** Lets threads send each other messages until all are sent and everything has arrived. */
export async function runTraffic(options: TrafficOptions): Promise<TrafficReport[]> {
  const { threads, ringBytes } = options;
  const directory = mkdtempSync(join(tmpdir(), 'mk-'));
  const shared = {
    directory,
    bells: createDoorbells(threads),
    sequence: createSequence(),
    rings: Array.from({ length: threads }, () =>
      Array.from({ length: threads }, () => createRing(ringBytes)),
    ),
  };
  const entry = new URL('./traffic-worker.ts', import.meta.url);
  const workers = Array.from(
    { length: threads },
    (_unused, me) =>
      new Worker(entry, { workerData: { ...options, ...shared, me } satisfies TrafficSettings }),
  );
  try {
    await Promise.all(workers.map((worker) => heard(worker, 'ready')));
    const sent = workers.map((worker) => heard(worker, 'sent'));
    for (const worker of workers) worker.postMessage('go');
    await Promise.all(sent);
    // No heartbeat turns these loops: what does not arrive by itself never will. The last answers take a moment.
    for (let round = 0; ; round++) {
      const reports = await reportsOf(workers);
      const isComplete = reports.every((to) =>
        reports.every((from) => from.me === to.me || from.sent[to.me] === to.got[from.me]),
      );
      if (isComplete || round === 100) return reports;
      await pause(20);
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
    rmSync(directory, { recursive: true, force: true });
  }
}

async function reportsOf(workers: readonly Worker[]): Promise<TrafficReport[]> {
  const answers = workers.map((worker) => heard(worker, 'report'));
  for (const worker of workers) worker.postMessage('report');
  return (await Promise.all(answers)).map(({ report }) => report as TrafficReport);
}
