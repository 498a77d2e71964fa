import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of memory that this process holds on to: objects and buffers, without garbage. Unlike resident memory, it does not depend on the day. */
export function heldBytes(): number {
  // What is freed by finalizers goes in the second round.
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
