import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  ArchivedPage,
  ArchivePageQuery,
  ArchiveRecord,
  StoreDriver,
} from '../../../src/store/operations.ts';
import { SqliteDriver } from '../../../src/store/sqlite/driver.ts';
import { MemoryDriver } from '../../helpers/memory-driver.ts';

/** Pages of random archives, compared with a list that is searched from end to end (`test/helpers/memory-archive.ts`). */

const USERS = ['romeo@localhost', 'juliet@localhost', 'nurse@verona.example', 'room@muc.localhost'];
const RESOURCES = ['', '/a', '/b'];
const WORDS = ['sun', 'moon', 'light'];
const FIRST = 1_800_000_000_000_000;

const jid = fc.tuple(fc.constantFrom(...USERS), fc.constantFrom(...RESOURCES)).map((parts) => parts.join(''));
const words = fc.subarray(WORDS);

const record: fc.Arbitrary<ArchiveRecord> = fc.record({
  // Few moments, so that some messages come twice, and some at the same time from two shards.
  micros: fc.integer({ min: 0, max: 120 }).map((n) => FIRST + n),
  shard: fc.constantFrom(0, 1, 255),
  sides: fc.constantFrom(1, 2, 3),
  from: jid,
  to: jid,
  packet: words.map((some) => Buffer.from(`<message><body>${some.join(' ')}</body></message>`)),
  originId: fc.constant(null),
  isGroupchat: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  isSearchable: fc.boolean(),
});

/** What is done between two appends, for it to make no difference. */
const meanwhile = fc.constantFrom('nothing', 'work', 'read');

/** The same id always means the same conversation: ids are unique in a server. */
function sameConversation(records: ArchiveRecord[]): ArchiveRecord[] {
  const seen = new Map<string, ArchiveRecord>();
  return records.map((one) => {
    const known = seen.get(`${one.micros} ${one.shard}`);
    if (known === undefined) seen.set(`${one.micros} ${one.shard}`, one);
    return known === undefined ? one : { ...known, sides: one.sides };
  });
}

const anyId = fc
  .tuple(fc.integer({ min: -2, max: 122 }), fc.constantFrom(0, 1, 2, 255))
  .map(([n, shard]) => BigInt(FIRST + n) * 256n + BigInt(shard));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });

const filter = fc.record({
  owner: fc.constantFrom(...USERS, 'stranger@localhost'),
  fromId: maybe(anyId),
  toId: maybe(anyId),
  start: maybe(fc.integer({ min: FIRST - 2, max: FIRST + 122 })),
  end: maybe(fc.integer({ min: FIRST - 2, max: FIRST + 122 })),
  with: maybe(
    fc.record({
      bare: fc.constantFrom(...USERS, 'stranger@localhost'),
      resource: maybe(fc.constantFrom('a', 'b', 'c')),
    }),
  ),
  words: maybe(words),
  includeGroupchat: fc.boolean(),
});

const archive = fc.array(fc.tuple(fc.array(record, { minLength: 1, maxLength: 40 }), meanwhile), {
  maxLength: 4,
});

class Both {
  readonly directory = mkdtempSync(join(tmpdir(), 'mk-'));
  readonly sqlite = new SqliteDriver(this.directory, 'normal');
  readonly model = new MemoryDriver();

  fill(batches: readonly (readonly [ArchiveRecord[], string])[]): void {
    const all = sameConversation(batches.flatMap(([records]) => records));
    let at = 0;
    for (const [{ length }, between] of batches) {
      const records = all.slice(at, at + length);
      at += length;
      this.sqlite.begin();
      for (const driver of [this.sqlite, this.model]) driver.run('archive_append', [records]);
      this.sqlite.commit();
      if (between === 'work') while (this.sqlite.hasWork) this.sqlite.work();
      if (between === 'read') this.sqlite.run('archive_size', [USERS[0]!]);
    }
  }

  close(): void {
    this.sqlite.close();
    rmSync(this.directory, { recursive: true });
  }
}

function withBoth(test: (both: Both) => void): void {
  const both = new Both();
  try {
    test(both);
  } finally {
    both.close();
  }
}

const page = (driver: StoreDriver, query: ArchivePageQuery): ArchivedPage =>
  driver.run('archive_page', [query]);

