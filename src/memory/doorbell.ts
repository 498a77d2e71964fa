/**
 * Waking a thread that sleeps in its event loop.
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

  constructor(memory: SharedArrayBuffer) {
    this.#cells = new Int32Array(memory);
  }

  /** Wakes `thread` if it sleeps. Returns whether it had to be woken. */
  ring(thread: number): boolean {
    const cell = thread * CELL_WORDS;
    if (Atomics.load(this.#cells, cell) === AWAKE) return false;
    if (Atomics.compareExchange(this.#cells, cell, ASLEEP, AWAKE) !== ASLEEP) return false;
    Atomics.notify(this.#cells, cell);
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

  /**
   * Resolves when somebody rings for `thread` (the caller's own). Must be called before {@link sleep}'s last look:
   * `waitAsync` compares the cell with ASLEEP, so a bell rung in between resolves at once. Never blocks.
   */
  async rung(thread: number): Promise<void> {
    const result = Atomics.waitAsync(this.#cells, thread * CELL_WORDS, ASLEEP);
    if (result.async) await result.value;
  }
}
