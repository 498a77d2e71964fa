import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KEPT_PER_BATCH_BYTES_MAX, KEPT_PER_BATCH_MAX } from '../../../src/limits.ts';
import { GatheredWrites } from '../../../src/store/gathered-writes.ts';
import type { MissedMarker } from '../../../src/store/operations.ts';
import { KeptStore } from '../../helpers/kept-store.ts';

/** Writes that are gathered: of a turn they are one. */

function make() {
  const store = new KeptStore();
  const turns: (() => void)[] = [];
  const lost: string[] = [];
  const counts: number[] = [];
  const writes = new GatheredWrites('offline_markers_note', {
    store,
    atTurnEnd: (callback) => turns.push(callback),
    stored: (_result, count) => counts.push(count),
    lost: ([domain]) => lost.push(domain),
  });
  const endTurn = async (): Promise<void> => {
    for (const turn of turns.splice(0)) turn();
    store.kept.flush();
    await vi.advanceTimersByTimeAsync(0);
  };
  const add = (name: string, bytes = 1): Promise<void> => writes.add(entry(name), bytes);
  const asked = (): string[][] => store.asked.map(({ list }) => list.map((one) => (one as MissedMarker)[0]));
  return { store, writes, add, asked, endTurn, lost, counts };
}

function entry(name: string): MissedMarker {
  return [name, 'user', '', '', 1];
}

describe('gathered writes', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('of a turn are one write, and one promise', async () => {
    const { writes, add, asked, endTurn, counts, store } = make();
    const first = add('a');
    expect(add('b')).toBe(first);
    expect(writes.gathering).toEqual([entry('a'), entry('b')]);
    await endTurn();
    expect(writes.gathering).toBe(undefined);
    const second = add('c');
    expect(second).not.toBe(first);
    await endTurn();
    await Promise.all([first, second]);
    expect(asked()).toEqual([['a', 'b'], ['c']]);
    expect(counts).toEqual([2, 1]);
    expect(store.kept.count).toBe(0);
  });

  it('are sent at once for whoever reads', async () => {
    const { writes, add, asked, endTurn } = make();
    void add('a');
    writes.flush();
    expect(asked()).toEqual([['a']]);
    void add('b');
    await endTurn();
    expect(asked()).toEqual([['a'], ['b']]);
  });

  it('are several writes where they are too many, or too large, for one request', async () => {
    const { writes, add, asked, endTurn, store } = make();
    for (let i = 0; i <= KEPT_PER_BATCH_MAX; i++) void add(String(i));
    void add('large', KEPT_PER_BATCH_BYTES_MAX);
    writes.grew(1);
    void add('last');
    store.isSilent = true;
    await endTurn();
    expect(asked().map((names) => names.length)).toEqual([KEPT_PER_BATCH_MAX, 1, 1, 1]);
    expect(store.kept.bytes).toBe(KEPT_PER_BATCH_MAX + 1 + KEPT_PER_BATCH_BYTES_MAX + 1 + 1);
  });

  it('are kept until they are stored, with all that came after', async () => {
    const { writes, add, store, endTurn } = make();
    store.isDown = true;
    const told = vi.fn();
    void add('a').then(told);
    await endTurn();
    void add('b');
    const settled = vi.fn();
    void writes.settled()!.then(settled);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([told.mock.calls.length, store.kept.count]).toEqual([0, 2]);
    store.isDown = false;
    await vi.advanceTimersByTimeAsync(2_000);
    expect([told.mock.calls.length, settled.mock.calls.length]).toEqual([1, 1]);
    expect(store.stored).toEqual([entry('a'), entry('b')]);
    expect(writes.settled()).toBe(undefined);
  });

  it('are stored without the one that cannot be, which is told of', async () => {
    const { add, store, endTurn, lost, counts } = make();
    store.isImpossible = (one) => (one as MissedMarker)[0] === 'b';
    const promises = ['a', 'b', 'c'].map((name) => add(name));
    await endTurn();
    await Promise.all(promises);
    expect([lost, counts]).toEqual([['b'], [2]]);
    expect(store.stored).toEqual([entry('a'), entry('c')]);
    const alone = add('b');
    await endTurn();
    await alone;
    expect(counts).toEqual([2]);
  });
});
