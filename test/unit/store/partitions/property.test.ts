import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArchivePageQuery, ArchiveRecord } from '../../../../src/store/operations.ts';
import { MemoryDriver } from '../../../helpers/memory-driver.ts';
import { type Partitions, partitions } from './support.ts';

/** Archives in several partitions, compared with the same in one: nobody can tell them apart. */

const USERS = ['romeo@localhost', 'juliet@localhost', 'nurse@localhost', 'paris@verona.example', 'localhost'];
const RESOURCES = ['', '/a', '/b'];
const FIRST = 1_800_000_000_000_000;

const jid = fc.tuple(fc.constantFrom(...USERS), fc.constantFrom(...RESOURCES)).map((parts) => parts.join(''));

const record: fc.Arbitrary<ArchiveRecord> = fc.record({
  micros: fc.integer({ min: 0, max: 150 }).map((n) => FIRST + n),
  shard: fc.constantFrom(0, 1),
  sides: fc.constantFrom(1, 2, 3),
  from: jid,
  to: jid,
  packet: fc
    .constantFrom('sun', 'moon', 'sun moon')
    .map((text) => Buffer.from(`<message><body>${text}</body></message>`)),
  originId: fc.constantFrom(null, 'o1', 'o2'),
  isGroupchat: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  isSearchable: fc.constant(true),
});

const anyId = fc
  .tuple(fc.integer({ min: -2, max: 152 }), fc.constantFrom(0, 1))
  .map(([n, shard]) => BigInt(FIRST + n) * 256n + BigInt(shard));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });

const query: fc.Arbitrary<ArchivePageQuery> = fc.record({
  owner: fc.constantFrom(...USERS),
  fromId: maybe(anyId),
  toId: maybe(anyId),
  afterId: maybe(anyId),
  beforeId: maybe(anyId),
  start: maybe(fc.integer({ min: FIRST - 2, max: FIRST + 152 })),
  with: maybe(fc.record({ bare: fc.constantFrom(...USERS), resource: maybe(fc.constantFrom('a', 'b')) })),
  words: maybe(fc.constantFrom(['sun'], ['moon', 'sun'])),
  includeGroupchat: fc.boolean(),
  pageAfter: maybe(anyId),
  pageBefore: maybe(anyId),
  index: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined, freq: 2 }),
  isBackward: fc.boolean(),
  isCounted: fc.boolean(),
  limit: fc.integer({ min: 0, max: 12 }),
});

