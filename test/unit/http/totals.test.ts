import { describe, expect, it } from 'vitest';
import { Totals } from '../../../src/http/totals.ts';

describe('Totals', () => {
  it('sums over shards, and never falls when a shard begins anew', () => {
    const totals = new Totals(10);
    totals.add([
      { shard: 0, counts: [['a', 5]] },
      { shard: 1, counts: [['a', 7]] },
    ]);
    expect([...totals.entries()]).toEqual([['a', 12]]);
    totals.add([
      { shard: 0, counts: [['a', 2]] },
      { shard: 1, counts: [['a', 8]] },
    ]);
    expect([...totals.entries()]).toEqual([['a', 15]]);
  });

  it('counts nothing twice when a shard is missing for a while', () => {
    const totals = new Totals(10);
    totals.add([{ shard: 0, counts: [['a', 5]] }]);
    totals.add([]);
    totals.add([{ shard: 0, counts: [['a', 6]] }]);
    expect([...totals.entries()]).toEqual([['a', 6]]);
  });

  it('keeps no more names than it may (threat T75)', () => {
    const totals = new Totals(2);
    totals.add([
      {
        shard: 0,
        counts: [
          ['a', 1],
          ['b', 1],
          ['c', 1],
        ],
      },
    ]);
    totals.add([
      {
        shard: 0,
        counts: [
          ['c', 2],
          ['a', 2],
        ],
      },
    ]);
    expect([...totals.entries()]).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
  });

  it('takes names of every kind', () => {
    const totals = new Totals(10);
    totals.add([
      {
        shard: 0,
        counts: [
          ['__proto__', 1],
          ['constructor', 2],
        ],
      },
    ]);
    expect([...totals.entries()]).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ]);
  });
});
