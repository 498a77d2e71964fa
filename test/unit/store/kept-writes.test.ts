import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  KEPT_BATCHES_MAX,
  KEPT_BATCHES_REMEMBERED,
  KEPT_BUSY,
  KEPT_BYTES_BUSY,
  KEPT_BYTES_MAX,
  KEPT_MAX,
  KEPT_PER_BATCH_BYTES_MAX,
  KEPT_PER_BATCH_MAX,
} from '../../../src/limits.ts';
import { type StoreFailure, StoreUnavailableError } from '../../../src/store/failure.ts';
import type { KeptWrite } from '../../../src/store/kept-write.ts';
import { KeptWrites } from '../../../src/store/kept-writes.ts';
import type { BatchedWrite, WriteBatchId } from '../../../src/store/operations/writes.ts';

/** Writes that are tried until they are done, against a store that the test answers for. */

interface Asked {
  readonly id: WriteBatchId;
  /** The first argument of each write. */
  readonly names: unknown[];
  readonly writes: readonly BatchedWrite[];
  readonly isSuspect: boolean;
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
    (id, writes, isSuspect) => {
      if (writes.some(([, args]) => args[0] === 'unsendable')) throw new RangeError('no');
      const { promise, resolve, reject } = Promise.withResolvers<readonly unknown[]>();
      const names = writes.map(([, args]) => args[0]);
      asked.push({
        id,
        names,
        writes,
        isSuspect,
        done: () => settle(() => resolve(names.map((name) => (Array.isArray(name) ? name : `${name} done`)))),
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

  it('gather while many requests are under way, unless something else must come behind them', async () => {
    for (let i = 0; i < KEPT_BATCHES_MAX + 2; i++) {
      void add(String(i));
      await turn();
    }
    expect(asked).toHaveLength(KEPT_BATCHES_MAX);
    kept.flush(true);
    expect(asked.at(-1)!.names).toEqual([String(KEPT_BATCHES_MAX), String(KEPT_BATCHES_MAX + 1)]);
    void add('more');
    await turn();
    expect(asked).toHaveLength(KEPT_BATCHES_MAX + 1);
    await asked[0]!.done();
    await asked[1]!.done();
    expect(asked.at(-1)!.names).toEqual(['more']);
  });

  it('are never more requests than the store remembers, counted from the oldest', async () => {
    for (let i = 0; i < KEPT_BATCHES_REMEMBERED + 1; i++) {
      void add(String(i));
      kept.flush(true);
    }
    expect(asked).toHaveLength(KEPT_BATCHES_REMEMBERED);
    // The oldest is the one that must not be forgotten.
    await asked[1]!.done();
    kept.flush(true);
    expect(asked).toHaveLength(KEPT_BATCHES_REMEMBERED);
    await asked[0]!.done();
    kept.flush(true);
    expect(asked).toHaveLength(KEPT_BATCHES_REMEMBERED + 1);
  });

  it('go in requests of a limited number and size', async () => {
    for (let i = 0; i < KEPT_PER_BATCH_MAX + 1; i++) void add(String(i));
    void add('large', { bytes: KEPT_PER_BATCH_BYTES_MAX + 1 });
    void add('last');
    await turn();
    expect(asked.map(({ names }) => names.length)).toEqual([KEPT_PER_BATCH_MAX, 1, 1, 1]);
    expect(asked[2]!.names).toEqual(['large']);
  });

  it('that failed in several requests go in order again, once all are answered: what may be written as it was, and the rest together', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      void add(name);
      await turn();
    }
    await asked[0]!.fail('unsure');
    await asked[1]!.fail('undone');
    // Sent behind one that was not done: it was not, either.
    await asked[2]!.fail('unsure');
    void add('e');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toHaveLength(4);
    await asked[3]!.fail('undone');
    expect(asked.slice(4).map(({ id, names }) => [id[2], names])).toEqual([[1, ['a']]]);
    await asked[4]!.done();
    expect(asked.slice(5).map(({ id, names }) => [id[2], names])).toEqual([[2, ['b', 'c', 'd', 'e']]]);
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
    expect(asked[1]).toMatchObject({ id: [3, 77, 1], names: ['a', 'b', 'c'] });
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
    // Behind it.
    void add('z');
    await turn();
    await asked[0]!.fail('fault');
    await asked[1]!.fail('undone');
    expect(asked.slice(2).map(({ names, isSuspect }) => [names, isSuspect])).toEqual([[['a', 'bad'], true]]);
    await asked[2]!.fail('fault');
    expect(asked[3]!.names).toEqual(['a']);
    await asked[3]!.done();
    expect(asked[4]!.names).toEqual(['bad']);
    await asked[4]!.fail('fault');
    await bad;
    expect(asked[5]).toMatchObject({ names: ['c', 'z'], isSuspect: false });
    await asked[5]!.done();
    expect(asked.map(({ id }) => id[2])).toEqual([1, 2, 1, 1, 2, 2]);
    expect(kept.retries).toBe(0);
    expect(await told[0]).toBe('a done');
    expect(await told[2]).toBe('c done');
    // The next ones are together again.
    void add('d');
    void add('e');
    await turn();
    expect(asked[6]!.names).toEqual(['d', 'e']);
  });

  it('are refused when there are too many, or too many bytes', async () => {
    for (let i = 1; i < KEPT_MAX; i++) void add('x');
    expect(add('x')).toBeInstanceOf(Promise);
    expect(add('too many')).toBe(undefined);
    expect(kept.refused).toBe(1);
    await turn();
    for (let i = 0; kept.count > 0; i++) await asked[i]!.done();
    expect(add('there is room again')).toBeInstanceOf(Promise);
    const left = KEPT_BYTES_MAX - kept.bytes;
    expect(add('large', { bytes: left + 1 })).toBe(undefined);
    expect(add('large', { bytes: left })).toBeInstanceOf(Promise);
    expect(add('x')).toBe(undefined);
    expect(kept.isFull).toBe(true);
    // But not what was let in before.
    expect(add('x', { isLetIn: true })).toBeInstanceOf(Promise);
  });

  it('make others wait when they are many, until half of that is left', async () => {
    for (let i = 0; i < KEPT_BUSY - 1; i++) void add('x');
    expect(kept.isBusy).toBe(false);
    void add('x');
    expect(kept.isBusy).toBe(true);
    const calm = vi.fn();
    void kept.calm.then(calm);
    await turn();
    for (let i = 0; kept.count > KEPT_BUSY / 2; i++) {
      expect(calm).not.toHaveBeenCalled();
      await asked[i]!.done();
    }
    expect(calm).toHaveBeenCalled();
    void add('large', { bytes: KEPT_BYTES_BUSY });
    expect(kept.isBusy).toBe(true);
  });

  it('tell when all that came so far is done, and whether what is read may lack some of it', async () => {
    const behind = vi.fn();
    const end = kept.onBehind(behind);
    expect(kept.settled()).toBe(undefined);
    void add('a');
    const settled = vi.fn();
    // It has left with this.
    void kept.settled()!.then(settled);
    expect(asked[0]!.names).toEqual(['a']);
    expect(kept.isBehind).toBe(false);
    void add('b');
    await turn();
    await asked[0]!.fail('undone');
    expect(behind.mock.calls).toEqual([[true, expect.any(StoreUnavailableError)]]);
    expect(kept.isBehind).toBe(true);
    await asked[1]!.fail('undone');
    await vi.advanceTimersByTimeAsync(100);
    expect(asked[2]!.names).toEqual(['a', 'b']);
    // What comes now has not failed.
    void add('c');
    expect(settled).not.toHaveBeenCalled();
    await asked[2]!.done();
    expect(settled).toHaveBeenCalled();
    expect(behind.mock.calls.slice(1)).toEqual([[false, undefined]]);
    expect([kept.isBehind, kept.count]).toEqual([false, 1]);
    end();
    await asked[3]!.fail('undone');
    expect(behind).toHaveBeenCalledTimes(2);
  });

  it('that are lists are counted by entries, and written without the one that cannot be', async () => {
    const lost = vi.fn();
    const list = ['a', 'b', 'bad', 'd', 'e'];
    const told = kept.add(['ping', [list, 'more']], { bytes: 50, lost });
    void add('f');
    expect(kept.count).toBe(6);
    await turn();
    for (let i = 0; kept.count > 0; i++) {
      const { writes } = asked[i]!;
      const isBad = writes.some(([, [names]]) => Array.isArray(names) && names.includes('bad'));
      if (isBad) await asked[i]!.fail('fault');
      else await asked[i]!.done();
    }
    expect(lost.mock.calls).toEqual([['bad', expect.any(StoreUnavailableError)]]);
    expect(await told).toEqual(['a', 'b', 'd', 'e']);
    expect(asked.map(({ writes }) => writes.map(([, args]) => args))).toEqual([
      [[list, 'more'], ['f']],
      [[['a', 'b', 'bad'], 'more']],
      [[['a', 'b'], 'more']],
      [
        [['bad'], 'more'],
        [['d'], 'more'],
      ],
      [[['bad'], 'more']],
      [[['d'], 'more'], [['e'], 'more'], ['f']],
    ]);
    expect(kept.bytes).toBe(0);
  });

  it('that cannot even be sent are given up, and not the others', async () => {
    const bad = expect(add('unsendable')).rejects.toThrow(StoreUnavailableError);
    const other = add('a');
    await turn();
    await bad;
    await asked[0]!.done();
    expect(await other).toBe('a done');
  });

  it('let other work come behind them, which is tried again when the store works', async () => {
    const results = [new StoreUnavailableError('gone', 'unsure'), undefined];
    const work = vi.fn(() =>
      results[0] === undefined ? Promise.resolve() : Promise.reject(results.shift()),
    );
    void add('a');
    const told = kept.run(work)!;
    // What is asked of the store by it comes behind.
    expect(asked[0]!.names).toEqual(['a']);
    expect(work).toHaveBeenCalledTimes(1);
    expect(kept.count).toBe(2);
    await turn();
    expect(asked[1]!.writes).toEqual([['write_probe', []]]);
    await asked[0]!.done();
    await asked[1]!.fail('undone');
    expect(work).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(100);
    await asked[2]!.done();
    await told;
    expect(work).toHaveBeenCalledTimes(2);
    expect(kept.count).toBe(0);
  });

  it('let other work fail that cannot be done, or that the store does not do though it takes writes', async () => {
    await expect(kept.run(() => Promise.reject(new TypeError('wrong')))).rejects.toThrow(TypeError);
    const told = expect(kept.run(() => Promise.reject(new StoreUnavailableError('no')))).rejects.toThrow(
      'no',
    );
    await turn();
    await asked[0]!.done();
    await asked[1]!.done();
    await told;
    expect(kept.count).toBe(0);
    while (!kept.isFull) void add('x', { bytes: KEPT_BYTES_MAX / 4 });
    expect(kept.run(() => Promise.resolve())).toBe(undefined);
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