/** How many partitions there are, and were earlier. */
const layouts = fc.constantFrom([2], [3], [16], [1, 3], [2, 5, 4], [3, 1]);
const batches = fc.array(fc.array(record, { minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 4 });

/** Ids are unique in a server: what comes again is the same message, and comes before another number of partitions does. */
function unique(all: readonly ArchiveRecord[][]): ArchiveRecord[][] {
  const seen = new Map<string, [ArchiveRecord, number]>();
  return all.map((records, batch) =>
    records.flatMap((one) => {
      const key = `${one.micros} ${one.shard}`;
      const [known, of] = seen.get(key) ?? [one, batch];
      seen.set(key, [known, of]);
      return of === batch ? [{ ...known, sides: one.sides }] : [];
    }),
  );
}

interface Both {
  readonly one: MemoryDriver;
  readonly many: Partitions;
}

/** The same messages in one place, and in several: each batch under the layout that counted then. */
async function filled(history: readonly number[], all: readonly ArchiveRecord[][]): Promise<Both> {
  const one = new MemoryDriver();
  const many = partitions(history);
  for (const [i, records] of unique(all).entries()) {
    const at = Math.min(history.length, 1 + Math.floor((i * history.length) / all.length));
    one.run('archive_append', [records]);
    await partitions(history.slice(0, at), many.drivers.slice(0, Math.max(...history.slice(0, at)))).ask(
      'archive_append',
      records,
    );
  }
  return { one, many };
}

describe('an archive in several partitions', () => {
  it('has the pages of one that is not', async () => {
    await fc.assert(
      fc.asyncProperty(
        layouts,
        batches,
        fc.array(query, { minLength: 1, maxLength: 30 }),
        async (history, all, queries) => {
          const { one, many } = await filled(history, all);
          for (const asked of queries)
            expect(await many.ask('archive_page', asked)).toEqual(one.run('archive_page', [asked]));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('answers everything else as one that is not, whatever is taken away', async () => {
    const change = fc.oneof(
      fc.record({ kind: fc.constant('user' as const), owner: fc.constantFrom(...USERS) }),
      fc.record({
        kind: fc.constant('domain' as const),
        domain: fc.constantFrom('localhost', 'verona.example'),
      }),
      fc.record({ kind: fc.constant('before' as const), micros: fc.integer({ min: 0, max: 150 }) }),
      fc.record({ kind: fc.constant('trim' as const), keep: fc.integer({ min: 0, max: 30 }) }),
      fc.record({ kind: fc.constant('replace' as const), id: anyId }),
    );
    await fc.assert(
      fc.asyncProperty(
        layouts,
        batches,
        fc.array(change, { maxLength: 3 }),
        fc.integer({ min: 1, max: 40 }),
        async (history, all, changes, limit) => {
          const { one, many } = await filled(history, all);
          for (const one_ of changes) {
            switch (one_.kind) {
              case 'user':
                one.run('archive_remove_user', [one_.owner]);
                await many.ask('archive_remove_user', one_.owner);
                break;
              case 'replace': {
                const packet = Buffer.from('<message><retracted/></message>');
                const isThere = one.run('archive_replace', [one_.id, packet]);
                expect(await many.ask('archive_replace', one_.id, packet)).toBe(isThere);
                break;
              }
              case 'domain':
                toEnd((cursor) => one.run('archive_remove_domain', [one_.domain, limit, cursor]).cursor);
                await toEndLater((cursor) => many.ask('archive_remove_domain', one_.domain, limit, cursor));
                break;
              case 'before': {
                const time = FIRST + one_.micros;
                toEnd(
                  (cursor) => one.run('archive_remove_before', ['localhost', time, limit, cursor]).cursor,
                );
                await toEndLater((cursor) =>
                  many.ask('archive_remove_before', 'localhost', time, limit, cursor),
                );
                break;
              }
              case 'trim':
                toEnd((cursor) => one.run('archive_trim', ['localhost', one_.keep, limit, cursor]).cursor);
                await toEndLater((cursor) => many.ask('archive_trim', 'localhost', one_.keep, limit, cursor));
            }
          }
          const ids = all.flat().map(({ micros, shard }) => BigInt(micros) * 256n + BigInt(shard));
          for (const owner of USERS) {
            expect(await many.ask('archive_size', owner)).toBe(one.run('archive_size', [owner]));
            expect(await many.ask('archive_range', owner)).toEqual(one.run('archive_range', [owner]));
            expect(await many.ask('archive_get', owner, ids)).toEqual(one.run('archive_get', [owner, ids]));
            for (let after = 0n; ; ) {
              const found = await many.ask('archive_export', owner, after, 7);
              expect(found).toEqual(one.run('archive_export', [owner, after, 7]));
              if (found.length < 7) break;
              after = found.at(-1)!.id;
            }
            for (const to of USERS) {
              const meant = { from: owner, to, by: 'origin_id', id: 'o1' } as const;
              expect(await many.ask('archive_find_retracted', meant)).toEqual(
                one.run('archive_find_retracted', [meant]),
              );
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

function toEnd(step: (cursor: string) => string | null): void {
  for (let cursor: string | null = ''; cursor !== null; ) cursor = step(cursor);
}

async function toEndLater(step: (cursor: string) => Promise<{ cursor: string | null }>): Promise<void> {
  for (let cursor: string | null = ''; cursor !== null; ) cursor = (await step(cursor)).cursor;
}
