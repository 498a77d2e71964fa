import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Accumulator } from '../../../src/hooks/accumulator.ts';
import { REROUTES_MAX } from '../../../src/limits.ts';
import { Reroutes } from '../../../src/sm/reroutes.ts';
import { Jid } from '../../../src/xmpp/jid.ts';

const ROMEO = new Jid('romeo', 'localhost', 'orchard');
const NURSE = new Jid('nurse', 'localhost', 'house');
const JULIET = new Jid('juliet', 'localhost', '');

function acc(timestamp: number, from = ROMEO): Accumulator {
  return new Accumulator(0, timestamp, 0, undefined, 'localhost', undefined, from, JULIET);
}

async function turns(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
}

/** Stanzas whose work begins when it is their turn, and ends when told to. */
function setUp() {
  const reroutes = new Reroutes();
  const begun: number[] = [];
  const ends = new Map<number, () => void>();
  const run = (timestamp: number, from = ROMEO): void => {
    void reroutes.run(acc(timestamp, from), () => {
      begun.push(timestamp);
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.set(timestamp, resolve);
      return promise;
    });
  };
  const end = async (timestamp: number): Promise<void> => {
    ends.get(timestamp)!();
    await turns();
  };
  return { reroutes, begun, run, end };
}

async function isSettled(wait: Promise<void> | undefined): Promise<boolean> {
  let isDone = wait === undefined;
  void wait?.then(() => {
    isDone = true;
  });
  await turns();
  return isDone;
}

