import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  KEPT_BATCHES_MAX,
  KEPT_BYTES_MAX,
  KEPT_MAX,
  KEPT_PER_BATCH_BYTES_MAX,
  KEPT_PER_BATCH_MAX,
} from '../../../src/limits.ts';
import { type StoreFailure, StoreUnavailableError } from '../../../src/store/failure.ts';
import { type KeptWrite, KeptWrites } from '../../../src/store/kept-writes.ts';
import type { BatchedWrite, WriteBatchId } from '../../../src/store/operations/writes.ts';

/** Writes that are tried until they are done, against a store that the test answers for. */

interface Asked {
  readonly id: WriteBatchId;
  /** The first argument of each write. */
  readonly names: unknown[];
  readonly writes: readonly BatchedWrite[];
  done(): Promise<void>;
  fail(failure: StoreFailure): Promise<void>;
}

let asked: Asked[];
let nowMs: number;
let kept: KeptWrites;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  nowMs = 0;
  kept = new KeptWrites(
    (id, writes) => {
      const { promise, resolve, reject } = Promise.withResolvers<readonly unknown[]>();
      const names = writes.map(([, args]) => args[0]);
      asked.push({
        id,
        names,
        writes,
        done: () => settle(() => resolve(names.map((name) => `${name} done`))),
        fail: (failure) => settle(() => reject(new StoreUnavailableError('no', failure))),
      });
      return promise;
    },
    () => nowMs,
    [3, 77],
  );
});

afterEach(() => {
  kept.stop();
  vi.useRealTimers();
});

async function settle(work: () => void): Promise<void> {
  work();
  await vi.advanceTimersByTimeAsync(0);
}

function add(name: string, more: Partial<KeptWrite> = {}): Promise<unknown> | undefined {
  return kept.add(['ping', [name]], { bytes: 10, ...more });
}

