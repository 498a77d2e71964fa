import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArchiveCounts } from '../../../src/store/sqlite/archive-counts.ts';
import type { IdRange } from '../../../src/store/sqlite/archive-ids.ts';
import type { ArchiveSelection } from '../../../src/store/sqlite/archive-selection.ts';

/** A selection that is a list, and counts what is looked at. */
class List implements ArchiveSelection {
  all: bigint[] = [];
  looked = 0;

  ids({ low, high }: IdRange, isBackward: boolean, limit: number): bigint[] {
    const found = this.all.filter((id) => id >= low && id <= high).sort((a, b) => (a < b ? -1 : 1));
    return (isBackward ? found.reverse() : found).slice(0, limit);
  }

  count({ low, high }: IdRange): number {
    const { length } = this.all.filter((id) => id >= low && id <= high);
    this.looked += length;
    return length;
  }

  nth(): undefined {}
}

const EVERYTHING: IdRange = { low: 0n, high: 1n << 62n };

describe('remembered counts', () => {
  it('are right, whatever was archived or removed in between', () => {
    const id = fc.integer({ min: 0, max: 200 }).map(BigInt);
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), ids: fc.array(id, { minLength: 1, maxLength: 10 }) }),
      fc.record({ kind: fc.constant('remove' as const), id }),
      fc.record({
        kind: fc.constant('count' as const),
        low: fc.constantFrom(0n, 50n),
        high: fc.constantFrom(120n, 1n << 62n),
        place: fc.nat(),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const list = new List();
        const counts = new ArchiveCounts(3, 10n);
        for (const one of steps) {
          if (one.kind === 'add') {
            const fresh = [...new Set(one.ids)].filter((added) => !list.all.includes(added));
            if (fresh.length === 0) continue;
            list.all.push(...fresh);
            counts.added(fresh.reduce((a, b) => (a < b ? a : b)));
          } else if (one.kind === 'remove') {
            list.all = list.all.filter((kept) => kept !== one.id);
            counts.clear();
          } else {
            const range = { low: one.low, high: one.high };
            const meant = list.ids(range, false, 1_000);
            if (meant.length === 0) continue;
            const offset = one.place % meant.length;
            const counted = counts.count(list, 'x', range, meant[offset]!);
            expect(counted).toEqual({ total: meant.length, offset });
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([false, true])('look at a long archive once, not with each page (backwards: %s)', (isBackward) => {
    const list = new List();
    list.all = Array.from({ length: 10_000 }, (_unused, i) => BigInt(i) * 1_000n);
    const counts = new ArchiveCounts(1_000, 50_000n);
    const firsts = Array.from({ length: 200 }, (_unused, page) => list.all[page * 50]!);
    for (const first of isBackward ? firsts.reverse() : firsts) counts.count(list, 'x', EVERYTHING, first);
    expect(list.looked).toBeLessThan(2 * 10_000 + 200 * (50 + 51 + 2));
  });

  it('keep archives apart', () => {
    const [list, other] = [new List(), new List()];
    list.all = Array.from({ length: 10 }, (_unused, i) => BigInt(i));
    const counts = new ArchiveCounts(1, 1n);
    other.all = [3n];
    expect(counts.count(list, 'a', EVERYTHING, 5n)).toEqual({ total: 10, offset: 5 });
    expect(counts.count(other, 'b', EVERYTHING, 3n)).toEqual({ total: 1, offset: 0 });
  });
});
