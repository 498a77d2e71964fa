/**
 * One counter that all threads draw from: it gives every record in every ring its place in one order.
 *
 * A thread draws a record's number when it writes it, and its records become visible in that order. So whatever a thread writes
 * because of something it saw has a higher number than that, and than all that its writer wrote before; `ring-merge.ts` relies on it.
 * Numbers wrap; compare by signed difference.
 */
export function createSequence(): SharedArrayBuffer {
  return new SharedArrayBuffer(64);
}

export class Sequence {
  readonly #word: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#word = new Int32Array(memory);
  }

  /** Draws the next number (a 32-bit integer that wraps). */
  next(): number {
    return Atomics.add(this.#word, 0, 1);
  }
}
