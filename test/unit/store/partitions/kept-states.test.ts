import { describe, expect, it } from 'vitest';
import { KEPT_BYTES_MAX } from '../../../../src/limits.ts';
import { StoreUnavailableError } from '../../../../src/store/failure.ts';
import { KeptStates } from '../../../../src/store/partitions/kept-states.ts';
import { KeptStore } from '../../../helpers/kept-store.ts';

/** Writes kept for several partitions, as those see them for whom it is one archive. */

function two(): { a: KeptStore; b: KeptStore; states: KeptStates } {
  const [a, b] = [new KeptStore(), new KeptStore()];
  return { a, b, states: new KeptStates([a.kept, b.kept]) };
}

const write = (store: KeptStore, entry: string, bytes = 10) =>
  store.kept.add(['archive_append', [[entry]]], { bytes })!;

describe('kept writes of several partitions', () => {
  it('add up, and are full when one of them is', async () => {
    const { a, b, states } = two();
    [a.isSilent, b.isSilent] = [true, true];
    void write(a, 'one');
    void write(b, 'two', KEPT_BYTES_MAX - 5);
    expect([states.count, states.bytes, states.isBusy, states.isFull]).toEqual([
      2,
      KEPT_BYTES_MAX + 5,
      true,
      false,
    ]);
    void write(b, 'three', 5);
    expect(states.isFull).toBe(true);
    expect(states.run(async () => {})).toBeUndefined();
    expect([a.kept.refused, b.kept.refused]).toEqual([0, 1]);
  });

  it('are settled and calm when all of them are', async () => {
    const { a, b, states } = two();
    expect(states.settled()).toBeUndefined();
    b.isDown = true;
    const done = Promise.all([write(a, 'one'), write(b, 'two', KEPT_BYTES_MAX - 5)]);
    let isSettled = false;
    const settled = states.settled()!.then(() => {
      isSettled = true;
    });
    const { calm } = states;
    await expect.poll(() => a.stored).toEqual(['one']);
    expect(isSettled).toBe(false);
    b.isDown = false;
    await Promise.all([settled, calm, done]);
    expect(b.stored).toEqual(['two']);
  });

  it('are behind from the first that fails to the last that has caught up', async () => {
    const { a, b, states } = two();
    const heard: boolean[] = [];
    states.onBehind((isBehind) => heard.push(isBehind));
    [a.isDown, b.isDown] = [true, true];
    const [one, other] = [write(a, 'one'), write(b, 'two')];
    states.flush();
    await expect.poll(() => a.kept.isBehind && b.kept.isBehind).toBe(true);
    expect(heard).toEqual([true]);
    a.isDown = false;
    await one;
    expect([heard, states.isBehind]).toEqual([[true], true]);
    b.isDown = false;
    await other;
    await expect.poll(() => heard).toEqual([true, false]);
  });

  it('have work done behind all of them, and again until each takes writes', async () => {
    const { a, b, states } = two();
    b.isDown = true;
    void write(b, 'before');
    states.flush();
    await expect.poll(() => b.kept.isBehind).toBe(true);
    const seen: unknown[][] = [];
    let tries = 0;
    const done = states.run(async () => {
      seen.push([...b.stored]);
      if (++tries === 1) throw new StoreUnavailableError('gone for a moment', 'undone');
    });
    await expect.poll(() => b.kept.retries).toBeGreaterThan(0);
    expect(tries).toBe(0);
    b.isDown = false;
    await done;
    expect(seen.every((stored) => stored[0] === 'before')).toBe(true);
    expect(tries).toBe(2);
    expect(a.kept.count + b.kept.count).toBe(0);
  });
});
