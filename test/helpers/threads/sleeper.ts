import { parentPort, workerData } from 'node:worker_threads';
import { Waker } from '../../../src/memory/waker.ts';

/** A thread that says how often it was woken (test/unit/memory/waker.test.ts). */

const { directory, thread } = workerData as { directory: string; thread: number };
const port = parentPort!;
const waker = new Waker(directory, thread, () => port.postMessage('woken'));
port.on('message', (other: number) => waker.wake(other));
await waker.start();
port.postMessage('listening');
