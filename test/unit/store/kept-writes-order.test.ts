import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OutOfOrderError, StoreUnavailableError } from '../../../src/store/failure.ts';
import { KeptWrites } from '../../../src/store/kept-writes.ts';
import type { BatchedWrite, WriteBatchId } from '../../../src/store/operations/writes.ts';

/**
 * Whatever becomes of requests and answers: what is kept is written once, in the order in which it came, but for what cannot be. The store here is a model of the real one: it does
 * batches in their order, and knows those that it has done.
 */

/** What befalls a request: nothing; it is not done; it gets lost on its way; its answer does; it is forgotten for so long that it comes again before. */
const FATES = ['well', 'well', 'well', 'undone', 'request lost', 'answer lost', 'late'] as const;
type Fate = (typeof FATES)[number];

class ModelStore {
  /** What was written, in order. */
  readonly written: number[] = [];
  #done: unknown[][] = [];
  readonly #late: (() => void)[] = [];
  readonly #fates: Fate[];
  readonly #impossible: ReadonlySet<number>;

  constructor(fates: readonly Fate[], impossible: ReadonlySet<number>) {
    this.#fates = [...fates];
    this.#impossible = impossible;
  }

  async request([, , number]: WriteBatchId, writes: readonly BatchedWrite[]): Promise<readonly unknown[]> {
    const fate = this.#fates.shift() ?? 'well';
    if (fate === 'late') {
      // Nobody waits for it any more when it is run, at last: before the next request.
      this.#late.push(() => {
        try {
          this.#all(number, writes);
        } catch {}
      });
      throw new StoreUnavailableError('no answer');
    }
    for (const run of this.#late.splice(0)) run();
    if (fate === 'request lost') throw new StoreUnavailableError('the store thread died');
    if (fate === 'undone') throw new StoreUnavailableError('full', 'undone');
    try {
      const results = this.#all(number, writes);
      if (fate === 'answer lost') throw new StoreUnavailableError('the store thread died');
      return results;
    } catch (cause) {
      if (cause instanceof OutOfOrderError) throw new StoreUnavailableError('out of order', 'undone');
      throw cause;
    }
  }

  #all(number: number, writes: readonly BatchedWrite[]): unknown[] {
    const done = this.#done[number];
    if (done !== undefined) return done;
    if (number > 1 && this.#done[number - 1] === undefined) throw new OutOfOrderError();
    const lists = writes.map(([, args]) => args[0] as number | readonly number[]);
    const all = lists.flat();
    if (all.some((one) => this.#impossible.has(one))) throw new StoreUnavailableError('no', 'fault');
    this.written.push(...all);
    this.#done[number] = lists;
    return lists;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** How many are brought at once: alone, or as a list. */
const steps = fc.array(
  fc.record({ size: fc.integer({ min: 0, max: 5 }), isTurn: fc.boolean(), isUrgent: fc.boolean() }),
  { maxLength: 40 },
);

describe('kept writes', () => {
  it('are done once and in order, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.array(fc.constantFrom(...FATES), { maxLength: 60 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 4 }),
        async (all, fates, bad) => {
          const impossible = new Set(bad);
          const store = new ModelStore(fates, impossible);
          const kept = new KeptWrites(
            (id, writes) => store.request(id, writes),
            () => 0,
            [0, 1],
          );
          const behind: boolean[] = [];
          kept.onBehind((isBehind) => behind.push(isBehind));
          const lost: number[] = [];
          const told: Promise<unknown>[] = [];
          let next = 1;
          for (const { size, isTurn, isUrgent } of all) {
            if (size === 0) {
              const one = next++;
              const alone = kept.add(['ping', [one]], { bytes: 1 })!;
              told.push(
                alone.then(
                  (result) => expect(result).toBe(one),
                  () => lost.push(one),
                ),
              );
            } else {
              const list = Array.from({ length: size }, () => next++);
              const add = kept.add(['ping', [list]], {
                bytes: size,
                lost: (one) => lost.push(one as number),
              })!;
              const left = list.filter((one) => !impossible.has(one));
              told.push(add.then((result) => left.length > 0 && expect(result).toEqual(left)));
            }
            if (isUrgent) kept.flush(true);
            if (isTurn) await vi.advanceTimersByTimeAsync(0);
          }
          await vi.advanceTimersByTimeAsync(1_000_000);
          await Promise.all(told);
          const brought = Array.from({ length: next - 1 }, (_unused, i) => i + 1);
          expect(store.written).toEqual(brought.filter((one) => !impossible.has(one)));
          expect(lost).toEqual(brought.filter((one) => impossible.has(one)));
          expect([kept.count, kept.bytes, kept.isBehind, kept.isStalled]).toEqual([0, 0, false, false]);
          expect(behind).toEqual(behind.map((_unused, i) => i % 2 === 0));
          expect(behind.length % 2).toBe(0);
        },
      ),
      { numRuns: 1_000 },
    );
  }, 60_000);
});
