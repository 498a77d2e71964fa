import { writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import workerThreads, { BroadcastChannel, isMainThread, threadName, Worker } from 'node:worker_threads';

/**
 * Loaded into every thread of a server under test (`node --import`): what its threads suffer is told on standard input, a line of JSON each (see
 * {@link Fault}). The server itself knows nothing of it.
 */

/** What may happen to a thread. */
export interface Fault {
  /** `store`, `shard 0`, … */
  readonly thread: string;
  /**
   * - `throw`, `reject`: a bug in the thread
   * - `exit`: it ends
   * - `exhaust`: it runs out of memory
   * - `hang`: its loop never turns again
   * - `stall`: its loop stands still for `ms`
   * - `stall-and-exit`: the same, and then it ends without having done anything more
   * - `lose-sockets`: messages that bring a socket cannot be read any more
   */
  readonly kind:
    | 'throw'
    | 'reject'
    | 'exit'
    | 'exhaust'
    | 'hang'
    | 'stall'
    | 'stall-and-exit'
    | 'lose-sockets';
  readonly ms?: number;
}

const channel = new BroadcastChannel('faults');
(channel as unknown as { unref(): void }).unref();

if (isMainThread) {
  createInterface({ input: process.stdin }).on('line', (line) => channel.postMessage(JSON.parse(line)));
  limitHeaps(Number(process.env['FAULTS_HEAP_MB'] ?? 0));
} else {
  channel.onmessage = (event) => {
    const fault = (event as unknown as { data: Fault }).data;
    if (fault.thread !== threadName) return;
    // At once, whatever becomes of the thread: the test waits for this line.
    writeSync(2, `fault: ${fault.thread} ${fault.kind}\n`);
    suffer(fault);
  };
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
    case 'lose-sockets':
      loseSockets();
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
