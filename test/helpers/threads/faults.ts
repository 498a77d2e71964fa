import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import workerThreads, { BroadcastChannel, isMainThread, threadName, Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';

/**
 * Loaded into every thread of a server under test (`node --import`): what its threads suffer is told on standard input, a line of JSON each (see
 * {@link Fault}). The server itself knows nothing of it.
 */

/** What may happen to a thread. */
export interface Fault {
  /** A thread that is told twice suffers once. */
  readonly id: number;
  /** `store`, `shard 0`, … */
  readonly thread: string;
  /**
   * - `throw`, `reject`: a bug in the thread
   * - `exit`: it ends
   * - `exhaust`: it runs out of memory
   * - `hang`: its loop never turns again
   * - `stall`: its loop stands still for `ms`
   * - `stall-and-exit`: the same, and then it ends without having done anything more
   * - `stuck`: the same, in a way that nobody can end: as in a write to a disk that does not answer
   * - `lose-sockets`: messages that bring a socket cannot be read any more
   * - `kill-before-commit`, `kill-in-commit`, `kill-after-commit`: the whole process is killed at the store's next commit
   */
  readonly kind:
    | 'throw'
    | 'reject'
    | 'exit'
    | 'exhaust'
    | 'hang'
    | 'stall'
    | 'stall-and-exit'
    | 'stuck'
    | 'lose-sockets'
    | 'kill-before-commit'
    | 'kill-in-commit'
    | 'kill-after-commit';
  readonly ms?: number;
}

const channel = new BroadcastChannel('faults');
(channel as unknown as { unref(): void }).unref();

if (isMainThread) {
  channel.onmessage = () => process.kill(process.pid, 'SIGKILL');
  createInterface({ input: process.stdin }).on('line', (line) => channel.postMessage(JSON.parse(line)));
  limitHeaps(Number(process.env['FAULTS_HEAP_MB'] ?? 0));
} else {
  let last = 0;
  channel.onmessage = (event) => {
    const fault = (event as unknown as { data: Fault }).data;
    if (fault.thread !== threadName || fault.id <= last) return;
    last = fault.id;
    // At once, whatever becomes of the thread: the test waits for this line.
    writeSync(2, `fault: ${fault.thread} ${fault.kind}\n`);
    suffer(fault);
  };
  writeSync(2, `fault: ${threadName} begins\n`);
}

function suffer({ kind, ms = 0 }: Fault): void {
  switch (kind) {
    case 'throw':
      setImmediate(() => {
        throw new Error('thrown on purpose');
      });
      break;
    case 'reject':
      void Promise.reject(new Error('rejected on purpose'));
      break;
    case 'exit':
      process.exit(7);
      break;
    case 'exhaust':
      for (const hoard: unknown[] = []; ; ) hoard.push({ a: hoard.length, b: [hoard.length] });
    case 'hang':
      for (;;);
    case 'stall':
      standStill(ms);
      break;
    case 'stuck':
      spawnSync('sleep', [String(ms / 1_000)]);
      break;
    case 'lose-sockets':
      loseSockets();
      break;
    case 'kill-before-commit':
    case 'kill-in-commit':
    case 'kill-after-commit':
      killAtCommit(kind);
      break;
    case 'stall-and-exit':
      standStill(ms);
      process.exit(7);
  }
}

/** Breaks what Node calls when a socket arrives. */
function loseSockets(): void {
  const symbols = Object.getOwnPropertySymbols(Socket.prototype);
  const deserialize = symbols.find(({ description }) => description === 'messaging_deserialize_symbol')!;
  Object.defineProperty(Socket.prototype, deserialize, {
    value: () => {
      throw new Error('lost on purpose');
    },
  });
}

/** The next commit of this thread is the process's last moment. `kill-in-commit`: another thread kills while this one is at it. */
function killAtCommit(kind: 'kill-before-commit' | 'kill-in-commit' | 'kill-after-commit'): void {
  const { exec } = Database.prototype;
  Database.prototype.exec = function (this: Database.Database, sql: string) {
    if (sql !== 'COMMIT') return exec.call(this, sql);
    if (kind === 'kill-before-commit') process.kill(process.pid, 'SIGKILL');
    if (kind === 'kill-in-commit') channel.postMessage({ id: 0, thread: 'main', kind } satisfies Fault);
    exec.call(this, sql);
    if (kind === 'kill-after-commit') process.kill(process.pid, 'SIGKILL');
    // Whoever is asked to kill may be slower than the disk: nothing more is done, nobody is answered.
    return standStill(60_000) as never;
  };
}

function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Makes threads small enough that running out of memory does not take long. */
function limitHeaps(megabytes: number): void {
  if (megabytes === 0) return;
  workerThreads.Worker = class extends Worker {
    constructor(entry: string | URL, options: workerThreads.WorkerOptions) {
      super(entry, { ...options, resourceLimits: { maxOldGenerationSizeMb: megabytes } });
    }
  };
  syncBuiltinESMExports();
}
