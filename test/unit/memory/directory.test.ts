import { describe, expect, it } from 'vitest';
import {
  createDirectory,
  DIRECTORY_SESSIONS_MAX,
  DIRECTORY_SHARDS_MAX,
  DIRECTORY_TEXT_BYTES,
  NO_PRIORITY,
  SessionDirectory,
  SessionList,
} from '../../../src/memory/directory.ts';
import { dieBeforeStep } from '../../helpers/threads/dying.ts';

/** Hashes of made-up sessions: `user` decides the bare JID, `resource` the rest. */
function insert(
  directory: SessionDirectory,
  shard: number,
  user: number,
  resource: number,
  { number = resource, time = resource, jid = `u${user}@x/${resource}` } = {},
): number {
  return directory.insert(user, user * 7, user * 1_000 + resource, resource, shard, number, time, jid);
}

function findFull(directory: SessionDirectory, user: number, resource: number): number | undefined {
  return directory.findFull(user, user * 7, user * 1_000 + resource, resource) ? directory.number : undefined;
}

function findBare(directory: SessionDirectory, user: number): number[] {
  const list = new SessionList();
  directory.findBare(user, user * 7, list);
  return list.number.slice(0, list.length).sort((a, b) => a - b);
}

/** A directory as two shards and the main thread see it. */
function shared(sessionsMax: number): { a: SessionDirectory; b: SessionDirectory; main: SessionDirectory } {
  const memory = createDirectory(sessionsMax);
  const view = () => new SessionDirectory(memory, sessionsMax);
  return { a: view(), b: view(), main: view() };
}

