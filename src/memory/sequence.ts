/**
 * One counter that all threads draw from: it gives every record in every ring its place in one order.
 *
 * When thread A writes a record because of something it learnt from thread B, A's number is higher than the number of
 * whatever B wrote before. A consumer that takes records from several rings by lowest number therefore never sees an
 * effect before its cause; `ring-merge.ts` relies on it. Numbers wrap; compare by signed difference.
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
