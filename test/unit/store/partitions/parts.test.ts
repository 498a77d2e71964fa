import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEPT_MAX } from '../../../../src/limits.ts';
import { KeptWrites } from '../../../../src/store/kept-writes.ts';
import type { ArchiveOperations } from '../../../../src/store/operations.ts';
import { StoreUnavailableError } from '../../../../src/store/operations.ts';
import { KeptStates } from '../../../../src/store/partitions/kept-states.ts';
import { partitionOf } from '../../../../src/store/partitions/pair.ts';
import { PartitionedStore } from '../../../../src/store/partitions/partitioned-store.ts';
import { allWritten, type Part, Parts } from '../../../../src/store/partitions/parts.ts';
import { messageAt } from '../../../../src/store/partitions/positions.ts';
import { archiveRules } from '../../../../src/store/partitions/rules.ts';
import { memoryArchive } from '../../../helpers/memory-archive.ts';
import { MemoryDriver } from '../../../helpers/memory-driver.ts';
import { partitions, partOf, record } from './support.ts';

const FIRST = 1_800_000_000_000_000;

describe('a conversation', () => {
  it('is where it always was: what is in the files relies on it', () => {
    const places = (a: string, b: string) => [2, 3, 4, 16].map((count) => partitionOf(a, b, count));
    expect(places('romeo@localhost', 'juliet@localhost')).toEqual([1, 2, 1, 1]);
    expect(places('nurse@verona.example', 'peter@verona.example')).toEqual([1, 2, 1, 13]);
    expect(places('ῥωμαῖος@example.org', 'example.org')).toEqual([1, 0, 3, 7]);
  });

  it('is in one place, whoever writes', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.integer({ min: 1, max: 16 }), (a, b, count) => {
        const place = partitionOf(a, b, count);
        expect(place).toBe(partitionOf(b, a, count));
        expect(place).toBeLessThan(count);
      }),
    );
  });

  it('has others beside it: they are spread evenly', () => {
    for (const count of [2, 3, 4, 7, 16]) {
      const sizes = new Array<number>(count).fill(0);
      for (let i = 0; i < 100; i++)
        for (let j = i; j < 100; j++)
          sizes[partitionOf(`user${i}@localhost`, `user${j}@localhost`, count)]!++;
      expect(Math.max(...sizes) / Math.min(...sizes)).toBeLessThan(1.4);
    }
  });

  it('may be where it was under another number of partitions', () => {
    const all = Array.from({ length: 4 }, () => partOf(new MemoryDriver()));
    const home = new Parts(all, [1, 4]).homeOf('romeo@localhost', 'juliet@localhost');
    expect(home).toEqual([all[0], all[partitionOf('romeo@localhost', 'juliet@localhost', 4)]]);
    expect(new Parts(all, [4]).homeOf('romeo@localhost', 'juliet@localhost')).toHaveLength(1);
  });
});

describe('operations of archives', () => {
  it('have each a rule, which says where it is done', () => {
    const rules = archiveRules(new Parts([partOf(new MemoryDriver())], [1]));
    const operations = Object.keys(memoryArchive()).filter((name) => !name.startsWith('archive_part_'));
    expect(Object.keys(rules).sort()).toEqual(operations.sort());
    expect(Object.keys(rules)).toContain('archive_append' satisfies keyof ArchiveOperations);
  });

  it('leave everything else to the first partition', async () => {
    const { drivers, ask } = partitions([3]);
    await ask('account_insert', 'localhost', 'juliet', '{}', 1);
    expect(drivers.map((driver) => driver.run('account_count', ['localhost']))).toEqual([1, 0, 0]);
    const prefs = { defaultMode: 'never', always: [], never: [] } as const;
    await ask('archive_set_prefs', 'juliet@localhost', prefs);
    expect(drivers.map((driver) => driver.run('archive_get_prefs', ['juliet@localhost']))).toEqual([
      prefs,
      null,
      null,
    ]);
  });

  it('tell of one that did not do its part: done in part is not done, and not undone', async () => {
    const fails = (failure: 'undone' | 'fault') => Promise.reject(new StoreUnavailableError('no', failure));
    await expect(allWritten([fails('undone'), fails('undone')])).rejects.toMatchObject({ failure: 'undone' });
    await expect(allWritten([fails('fault'), fails('fault')])).rejects.toMatchObject({ failure: 'fault' });
    await expect(allWritten([fails('undone'), fails('fault')])).rejects.toMatchObject({ failure: 'unsure' });
    await expect(allWritten([Promise.resolve(1), fails('undone')])).rejects.toMatchObject({
      failure: 'unsure',
    });
    expect(await allWritten([Promise.resolve(1), Promise.resolve(2)])).toEqual([1, 2]);
  });
});