const turn = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe('kept writes', () => {
  it('of one turn are one request, several of which may be under way, and each hears its result', async () => {
    const first = [add('a'), add('b')];
    expect(asked).toHaveLength(0);
    await turn();
    const second = [add('c'), add('d')];
    await turn();
    expect(asked.map(({ id, names }) => [id, names])).toEqual([
      [
        [3, 77, 1],
        ['a', 'b'],
      ],
      [
        [3, 77, 2],
        ['c', 'd'],
      ],
    ]);
    await asked[0]!.done();
    expect(await Promise.all(first)).toEqual(['a done', 'b done']);
    await asked[1]!.done();
    expect(await Promise.all(second)).toEqual(['c done', 'd done']);
    expect([kept.count, kept.bytes]).toEqual([0, 0]);
  });

  it('come before what is asked of the store after them', () => {
    void add('a');
    kept.flush();
    expect(asked[0]!.names).toEqual(['a']);
  });

  it('gather while as many requests are under way as the store remembers, counted from the oldest', async () => {
    for (let i = 0; i < KEPT_BATCHES_MAX + 2; i++) {
      void add(String(i));
      await turn();
    }
    expect(asked).toHaveLength(KEPT_BATCHES_MAX);
    // The oldest is the one that must not be forgotten.
    await asked[1]!.done();
    expect(asked).toHaveLength(KEPT_BATCHES_MAX);
    await asked[0]!.done();
    expect(asked.at(-1)!.names).toEqual([String(KEPT_BATCHES_MAX), String(KEPT_BATCHES_MAX + 1)]);
  });

  it('go in requests of a limited number and size', async () => {
    for (let i = 0; i < KEPT_PER_BATCH_MAX + 1; i++) void add(String(i));
    void add('large', { bytes: KEPT_PER_BATCH_BYTES_MAX + 1 });
    void add('last');
    await turn();
    expect(asked.map(({ names }) => names.length)).toEqual([KEPT_PER_BATCH_MAX, 1, 1, 1]);
    expect(asked[2]!.names).toEqual(['large']);
  });

  it('that failed in several requests are in order again', async () => {
    for (const name of ['a', 'b', 'c']) {
      void add(name);
      await turn();
    }
    await asked[1]!.fail('undone');
    await asked[0]!.fail('undone');
    await asked[2]!.fail('unsure');
    void add('d');
    await vi.advanceTimersByTimeAsync(100);
    // One at a time; and what may be written first.
    expect(asked.slice(3).map(({ id, names }) => [id[2], names])).toEqual([[3, ['c']]]);
    await asked[3]!.done();
    expect(asked.slice(4).map(({ id, names }) => [id[2], names])).toEqual([[4, ['a', 'b', 'd']]]);
  });

  it('that failed for certain are tried again in order, with what came meanwhile behind them', async () => {
    const told = [add('a'), add('b')];
    await turn();
    await asked[0]!.fail('undone');
    told.push(add('c'));
    expect(kept.isStalled).toBe(true);
    await vi.advanceTimersByTimeAsync(99);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked[1]).toMatchObject({ id: [3, 77, 2], names: ['a', 'b', 'c'] });
    await asked[1]!.done();
    expect(await Promise.all(told)).toEqual(['a done', 'b done', 'c done']);
    expect(kept.isStalled).toBe(false);
    expect(kept.retries).toBe(1);
  });

  it('of which nobody knows are asked for as the same batch, even if another try fails for certain', async () => {
    const told = add('a');
    await turn();
    await asked[0]!.fail('unsure');
    void add('b', { isSettled: () => true });
    await vi.advanceTimersByTimeAsync(100);
    expect(asked[1]).toMatchObject({ id: [3, 77, 1], names: ['a'] });
    await asked[1]!.fail('undone');
    await vi.advanceTimersByTimeAsync(200);
    expect(asked[2]).toMatchObject({ id: [3, 77, 1], names: ['a'] });
    await asked[2]!.done();
    expect(await told).toBe('a done');
    expect(kept.count).toBe(0);
  });

  it('wait longer from try to try, up to two seconds; and no longer when the store is there again', async () => {
    void add('a');
    await turn();
    for (const pauseMs of [100, 200, 400, 800, 1_600, 2_000, 2_000]) {
      const before = asked.length;
      await asked.at(-1)!.fail('undone');
      await vi.advanceTimersByTimeAsync(pauseMs - 1);
      expect(asked).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(asked).toHaveLength(before + 1);
    }
    await asked.at(-1)!.fail('undone');
    const before = asked.length;
    kept.retryNow();
    expect(asked).toHaveLength(before + 1);
  });

  it('are not written if they need not be any more, but only while they certainly are not', async () => {
    let isSettled = false;
    const told = [add('a', { isSettled: () => isSettled }), add('b')];
    await turn();
    await asked[0]!.fail('undone');
    isSettled = true;
    await vi.advanceTimersByTimeAsync(100);
    expect(await told[0]).toBe(undefined);
    expect(asked[1]!.names).toEqual(['b']);
    await asked[1]!.done();
    expect(kept.count).toBe(0);
  });

  it('one of which cannot be done are done without it', async () => {
    const told = ['a', 'bad', 'c'].map((name) => add(name));
    const bad = expect(told[1]).rejects.toThrow(StoreUnavailableError);
    await turn();
    await asked[0]!.fail('fault');
    expect(asked[1]!.names).toEqual(['a']);
    await asked[1]!.done();
    expect(asked[2]!.names).toEqual(['bad']);
    await asked[2]!.fail('fault');
    await bad;
    expect(asked[3]!.names).toEqual(['c']);
    await asked[3]!.done();
    expect(await told[0]).toBe('a done');
    expect(await told[2]).toBe('c done');
    // The next ones are together again.
    void add('d');
    void add('e');
    await turn();
    expect(asked[4]!.names).toEqual(['d', 'e']);
  });

  it('are refused when there are too many, or too many bytes', async () => {
    for (let i = 0; i < KEPT_MAX; i++) expect(add('x')).toBeInstanceOf(Promise);
    expect(add('too many')).toBe(undefined);
    expect(kept.refused).toBe(1);
    await turn();
    for (const one of [...asked]) await one.done();
    expect(add('there is room again')).toBeInstanceOf(Promise);
    const left = KEPT_BYTES_MAX - kept.bytes;
    expect(add('large', { bytes: left + 1 })).toBe(undefined);
    expect(add('large', { bytes: left })).toBeInstanceOf(Promise);
    expect(add('x')).toBe(undefined);
  });

  it('that take long are told of once: after a failure, or after five seconds', async () => {
    const delayed = vi.fn();
    void add('a', { delayed });
    await turn();
    nowMs = 4_999;
    kept.expire();
    expect(delayed).not.toHaveBeenCalled();
    expect(kept.isStalled).toBe(false);
    nowMs = 5_000;
    kept.expire();
    expect(kept.isStalled).toBe(true);
    kept.expire();
    await asked[0]!.fail('undone');
    expect(delayed).toHaveBeenCalledTimes(1);
    const later = vi.fn();
    void add('b', { delayed: later });
    expect(later).toHaveBeenCalledTimes(1);
  });
});
