import { describe, expect, it } from 'vitest';
import { SegmentedCache } from '../../../src/util/segmented-cache.ts';

function cache(strategy: 'fifo' | 'lru', segments = 3, entriesMax = 300): SegmentedCache {
  return new SegmentedCache({ strategy, segments, entriesMax });
}

describe('SegmentedCache', () => {
  it('forgets an entry when its segment is the oldest and is dropped', () => {
    const users = cache('fifo');
    users.add('romeo');
    for (let i = 0; i < 2; i++) users.rotate();
    expect(users.has('romeo')).toBe(true);
    users.rotate();
    expect(users.has('romeo')).toBe(false);
    expect(users.size).toBe(0);
  });

  it.each(['fifo', 'lru'] as const)('with %s an entry that is read', (strategy) => {
    const users = cache(strategy);
    users.add('romeo');
    for (let i = 0; i < 5; i++) {
      users.rotate();
      users.has('romeo');
    }
    // What is read lives on with the one, and ends in its time with the other.
    expect(users.has('romeo')).toBe(strategy === 'lru');
    expect(users.size).toBe(strategy === 'lru' ? 1 : 0);
  });

  it('deletes from all segments', () => {
    const users = cache('fifo');
    users.add('romeo@a');
    users.rotate();
    users.add('romeo@a');
    users.add('juliet@b');
    users.delete('romeo@a');
    expect([users.has('romeo@a'), users.has('juliet@b')]).toEqual([false, true]);
    users.deleteAll((entry) => entry.endsWith('@b'));
    expect(users.size).toBe(0);
  });

  it('never holds more than its limit, and the newest are among them', () => {
    const users = cache('fifo', 3, 9);
    for (let i = 0; i < 100; i++) {
      users.add(`user${i}`);
      expect(users.size).toBeLessThanOrEqual(9);
      expect(users.has(`user${i}`)).toBe(true);
    }
    expect(users.has('user97')).toBe(true);
    expect(users.has('user50')).toBe(false);
  });

  it('adding what is there already costs no room', () => {
    const users = cache('fifo', 2, 4);
    users.add('a');
    users.add('b');
    for (let i = 0; i < 10; i++) users.add('b');
    expect([users.has('a'), users.size]).toEqual([true, 2]);
  });

  it('works with one segment and hardly any room', () => {
    const users = cache('lru', 1, 0);
    users.add('a');
    users.add('b');
    expect([users.has('a'), users.has('b'), users.size]).toEqual([false, true, 1]);
  });
});