describe('the message at a position', () => {
  it('is found in few rounds, however many there are', async () => {
    const place = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 3, max: 20 }), async (places, marks) => {
        const drivers = [new MemoryDriver(), new MemoryDriver(), new MemoryDriver()];
        for (const [n, at] of places.entries())
          drivers[at]!.run('archive_append', [[record(FIRST + n, 'romeo@localhost', 'juliet@localhost')]]);
        const parts = drivers.map(partOf);
        const filter = { owner: 'juliet@localhost', includeGroupchat: true };
        for (const position of [0, 1, places.length >> 1, places.length - 2, places.length - 1]) {
          if (position < 0 || position >= places.length) continue;
          expect(await messageAt(parts, filter, position, marks)).toBe(BigInt(FIRST + position) * 256n);
        }
        expect(await messageAt(parts, filter, places.length, marks)).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });
});

describe('limits of archives', () => {
  it('count what all partitions have, for more users than one step looks at', async () => {
    const { drivers, ask } = partitions([3]);
    const records = [];
    // Some of these names are in another order by code units than by bytes.
    const name = (n: number): string => `${['a', '\u{1F600}', '￮'][n % 3]}${n}@localhost`;
    for (let n = 0; n < 560; n++)
      for (let m = 0; m < 3; m++)
        records.push(record(FIRST + n * 10 + m, name(n), `peer${m}@verona.example`, { sides: 1 }));
    await ask('archive_append', records);
    let removed = 0;
    let steps = 0;
    for (let cursor: string | null = ''; cursor !== null; steps++) {
      const sweep: { removed: number; cursor: string | null } = await ask(
        'archive_trim',
        'localhost',
        2,
        150,
        cursor,
      );
      removed += sweep.removed;
      cursor = sweep.cursor;
    }
    expect(removed).toBe(560);
    expect(steps).toBeGreaterThan(3);
    for (let n = 0; n < 560; n += 50) {
      const left = await ask('archive_export', name(n), 0n, 10);
      expect(left.map(({ id }) => id)).toEqual([1, 2].map((m) => BigInt(FIRST + n * 10 + m) * 256n));
    }
    expect(drivers.every((driver) => driver.run('archive_size', ['peer0@verona.example']) === 0)).toBe(true);
  });
});

