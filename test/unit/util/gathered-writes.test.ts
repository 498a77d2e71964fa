import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatheredWrites, WAITING_BYTES_MAX, WAITING_MAX } from '../../../src/util/gathered-writes.ts';

/** Writes that are gathered: by turns, in order, tried again. */

interface Sent {
  readonly number: number;
  readonly entries: readonly string[];
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

function make(delayMs = 0) {
  const sent: Sent[] = [];
  const turns: (() => void)[] = [];
  const failures: number[] = [];
  let stored = 0;
  const writes = new GatheredWrites<string, null>(
    {
      send: (number, entries) =>
        new Promise((resolve, reject) => {
          sent.push({ number, entries: [...entries], resolve: () => resolve(null), reject });
        }),
      atTurnEnd: (callback) => turns.push(callback),
      stored: () => {
        stored++;
      },
      failed: (_cause, waiting) => failures.push(waiting),
    },
    delayMs,
  );
  const endTurn = (): void => {
    for (const turn of turns.splice(0)) turn();
  };
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  return { writes, sent, endTurn, settle, failures, stored: () => stored };
}

describe('gathered writes', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('are one request for all of a turn, and one promise', async () => {
    const { writes, sent, endTurn, settle, stored } = make();
    const first = writes.add('a', 1);
    expect(writes.add('b', 1)).toBe(first);
    expect(sent).toEqual([]);
    endTurn();
    expect(sent.map(({ number, entries }) => [number, entries])).toEqual([[1, ['a', 'b']]]);
    const second = writes.add('c', 1);
    expect(second).not.toBe(first);
    endTurn();
    expect(sent[1]).toMatchObject({ number: 2, entries: ['c'] });
    let isStored = false;
    void first.then(() => {
      isStored = true;
    });
    await settle();
    expect([isStored, writes.waiting]).toEqual([false, 3]);
    sent[0]!.resolve();
    await first;
    expect([writes.waiting, stored()]).toEqual([1, 1]);
    sent[1]!.resolve();
    await second;
    expect([writes.waiting, writes.settled()]).toEqual([0, undefined]);
  });

  it('are gathered for a while, if nobody waits for them', async () => {
    const { writes, sent } = make(50);
    void writes.add('a', 1);
    vi.advanceTimersByTime(49);
    void writes.add('b', 1);
    expect(sent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(sent.map(({ entries }) => entries)).toEqual([['a', 'b']]);
    // Whoever wants to read sends them at once.
    void writes.add('c', 1);
    writes.flush();
    expect(sent[1]!.entries).toEqual(['c']);
    vi.advanceTimersByTime(100);
    expect(sent.length).toBe(2);
  });

  it('are several requests where they are too many, or too large, for one', () => {
    const { writes, sent, endTurn } = make();
    for (let i = 0; i < 501; i++) void writes.add(String(i), 1);
    void writes.add('large', 1_048_576);
    endTurn();
    expect(sent.map(({ entries }) => entries.length)).toEqual([500, 1, 1]);
  });

  it('have a limit in number and in bytes', () => {
    const many = make();
    for (let i = 0; i < WAITING_MAX / 2; i++) void many.writes.add('x', 1);
    expect([many.writes.isBusy, many.writes.isFull]).toEqual([true, false]);
    for (let i = 0; i < WAITING_MAX / 2; i++) void many.writes.add('x', 1);
    expect(many.writes.isFull).toBe(true);
    const large = make();
    void large.writes.add('x', WAITING_BYTES_MAX - 1);
    expect([large.writes.isBusy, large.writes.isFull]).toEqual([true, false]);
    void large.writes.grew(1);
    expect(large.writes.isFull).toBe(true);
  });

  it('are tried again in their order, with their numbers, until they are stored', async () => {
    const { writes, sent, endTurn, settle, failures } = make();
    const first = writes.add('a', 1);
    endTurn();
    void writes.add('b', 1);
    endTurn();
    sent[0]!.reject(new Error('the disk is full'));
    await settle();
    // The other one is still under way: nobody knows what becomes of it.
    void writes.add('c', 1);
    endTurn();
    expect(sent.length).toBe(2);
    sent[1]!.reject(new Error('out of order'));
    await settle();
    expect(failures).toEqual([3]);
    vi.advanceTimersByTime(100);
    expect(sent.slice(2).map(({ number, entries }) => [number, entries])).toEqual([
      [1, ['a']],
      [2, ['b']],
      [3, ['c']],
    ]);
    for (const { reject } of sent.slice(2)) reject(new Error('still full'));
    await settle();
    vi.advanceTimersByTime(199);
    expect(sent.length).toBe(5);
    // The pause grows.
    vi.advanceTimersByTime(1);
    const again = sent.slice(5);
    expect(again.map(({ number }) => number)).toEqual([1, 2, 3]);
    for (const { resolve } of again) resolve();
    await first;
    await settle();
    expect(writes.waiting).toBe(0);
    // As before.
    void writes.add('d', 1);
    endTurn();
    expect(sent.at(-1)).toMatchObject({ number: 4, entries: ['d'] });
  });

  it('that come while others are tried again go at once when those are stored', async () => {
    const { writes, sent, endTurn, settle } = make();
    void writes.add('a', 1);
    endTurn();
    sent[0]!.reject(new Error('gone'));
    await settle();
    vi.advanceTimersByTime(100);
    void writes.add('b', 1);
    endTurn();
    expect(sent.length).toBe(2);
    sent[1]!.resolve();
    await settle();
    vi.advanceTimersByTime(0);
    expect(sent[2]).toMatchObject({ number: 2, entries: ['b'] });
    sent[2]!.resolve();
    await settle();
    expect(writes.waiting).toBe(0);
  });

  it('wait no longer than two seconds between tries', async () => {
    const { writes, sent, endTurn, settle } = make();
    void writes.add('a', 1);
    endTurn();
    for (let tries = 1; tries < 12; tries++) {
      sent.at(-1)!.reject(new Error('gone'));
      await settle();
      vi.advanceTimersByTime(2_000);
      expect(sent.length).toBe(tries + 1);
    }
  });
});