/** Pages one after another, in one direction, to the end. */
function walk(driver: StoreDriver, query: ArchivePageQuery): bigint[] {
  const seen: bigint[] = [];
  let next: Partial<ArchivePageQuery> = {};
  for (;;) {
    const { messages, hasMore, offset, total } = page(driver, { ...query, ...next });
    const ids = messages.map((message) => message.id);
    if (query.isBackward) {
      if (offset !== null) expect(offset).toBe(total! - seen.length - ids.length);
      seen.unshift(...ids);
      next = { pageBefore: ids[0] };
    } else {
      if (offset !== null) expect(offset).toBe(seen.length);
      seen.push(...ids);
      next = { pageAfter: ids.at(-1) };
    }
    if (!hasMore) return seen;
    expect(ids.length).toBe(query.limit);
  }
}

describe('pages of an archive', () => {
  it('are those of a list', () => {
    const query = fc.tuple(
      filter,
      fc.record({
        pageAfter: maybe(anyId),
        pageBefore: maybe(anyId),
        afterId: maybe(anyId),
        beforeId: maybe(anyId),
        index: maybe(fc.integer({ min: 0, max: 30 })),
        isBackward: fc.boolean(),
        limit: fc.integer({ min: 0, max: 20 }),
        isCounted: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(archive, fc.array(query, { minLength: 1, maxLength: 40 }), (batches, queries) =>
        withBoth((both) => {
          both.fill(batches);
          for (const [meant, place] of queries) {
            const asked = { ...meant, ...place };
            expect(page(both.sqlite, asked)).toEqual(page(both.model, asked));
          }
        }),
      ),
      { numRuns: 25 },
    );
  });

  it('cover everything that is meant once and in order, forwards and backwards', () => {
    const walks = fc.array(fc.tuple(filter, fc.integer({ min: 1, max: 12 }), fc.boolean()), {
      minLength: 1,
      maxLength: 10,
    });
    fc.assert(
      fc.property(archive, walks, (batches, wanted) =>
        withBoth((both) => {
          both.fill(batches);
          for (const [meant, limit, isCounted] of wanted) {
            const query = { ...meant, limit, isCounted, isBackward: false };
            const whole = page(both.model, { ...query, limit: 10_000 }).messages.map(({ id }) => id);
            expect(walk(both.sqlite, query)).toEqual(whole);
            expect(walk(both.sqlite, { ...query, isBackward: true })).toEqual(whole);
          }
        }),
      ),
      { numRuns: 25 },
    );
  });

  it('are right after anything that takes messages away', () => {
    const change = fc.oneof(
      fc.record({ kind: fc.constant('user' as const), owner: fc.constantFrom(...USERS) }),
      fc.record({
        kind: fc.constant('domain' as const),
        domain: fc.constantFrom('localhost', 'verona.example'),
      }),
      fc.record({ kind: fc.constant('before' as const), micros: fc.integer({ min: 0, max: 120 }) }),
      fc.record({ kind: fc.constant('trim' as const), keep: fc.integer({ min: 0, max: 20 }) }),
      fc.record({ kind: fc.constant('replace' as const), id: anyId }),
    );
    fc.assert(
      fc.property(
        archive,
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.array(filter, { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 1, max: 50 }),
        (batches, changes, filters, limit) =>
          withBoth((both) => {
            both.fill(batches);
            for (const driver of [both.sqlite, both.model])
              for (const one of changes) apply(driver, one, limit);
            while (both.sqlite.hasWork) both.sqlite.work();
            for (const meant of filters) {
              const query = { ...meant, limit: 10_000, isCounted: true, isBackward: false };
              expect(page(both.sqlite, query)).toEqual(page(both.model, query));
            }
          }),
      ),
      { numRuns: 25 },
    );
  });
});

type Change =
  | { readonly kind: 'user'; readonly owner: string }
  | { readonly kind: 'domain'; readonly domain: string }
  | { readonly kind: 'before'; readonly micros: number }
  | { readonly kind: 'trim'; readonly keep: number }
  | { readonly kind: 'replace'; readonly id: bigint };

function apply(driver: StoreDriver, change: Change, limit: number): void {
  switch (change.kind) {
    case 'user':
      driver.run('archive_remove_user', [change.owner]);
      return;
    case 'replace':
      driver.run('archive_replace', [change.id, Buffer.from('<message><retracted/></message>')]);
      return;
    case 'domain':
      toEnd((cursor) => driver.run('archive_remove_domain', [change.domain, limit, cursor]).cursor);
      return;
    case 'before':
      toEnd(
        (cursor) =>
          driver.run('archive_remove_before', ['localhost', FIRST + change.micros, limit, cursor]).cursor,
      );
      return;
    case 'trim':
      toEnd((cursor) => driver.run('archive_trim', ['localhost', change.keep, limit, cursor]).cursor);
      return;
  }
}

function toEnd(step: (cursor: string) => string | null): void {
  for (let cursor: string | null = ''; cursor !== null; ) cursor = step(cursor);
}