describe('stanzas that are routed again', () => {
  it('wait for nobody when what they do is done at once', () => {
    const reroutes = new Reroutes();
    expect(reroutes.run(acc(1), () => undefined)).toBeUndefined();
    expect(reroutes.isIdle).toBe(true);
  });

  it('have their turn one by one, in the order they were sent', async () => {
    const { begun, run, end, reroutes } = setUp();
    run(1);
    run(3);
    run(2);
    run(4);
    for (const timestamp of [1, 2, 3, 4]) {
      expect(begun.at(-1)).toBe(timestamp);
      await end(timestamp);
    }
    expect(begun).toEqual([1, 2, 3, 4]);
    expect(reroutes.isIdle).toBe(true);
  });

  it('do not wait for those of other senders', () => {
    const { begun, run } = setUp();
    run(1);
    run(2, NURSE);
    expect(begun).toEqual([1, 2]);
  });

  it('let an earlier one, which comes again, go first', async () => {
    const { begun, run, end, reroutes } = setUp();
    run(5);
    run(6);
    run(4);
    expect(begun).toEqual([5, 4]);
    // The one that had begun goes on when the earlier one is done with; the later ones wait for both.
    let wentOn = false;
    void reroutes.goOn(acc(5), () => {
      wentOn = true;
      return undefined;
    });
    await turns();
    expect(wentOn).toBe(false);
    await end(4);
    expect(wentOn).toBe(true);
    expect(begun).toEqual([5, 4]);
    await end(5);
    expect(begun).toEqual([5, 4, 6]);
    await end(6);
    expect(reroutes.isIdle).toBe(true);
  });

  it('do not begin while an earlier one that has begun still waits', async () => {
    const { begun, run, end } = setUp();
    run(5);
    run(6);
    run(4);
    await end(4);
    expect(begun).toEqual([5, 4]);
    await end(5);
    expect(begun).toEqual([5, 4, 6]);
  });

  it('go on at once after waiting when nothing earlier has come', () => {
    const { run, reroutes } = setUp();
    run(1);
    run(2);
    let wentOn = false;
    void reroutes.goOn(acc(1), () => {
      wentOn = true;
      return undefined;
    });
    expect(wentOn).toBe(true);
  });

  it('hold up the next only until they fail', async () => {
    const reroutes = new Reroutes();
    const begun: number[] = [];
    void reroutes.run(acc(1), () => Promise.reject(new Error('no')));
    void reroutes.run(acc(2), () => {
      begun.push(2);
      throw new Error('neither');
    });
    void reroutes.run(acc(3), () => {
      begun.push(3);
      return undefined;
    });
    await turns();
    expect(begun).toEqual([2, 3]);
    expect(reroutes.isIdle).toBe(true);
  });

  it('are settled when all there now are done with, of one sender or of all, up to a time', async () => {
    const { run, end, reroutes } = setUp();
    const waits = () => ({
      all: reroutes.settled('juliet@localhost'),
      romeo: reroutes.settled('juliet@localhost', ROMEO.full),
      early: reroutes.settled('juliet@localhost', ROMEO.full, 2),
    });
    expect(waits()).toEqual({ all: undefined, romeo: undefined, early: undefined });
    run(1);
    run(2);
    run(3, NURSE);
    const { all, romeo, early } = waits();
    expect(reroutes.settled('nurse@localhost')).toBeUndefined();
    expect(reroutes.settled('juliet@localhost', ROMEO.full, 1)).toBeUndefined();
    await end(1);
    expect([await isSettled(early), await isSettled(romeo), await isSettled(all)]).toEqual([
      true,
      false,
      false,
    ]);
    // Later ones are not waited for.
    run(4);
    await end(2);
    expect([await isSettled(romeo), await isSettled(all)]).toEqual([true, false]);
    await end(3);
    expect(await isSettled(all)).toBe(true);
  });

  it('count until they are done with where they went, and hold nobody up meanwhile', async () => {
    const { begun, run, end, reroutes } = setUp();
    const elsewhere = Promise.withResolvers<void>();
    void reroutes.run(acc(1), () => {
      reroutes.follow(acc(1), elsewhere.promise);
      return undefined;
    });
    run(2);
    expect(begun).toEqual([2]);
    const wait = reroutes.settled('juliet@localhost', ROMEO.full, 2);
    await end(2);
    expect(await isSettled(wait)).toBe(false);
    expect(reroutes.isIdle).toBe(false);
    elsewhere.resolve();
    expect(await isSettled(wait)).toBe(true);
    expect(reroutes.isIdle).toBe(true);
  });

  it('are waited for through where they went by whoever asked before they went', async () => {
    const { run, end, reroutes } = setUp();
    const elsewhere = Promise.withResolvers<void>();
    run(1);
    void reroutes.run(acc(2), () => {
      reroutes.follow(acc(2), elsewhere.promise);
      return undefined;
    });
    const wait = reroutes.settled('juliet@localhost');
    await end(1);
    expect(await isSettled(wait)).toBe(false);
    elsewhere.resolve();
    expect(await isSettled(wait)).toBe(true);
    expect(reroutes.isIdle).toBe(true);
  });

  it('do not wait for themselves when they come back', async () => {
    const { reroutes } = setUp();
    const elsewhere = Promise.withResolvers<void>();
    const first = acc(1);
    first.visits = 1;
    reroutes.follow(first, elsewhere.promise);
    // Where it went, it was routed again, to here: that shard asks about this visit.
    expect(reroutes.settled('juliet@localhost', ROMEO.full, 1, 2)).toBeUndefined();
    const second = acc(1);
    second.visits = 2;
    const visit = Promise.withResolvers<void>();
    void reroutes.run(second, () => visit.promise);
    const wait = reroutes.settled('juliet@localhost', ROMEO.full, 1, 2);
    expect(await isSettled(wait)).toBe(false);
    visit.resolve();
    elsewhere.resolve();
    expect(await isSettled(wait)).toBe(true);
  });

  it('are full at the limit, and not any more when they are done with', async () => {
    const reroutes = new Reroutes();
    const { promise, resolve } = Promise.withResolvers<void>();
    for (let i = 0; i < REROUTES_MAX; i++) void reroutes.run(acc(i), () => promise);
    expect(reroutes.isFull).toBe(true);
    resolve();
    while (!reroutes.isIdle) await turns();
    expect(reroutes.isFull).toBe(false);
  });

  it('are all done with in the end, whatever comes when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(20), fc.nat(3), fc.boolean()), { maxLength: 30 }),
        async (stanzas) => {
          const reroutes = new Reroutes();
          let left = stanzas.length;
          const seen = new Set<number>();
          for (const [timestamp, pauses, goesElsewhere] of stanzas) {
            // Each timestamp is one stanza.
            if (seen.has(timestamp)) {
              left--;
              continue;
            }
            seen.add(timestamp);
            const one = acc(timestamp);
            const step = (n: number): undefined | Promise<unknown> => {
              if (n > 0) return Promise.resolve().then(() => reroutes.goOn(one, () => step(n - 1)));
              left--;
              if (goesElsewhere) reroutes.follow(one, Promise.resolve());
              return undefined;
            };
            void reroutes.run(one, () => step(pauses));
          }
          for (let i = 0; i < 100 && !reroutes.isIdle; i++) await turns();
          expect(left).toBe(0);
          expect(reroutes.isIdle).toBe(true);
          expect(reroutes.isFull).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });
});