describe('the session directory', () => {
  it('tells at once that no session of an account has flags', () => {
    const { a, b } = shared(100);
    const handle = insert(a, 3, 1, 5);
    const list = new SessionList();
    expect(b.mayHaveFlags(7)).toBe(false);
    a.setFlags(handle, 2);
    a.setFlags(handle, 3);
    expect(b.mayHaveFlags(7)).toBe(true);
    b.findBare(1, 7, list);
    expect(list.flags[0]).toBe(3);
    a.setFlags(handle, 0);
    expect(b.mayHaveFlags(7)).toBe(false);
    a.setFlags(handle, 1);
    const other = insert(a, 3, 1, 6);
    a.setFlags(other, 1);
    a.remove(handle);
    expect(b.mayHaveFlags(7)).toBe(true);
    b.removeShard(3);
    expect(b.mayHaveFlags(7)).toBe(false);
    // The next one in the same place begins without.
    insert(a, 3, 1, 7);
    b.findBare(1, 7, list);
    expect(list.flags.slice(0, list.length)).toEqual([0]);
  });

  it('tells every thread of a session', () => {
    const { a, b } = shared(100);
    const handle = insert(a, 3, 1, 5, { number: 77, time: 1_800_000_000_123_456 });
    expect(b.findFull(1, 7, 1_005, 5)).toBe(true);
    expect([b.shard, b.number, b.priority]).toEqual([3, 77, NO_PRIORITY]);
    a.setPriority(handle, -5);
    const list = new SessionList();
    const handles: number[] = [];
    expect(b.findBare(1, 7, list, handles)).toBe(1);
    expect([list.shard[0], list.number[0], list.priority[0], list.time[0]]).toEqual([
      3, 77, -5, 1_800_000_000_123_456,
    ]);
    expect([list.fullLow[0], list.fullHigh[0]]).toEqual([1_005, 5]);
    expect(handles).toEqual([handle]);
    expect(b.textOf(handle)).toBe('u1@x/5');
    expect(b.count()).toBe(1);
    a.remove(handle);
    expect(findFull(b, 1, 5)).toBeUndefined();
    expect(findBare(b, 1)).toEqual([]);
    expect(b.textOf(handle)).toBeUndefined();
    expect(b.count()).toBe(0);
  });

  it('takes hashes of any sign', () => {
    const { a, b } = shared(100);
    a.insert(-1, -2, -3, -4, 0, 9, 1, 'x');
    a.insert(2 ** 31 - 1, -(2 ** 31), 0, 0, 0, 10, 1, 'y');
    expect(b.findFull(-1, -2, -3, -4)).toBe(true);
    expect(b.findFull(2 ** 31 - 1, -(2 ** 31), 0, 0)).toBe(true);
    expect(b.findFull(-1, -2, -3, -5)).toBe(false);
  });

  it('finds all sessions of an account, on all shards, and the newest of one resource', () => {
    const { a, b, main } = shared(100);
    insert(a, 0, 1, 1);
    insert(b, 1, 1, 2);
    insert(b, 1, 2, 3);
    insert(a, 0, 1, 4, { number: 40, time: 100 });
    insert(b, 1, 1, 4, { number: 41, time: 300 });
    insert(a, 0, 1, 4, { number: 42, time: 200 });
    expect(findBare(main, 1)).toEqual([1, 2, 40, 41, 42]);
    expect(findFull(main, 1, 4)).toBe(41);
  });

  it('keeps texts up to its limit, in bytes', () => {
    const { a } = shared(100);
    const fits = `${'ü'.repeat(DIRECTORY_TEXT_BYTES / 2 - 2)}@x/1`.slice(0, DIRECTORY_TEXT_BYTES / 2);
    expect(Buffer.byteLength(fits)).toBeLessThanOrEqual(DIRECTORY_TEXT_BYTES);
    const exact = fits + 'x'.repeat(DIRECTORY_TEXT_BYTES - Buffer.byteLength(fits));
    expect(a.textOf(insert(a, 0, 1, 1, { jid: exact }))).toBe(exact);
    expect(a.textOf(insert(a, 0, 1, 2, { jid: `${exact}x` }))).toBeUndefined();
    expect(findBare(a, 1)).toEqual([1, 2]);
  });

  it('goes to later buckets when one is full, and comes back when they empty', () => {
    // 64 sessions: 16 buckets of 15. All of these belong into one.
    const { a, b } = shared(64);
    const handles = Array.from({ length: 64 }, (_unused, i) => a.insert(5, i, i, i, 0, i, i, `${i}`));
    expect(handles.every((handle) => handle > 0)).toBe(true);
    for (let i = 0; i < 64; i++) expect(b.findFull(5, i, i, i) && b.number).toBe(i);
    expect(b.findFull(5, 64, 64, 64)).toBe(false);
    // First those in the home bucket go: the others must still be found behind it.
    for (let i = 0; i < 64; i++) {
      a.remove(handles[i]!);
      for (let j = 0; j < 64; j++) expect(b.findFull(5, j, j, j)).toBe(j > i);
    }
    expect(a.insert(5, 1, 1, 1, 0, 1, 1, 'again')).toBeGreaterThan(0);
    expect(b.findFull(5, 1, 1, 1)).toBe(true);
  });

  it('wraps around at its last bucket', () => {
    const { a, b } = shared(64);
    const handles = Array.from({ length: 40 }, (_unused, i) => a.insert(-1, i, i, i, 0, i, i, `${i}`));
    for (let i = 0; i < 40; i++) expect(b.findFull(-1, i, i, i)).toBe(true);
    for (const handle of handles) a.remove(handle);
    for (let i = 0; i < 40; i++) expect(b.findFull(-1, i, i, i)).toBe(false);
  });

  it('refuses sessions over its limit, on all shards together, and takes them again when others have gone', () => {
    const { a, b } = shared(64);
    const handles: number[] = [];
    for (let i = 0; i < 64; i++) handles.push(insert(i % 2 === 0 ? a : b, i % 2, i, i));
    expect(handles.every((handle) => handle > 0)).toBe(true);
    expect(insert(a, 0, 99, 99)).toBe(-1);
    expect(insert(b, 1, 99, 99)).toBe(-1);
    expect(findFull(a, 99, 99)).toBeUndefined();
    expect(a.count()).toBe(64);
    b.remove(handles[1]!);
    expect(insert(a, 0, 99, 99)).toBeGreaterThan(0);
  });

  it('lets one shard have what another has given up, again and again', () => {
    const { a, b } = shared(2_000);
    for (let round = 0; round < 6; round++) {
      const [directory, shard] = round % 2 === 0 ? ([a, 0] as const) : ([b, 1] as const);
      const handles = Array.from({ length: 2_000 }, (_unused, i) => insert(directory, shard, i, i));
      expect(handles.every((handle) => handle > 0)).toBe(true);
      expect(insert(directory, shard, 5_000, 1)).toBe(-1);
      for (const handle of handles) directory.remove(handle);
    }
    expect(a.count()).toBe(0);
  });

  it('is full rather than broken when shards keep chunks with one session each', () => {
    const { a, b } = shared(1_024);
    // Every chunk of the first shard keeps one session.
    const handles = Array.from({ length: 1_024 }, (_unused, i) => insert(a, 0, i, i));
    for (const [i, handle] of handles.entries()) if (i % 256 !== 0) a.remove(handle);
    const more = Array.from({ length: 1_020 }, (_unused, i) => insert(b, 1, 10_000 + i, i));
    expect(more.every((handle) => handle > 0)).toBe(true);
    expect(insert(b, 1, 50_000, 1)).toBe(-1);
  });

  it('does not take a session that was removed twice for another one', () => {
    const { a } = shared(64);
    const handle = insert(a, 0, 1, 1);
    a.remove(handle);
    expect(() => a.remove(handle)).toThrow(RangeError);
  });

  it('has room for as many sessions as a configuration may ask for', () => {
    expect(() => createDirectory(DIRECTORY_SESSIONS_MAX + 1)).toThrow(RangeError);
    expect(() => createDirectory(0)).toThrow(RangeError);
    const { a, b } = shared(DIRECTORY_SESSIONS_MAX);
    const handle = insert(a, DIRECTORY_SHARDS_MAX - 1, 1, 1);
    expect(findFull(b, 1, 1)).toBe(1);
    expect(b.shard).toBe(DIRECTORY_SHARDS_MAX - 1);
    a.remove(handle);
    expect(findFull(b, 1, 1)).toBeUndefined();
  });
});