describe('messages that must not be lost', () => {
  /** A partition whose writes are done, or fail, when the test says so. */
  function keeping() {
    const asked: PromiseWithResolvers<readonly unknown[]>[] = [];
    const kept = new KeptWrites(
      () => {
        const one = Promise.withResolvers<readonly unknown[]>();
        asked.push(one);
        return one.promise;
      },
      () => performance.now(),
      [0, 1],
    );
    const part: Part = {
      isBusy: false,
      kept,
      keptFor: () => kept,
      request: () => Promise.reject(new Error('not asked for')),
      write: (operation, args, one) => kept.add([operation, args], one) as never,
    };
    return { part, kept, asked };
  }

  const both = [
    record(FIRST, 'romeo@localhost', 'juliet@localhost'),
    record(FIRST + 1, 'romeo@localhost', otherPeer()),
  ];

  /** Somebody whose conversation with Romeo is in the other one of two partitions. */
  function otherPeer(): string {
    const place = partitionOf('romeo@localhost', 'juliet@localhost', 2);
    for (let n = 0; ; n++) {
      const peer = `user${n}@localhost`;
      if (partitionOf('romeo@localhost', peer, 2) !== place) return peer;
    }
  }

  it('are kept where they belong, and done when each of these has done them', async () => {
    const [a, b] = [keeping(), keeping()];
    const store = new PartitionedStore([a.part, b.part], [2]);
    const done = store.write('archive_append', [both], { bytes: 1_000 });
    a.kept.flush();
    b.kept.flush();
    expect([a.asked.length, b.asked.length]).toEqual([1, 1]);
    expect(a.kept.bytes + b.kept.bytes).toBeLessThanOrEqual(1_002);
    let isDone = false;
    void done!.then(() => {
      isDone = true;
    });
    a.asked[0]!.resolve([null]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isDone).toBe(false);
    b.asked[0]!.resolve([null]);
    expect(await done).toBeNull();
  });

  it('are told of once that they take long, whichever partition it is', async () => {
    const [a, b] = [keeping(), keeping()];
    const store = new PartitionedStore([a.part, b.part], [2]);
    let delayed = 0;
    void store.write('archive_append', [both], { bytes: 10, delayed: () => delayed++ });
    for (const one of [a, b]) {
      one.kept.flush();
      one.asked[0]!.reject(new StoreUnavailableError('full', 'undone'));
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(delayed).toBe(1);
    for (const one of [a, b]) one.kept.stop();
  });

  it('are taken by none if one of them has no room', () => {
    const [a, b] = [keeping(), keeping()];
    const store = new PartitionedStore([a.part, b.part], [2]);
    for (let n = 0; n < KEPT_MAX; n++) b.kept.add(['ping', []], { bytes: 0 });
    expect(store.write('archive_append', [both], { bytes: 10 })).toBeUndefined();
    expect([a.kept.count, a.kept.refused, b.kept.refused]).toEqual([0, 0, 1]);
    expect(store.write('archive_remove_user', ['romeo@localhost'], { bytes: 10 })).toBeUndefined();
    expect(a.kept.count).toBe(0);
  });

  it('may change something in all partitions, or in the first', async () => {
    const { drivers, store } = partitions([2]);
    await store.request('archive_append', both);
    const packet = Buffer.from('<message/>');
    const id = BigInt(both[1]!.micros) * 256n;
    expect(await store.write('archive_replace', [id, packet], { bytes: 1 })).toBe(true);
    expect(await store.write('archive_replace', [1n, packet], { bytes: 1 })).toBe(false);
    expect(await store.write('archive_remove_user', ['romeo@localhost'], { bytes: 1 })).toBeNull();
    expect(await store.request('archive_size', 'romeo@localhost')).toBe(0);
    expect(await store.write('account_insert', ['localhost', 'a', '{}', 1], { bytes: 1 })).toBe('ok');
    expect(drivers.map((driver) => driver.run('account_count', ['localhost']))).toEqual([1, 0]);
    await expect(store.write('archive_trim', ['localhost', 1, 1, ''], { bytes: 1 })).rejects.toMatchObject({
      failure: 'fault',
    });
  });
});

describe('what is kept for several partitions', () => {
  it('is behind while one of them is, and work waits for all', async () => {
    const fails = new Set([1]);
    const all = [0, 1].map((at) => {
      return new KeptWrites(
        (_batch, writes) =>
          fails.has(at)
            ? Promise.reject(new StoreUnavailableError('full', 'undone'))
            : Promise.resolve(writes.map(() => null)),
        () => performance.now(),
        [0, 1],
      );
    });
    const kept = new KeptStates(all);
    const heard: boolean[] = [];
    const end = kept.onBehind((isBehind) => heard.push(isBehind));
    expect([kept.isBehind, kept.isFull, kept.isBusy, kept.settled()]).toEqual([
      false,
      false,
      false,
      undefined,
    ]);
    const done = all.map((one) => one.add(['ping', []], { bytes: 5 }));
    expect([kept.count, kept.bytes]).toEqual([2, 10]);
    kept.flush(true);
    await done[0];
    await new Promise((resolve) => setImmediate(resolve));
    expect([kept.isBehind, kept.count]).toEqual([true, 1]);
    const wasBehind: boolean[] = [];
    const worked = kept.run(async () => wasBehind.push(kept.isBehind));
    await new Promise((resolve) => setImmediate(resolve));
    expect(wasBehind).toEqual([]);
    fails.clear();
    all[1]!.retryNow();
    await worked;
    expect(wasBehind).toEqual([false]);
    expect(heard).toEqual([true, false]);
    expect([kept.isBehind, kept.count]).toEqual([false, 0]);
    end();
    kept.noteRefused();
    expect(all[0]!.refused).toBe(1);
    for (const one of all) one.stop();
  });
});
