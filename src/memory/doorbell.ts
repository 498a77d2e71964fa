/**
 * Who sleeps, and who must be woken.
 *
 * Every thread has one cell: 0 = awake, 1 = asleep (or about to be). A producer that published something calls
 * {@link Doorbell.ring}, which costs one load while the thread is awake. A thread goes to sleep in this order:
 * mark the cell, look at all rings once more, return to the event loop. `Atomics` operations are sequentially consistent,
 * so either the producer sees the mark, or the thread sees the record.
 */

const AWAKE = 0;
const ASLEEP = 1;
/** One cache line per thread, so that threads do not disturb each other. */
const CELL_WORDS = 16;

export function createDoorbells(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * CELL_WORDS * 4);
}

export class Doorbell {
  readonly #cells: Int32Array;
  readonly #wake: (thread: number) => void;

  /** `wake` interrupts a thread's sleep (see `waker.ts`). */
  constructor(memory: SharedArrayBuffer, wake: (thread: number) => void) {
    this.#cells = new Int32Array(memory);
    this.#wake = wake;
  }

  /** Wakes `thread` if it sleeps. Of several who ring, one wakes it. Returns whether this one did. */
  ring(thread: number): boolean {
    const cell = thread * CELL_WORDS;
    if (Atomics.load(this.#cells, cell) === AWAKE) return false;
    if (Atomics.compareExchange(this.#cells, cell, ASLEEP, AWAKE) !== ASLEEP) return false;
    this.#wake(thread);
    return true;
  }

  /** Marks `thread` (the caller's own) as about to sleep. The caller must look at its rings once more afterwards. */
  sleep(thread: number): void {
    Atomics.store(this.#cells, thread * CELL_WORDS, ASLEEP);
  }

  /** Marks `thread` (the caller's own) as awake: nobody needs to ring. */
  awake(thread: number): void {
    Atomics.store(this.#cells, thread * CELL_WORDS, AWAKE);
  }
}