describe('after a shard has died', () => {
  it('its sessions are gone and told, and the others are still there', () => {
    const { a, b, main } = shared(1_000);
    const mine: string[] = [];
    for (let i = 0; i < 300; i++) {
      insert(a, 0, i, 1, { number: i, time: 1_000 + i });
      insert(b, 1, i, 2);
      mine.push(`u${i}@x/1`);
    }
    const removed = main.removeShard(0);
    expect(removed.map(({ jid }) => jid).sort()).toEqual(mine.sort());
    expect(removed.find(({ jid }) => jid === 'u7@x/1')).toMatchObject({ number: 7, time: 1_007 });
    for (let i = 0; i < 300; i++) expect(findBare(main, i)).toEqual([2]);
    expect(main.count()).toBe(300);
    expect(main.removeShard(0)).toEqual([]);
  });

  it('tells the handle of a session whose JID is too long', () => {
    const { a, main } = shared(64);
    const handle = insert(a, 0, 1, 1, { jid: 'x'.repeat(500) });
    expect(main.removeShard(0)).toEqual([{ handle, jid: undefined, number: 1, time: 1 }]);
  });

  it('its successor goes on with its chunks', () => {
    const { a, b, main } = shared(512);
    for (let i = 0; i < 512; i++) insert(a, 0, i, i);
    main.removeShard(0);
    b.adopt(0);
    const again = Array.from({ length: 512 }, (_unused, i) => insert(b, 0, i, i));
    expect(again.every((handle) => handle > 0)).toBe(true);
    expect(findBare(main, 3)).toEqual([3]);
  });

  // 30 sessions of one bucket in a directory with 16 of them: entries in home and later buckets.
  function crowded(): ReturnType<typeof shared> & { handles: number[] } {
    const directories = shared(64);
    const handles = Array.from({ length: 20 }, (_unused, i) =>
      (i % 2 === 0 ? directories.a : directories.b).insert(5, i, i, i, i % 2, i, i, `${i}`),
    );
    return { ...directories, handles };
  }

  /** What must hold after shard 0 has died and was cleaned up after, wherever it stood. */
  function checkCleaned(main: SessionDirectory, b: SessionDirectory): void {
    for (let i = 0; i < 20; i++) expect(main.findFull(5, i, i, i), `session ${i}`).toBe(i % 2 === 1);
    expect(main.count()).toBe(10);
    b.adopt(0);
    const list = new SessionList();
    for (let i = 0; i < 50; i++) {
      expect(b.insert(5, 100, i, i, 0, i, i, `new ${i}`)).toBeGreaterThan(0);
      // No slot of the dead points to an entry that was used again.
      expect(main.findBare(5, 100, list)).toBe(i + 1);
    }
    expect(main.count()).toBe(60);
    expect(main.removeShard(0)).toHaveLength(50);
    for (let i = 1; i < 20; i += 2) expect(main.findFull(5, i, i, i)).toBe(true);
  }

  it('is clean wherever it died in entering a session', () => {
    let step = 0;
    for (; ; step++) {
      const { a, b, main } = crowded();
      const isKilled = dieBeforeStep(step, () => a.insert(5, 77, 77, 77, 0, 77, 77, 'dying'));
      if (!isKilled) break;
      const removed = main.removeShard(0).map(({ jid }) => jid);
      expect(removed.filter((jid) => jid !== 'dying')).toHaveLength(10);
      expect(main.findFull(5, 77, 77, 77)).toBe(false);
      checkCleaned(main, b);
    }
    expect(step).toBeGreaterThan(20);
  });

  it.each([0, 18])('is clean wherever it died in removing session %i', (victim) => {
    let step = 0;
    for (; ; step++) {
      const { a, b, main, handles } = crowded();
      if (!dieBeforeStep(step, () => a.remove(handles[victim]!))) break;
      expect(main.removeShard(0).length).toBeGreaterThanOrEqual(9);
      checkCleaned(main, b);
    }
    expect(step).toBeGreaterThan(8);
  });

  it('is clean wherever it died in giving up or taking a chunk', () => {
    for (let step = 0; ; step++) {
      const { a, b, main } = shared(1_024);
      const handles = Array.from({ length: 512 }, (_unused, i) => insert(a, 0, i, i));
      for (const handle of handles.slice(1, 256)) a.remove(handle);
      const isKilled = dieBeforeStep(step, () => {
        // The second chunk empties and is given up; then more sessions need it again.
        for (const handle of handles.slice(256)) a.remove(handle);
        for (let i = 0; i < 300; i++) insert(a, 0, i, 1);
      });
      if (!isKilled) break;
      // A step in a hundred will do: most of them are alike.
      step += 96;
      main.removeShard(0);
      expect(main.count()).toBe(0);
      for (let i = 0; i < 1_024; i++) expect(insert(b, 1, i, i)).toBeGreaterThan(0);
      expect(insert(b, 1, 5_000, 1)).toBe(-1);
    }
  });
});

