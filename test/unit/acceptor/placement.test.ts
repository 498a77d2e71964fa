import { describe, expect, it } from 'vitest';
import { Placement, type ShardLoad } from '../../../src/acceptor/placement.ts';

function shards(...loads: (number | undefined)[]): (ShardLoad & { count: number })[] {
  return loads.map((load, shard) => ({
    shard,
    isReady: load !== undefined,
    count: load ?? 0,
    connections() {
      return this.count;
    },
  }));
}

describe('placement', () => {
  it('takes the shard with the fewest connections', () => {
    expect(new Placement().choose(shards(5, 3, 4))!.shard).toBe(1);
  });

  it('never takes one that is not ready, however few it has', () => {
    expect(new Placement().choose(shards(5, undefined, 4))!.shard).toBe(2);
    expect(new Placement().choose(shards(undefined, undefined))).toBeUndefined();
    expect(new Placement().choose([])).toBeUndefined();
  });

  it('spreads a burst over shards that have none: nobody gets two before all have one', () => {
    const placement = new Placement();
    const all = shards(0, 0, 0, 0);
    const order: number[] = [];
    for (let i = 0; i < 8; i++) {
      const chosen = placement.choose(all) as (typeof all)[number];
      chosen.count++;
      order.push(chosen.shard);
    }
    expect(order.slice(0, 4).toSorted()).toEqual([0, 1, 2, 3]);
    expect(all.map(({ count }) => count)).toEqual([2, 2, 2, 2]);
  });

  it('goes on after the one chosen last when all are equal, though their connections ended meanwhile', () => {
    const placement = new Placement();
    const all = shards(0, 0, 0);
    const order = Array.from({ length: 6 }, () => placement.choose(all)!.shard);
    expect(new Set(order.slice(0, 3)).size).toBe(3);
    expect(order.slice(3)).toEqual(order.slice(0, 3));
  });

  it('fills up a shard that was replaced', () => {
    const placement = new Placement();
    const all = shards(10, 0, 10);
    for (let i = 0; i < 10; i++) {
      const chosen = placement.choose(all) as (typeof all)[number];
      expect(chosen.shard).toBe(1);
      chosen.count++;
    }
  });
});