describe('replacing the entry of another shard', () => {
  function two(): [SessionDirectory, SessionDirectory] {
    const memory = createDirectory(1_000);
    return [new SessionDirectory(memory, 1_000), new SessionDirectory(memory, 1_000)];
  }

  it('is one step for those who look, and the old shard frees its own', () => {
    const [old, next] = two();
    const list = new SessionList();
    const first = old.insert(1, 2, 3, 4, 0, 10, 100, 'a@b/c');
    const other = old.insert(1, 2, 5, 6, 0, 11, 100, 'a@b/d');
    old.setPriority(first, 7);
    old.setFlags(first, 1);
    const handle = next.replace(first, 1, 2, 3, 4, 1, 20, 100, 'a@b/c', 7, 1);
    expect(next.findBare(1, 2, list)).toBe(2);
    expect(list.flags.slice(0, 2).toSorted()).toEqual([0, 1]);
    expect(next.findFull(1, 2, 3, 4)).toBe(true);
    expect([next.shard, next.number, next.priority]).toEqual([1, 20, 7]);
    expect([old.isEntered(first), old.isEntered(other), next.isEntered(handle)]).toEqual([false, true, true]);
    old.remove(first);
    expect(old.count()).toBe(2);
    expect(old.findFull(1, 2, 3, 4)).toBe(true);
    expect(old.mayHaveFlags(2)).toBe(true);
    next.remove(handle);
    expect(old.findFull(1, 2, 3, 4)).toBe(false);
    expect(old.findBare(1, 2, list)).toBe(1);
    old.remove(other);
    expect(old.count()).toBe(0);
  });

  it('carries the flags, and counts each session with flags once', () => {
    for (const isOldDead of [false, true]) {
      const [old, next] = two();
      const list = new SessionList();
      const first = old.insert(1, 2, 3, 4, 0, 10, 100, 'a@b/c');
      old.setFlags(first, 5);
      const handle = next.replace(first, 1, 2, 3, 4, 1, 20, 100, 'a@b/c', 7, 5);
      next.findBare(1, 2, list);
      expect(list.flags.slice(0, list.length)).toEqual([5]);
      if (isOldDead) next.removeShard(0);
      else old.remove(first);
      expect(old.mayHaveFlags(2)).toBe(true);
      next.setFlags(handle, 0);
      expect(old.mayHaveFlags(2)).toBe(false);
    }
  });

  it('enters the session anew when the old shard has died meanwhile, and leaves it when that dies later', () => {
    for (const isDead of [true, false]) {
      const [old, next] = two();
      const first = old.insert(1, 2, 3, 4, 0, 10, 100, 'a@b/c');
      if (isDead) expect(next.removeShard(0).map(({ number }) => number)).toEqual([10]);
      const handle = next.replace(first, 1, 2, 3, 4, 1, 20, 100, 'a@b/c', 0, 0);
      if (!isDead) next.removeShard(0);
      expect(next.findFull(1, 2, 3, 4)).toBe(true);
      expect(next.number).toBe(20);
      next.remove(handle);
      expect(next.findFull(1, 2, 3, 4)).toBe(false);
    }
  });
});
