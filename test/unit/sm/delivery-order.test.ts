import { describe, expect, it } from 'vitest';
import { Accumulator } from '../../../src/hooks/accumulator.ts';
import { DeliveryOrder } from '../../../src/sm/delivery-order.ts';
import { MovedSenders } from '../../../src/sm/moved-senders.ts';
import type { RemoteSessions } from '../../../src/sm/outbox.ts';
import { Reroutes } from '../../../src/sm/reroutes.ts';
import { Jid } from '../../../src/xmpp/jid.ts';

const ROMEO = new Jid('romeo', 'localhost', 'orchard');
const OWN = 0;

interface Fence {
  readonly mask: number;
  readonly from: string | undefined;
  readonly before: number | undefined;
  readonly pass: () => void;
}

/** Fences that pass when told to. */
function setUp(): {
  order: DeliveryOrder;
  movedSenders: MovedSenders;
  fences: Fence[];
  busy: { mask: number };
  told: [via: number, shards: number][];
  reroutes: Reroutes;
} {
  const fences: Fence[] = [];
  const told: [number, number][] = [];
  const reroutes = new Reroutes();
  const busy = { mask: -1 };
  const remote = {
    settled: (mask: number, _to: string, from?: string, before?: number) => {
      if ((mask & busy.mask) === 0) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      fences.push({ mask, from, before, pass: resolve });
      return promise;
    },
    rerouted: ({ via }: Accumulator, shards: number) => told.push([via, shards]),
  };
  const movedSenders = new MovedSenders();
  const order = new DeliveryOrder(remote as unknown as RemoteSessions, OWN, reroutes, movedSenders);
  return { order, movedSenders, fences, busy, told, reroutes };
}

function acc(to: Jid): Accumulator {
  return new Accumulator(0, 0, 0, undefined, 'localhost', undefined, ROMEO, to);
}

function juliet(): Jid {
  return new Jid('juliet', 'localhost', '');
}

const on = (...shards: number[]): number => shards.reduce((mask, shard) => mask | (1 << shard), 0);

describe('the order of delivery', () => {
  it.each([
    ['to the same shard as before', on(1), on(1)],
    ['to another shard after this one', on(OWN), on(1)],
    ['for the first time', 0, on(1, 2)],
  ])('needs no waiting %s', (_what, before, after) => {
    const { order, fences } = setUp();
    const to = juliet();
    to.lastShards = before;
    expect(order.before(acc(to), to, after)).toBeUndefined();
    expect(to.lastShards).toBe(after);
    expect(fences).toEqual([]);
  });

  it.each([
    ['nowhere', 0, ~0],
    ['to the shard that is known', on(1), ~on(1)],
    ['to several shards', on(1, 2), ~0],
  ])(
    'waits for all others when a session from another shard sends its first %s',
    async (_what, mask, asked) => {
      const { order, fences, movedSenders } = setUp();
      const to = juliet();
      to.lastShards = mask;
      movedSenders.came(ROMEO.full);
      expect(order.goesStraight(ROMEO, to, mask)).toBe(false);
      const wait = order.before(acc(to), to, mask);
      expect(wait).toBeInstanceOf(Promise);
      expect(fences.map((fence) => fence.mask)).toEqual([asked & ~on(OWN) & 0x7fffffff]);
      fences[0]!.pass();
      await wait;
      expect(order.before(acc(to), to, mask)).toBeUndefined();
      expect(order.goesStraight(ROMEO, to, mask)).toBe(true);
      // Others need not wait, nor does he when he has gone and come anew.
      movedSenders.came('nurse@localhost/hall');
      expect(order.before(acc(to), to, mask)).toBeUndefined();
      movedSenders.left(ROMEO.full);
      expect(order.before(acc(to), to, mask)).toBeUndefined();
      movedSenders.came(ROMEO.full);
      expect(order.before(acc(to), to, mask)).toBeInstanceOf(Promise);
    },
  );

  it.each([
    ['to another shard', on(1), on(2), on(1)],
    ['to one more shard', on(1), on(1, 2), on(1)],
    ['to fewer shards', on(1, 2), on(1), on(2)],
    ['here', on(1), on(OWN), on(1)],
    ['here, too', on(1), on(1, OWN), on(1)],
    ['nowhere', on(1, 2), 0, on(1, 2)],
    ['from here and there elsewhere', on(OWN, 1), on(2), on(1)],
  ])('waits for what is under way when the next goes %s', (_what, before, after, fence) => {
    const { order, fences } = setUp();
    const to = juliet();
    to.lastShards = before;
    expect(order.before(acc(to), to, after)).toBeInstanceOf(Promise);
    expect(fences.map(({ mask }) => mask)).toEqual([fence]);
  });

  it('needs no waiting when nothing is under way', () => {
    const { order, busy } = setUp();
    busy.mask = on(3);
    const to = juliet();
    to.lastShards = on(1);
    expect(order.before(acc(to), to, on(2))).toBeUndefined();
    expect(to.lastShards).toBe(on(2));
  });

  it('waits once more when the session where it was about to go has ended meanwhile', async () => {
    const { order, fences } = setUp();
    const to = juliet();
    to.lastShards = on(1);
    const first = order.before(acc(to), to, on(2));
    fences[0]!.pass();
    await first;
    // What was routed again from the first shard may be waiting in that session.
    const second = order.before(acc(to), to, 0);
    expect(fences.map(({ mask }) => mask)).toEqual([on(1), on(2)]);
    fences[1]!.pass();
    await second;
    expect(order.before(acc(to), to, 0)).toBeUndefined();
  });

  it('lets all that wait go on in the order they came, though the old shard stays busy with others', async () => {
    const { order, fences } = setUp();
    const to = juliet();
    to.lastShards = on(1);
    const done: number[] = [];
    const route = (n: number): void => {
      const wait = order.before(acc(to), to, on(2));
      if (wait === undefined) done.push(n);
      else void wait.then(() => route(n));
    };
    for (let n = 0; n < 5; n++) route(n);
    expect(fences).toHaveLength(1);
    fences[0]!.pass();
    // What is handled in the same turn waits behind them.
    route(5);
    await new Promise(setImmediate);
    expect(done).toEqual([0, 1, 2, 3, 4, 5]);
    expect(fences).toHaveLength(1);
  });

  it('does not let one to the old shard overtake those that wait', async () => {
    const { order, fences } = setUp();
    const to = juliet();
    to.lastShards = on(1);
    const done: string[] = [];
    const route = (name: string, mask: number): void => {
      const wait = order.before(acc(to), to, mask);
      if (wait === undefined) done.push(name);
      else void wait.then(() => route(name, mask));
    };
    route('first', on(2));
    route('second', on(1));
    while (done.length < 2) {
      fences.shift()?.pass();
      await new Promise(setImmediate);
    }
    expect(done).toEqual(['first', 'second']);
  });

  it('does not hold up stanzas to others', () => {
    const { order } = setUp();
    const to = juliet();
    to.lastShards = on(1);
    expect(order.before(acc(to), to, on(2))).toBeInstanceOf(Promise);
    const nurse = new Jid('nurse', 'localhost', '');
    expect(order.before(acc(nurse), nurse, on(1))).toBeUndefined();
    expect(order.before(acc(nurse), nurse, on(1))).toBeUndefined();
  });

  it('of a stanza that is routed again depends on earlier ones of its own sender only', async () => {
    const { order, fences } = setUp();
    const to = juliet();
    to.lastShards = on(1, 2);
    const again = new Accumulator(0, 7, 0, undefined, 'localhost', undefined, ROMEO, to);
    again.visits = 1;
    const wait = order.before(again, to, on(2));
    expect(fences).toMatchObject([{ mask: on(1), from: ROMEO.full, before: 7 }]);
    fences[0]!.pass();
    await wait;
    // It has moved once more: that shard is to be asked, too, the first one not again.
    const more = order.before(again, to, on(3));
    expect(fences[1]).toMatchObject({ mask: on(2), from: ROMEO.full });
    fences[1]!.pass();
    await more;
    expect(order.before(again, to, on(3))).toBeUndefined();
  });

  it('is told to the shards that a stanza came through when it is routed again', () => {
    const { order, busy, told } = setUp();
    busy.mask = 0;
    const again = acc(juliet());
    again.visits = 1;
    again.via = on(1, 2);
    order.before(again, again.to, on(3));
    order.before(again, again.to, on(OWN));
    // To nobody: whoever asks is told when it is stored.
    order.before(again, again.to, 0);
    expect(told).toEqual([
      [on(1, 2), on(3)],
      [on(1, 2), on(OWN)],
    ]);
  });

  it('includes the shards that stanzas went on to from where they had been sent', async () => {
    const { order, fences } = setUp();
    const to = juliet();
    expect(order.before(acc(to), to, on(1))).toBeUndefined();
    order.wasRerouted(to, ROMEO.full, on(2));
    const first = order.before(acc(to), to, 0);
    expect(fences).toMatchObject([{ mask: on(1, 2) }]);
    // While it waits, there are news: it asks once more.
    order.wasRerouted(to, ROMEO.full, on(3));
    fences[0]!.pass();
    await first;
    const second = order.before(acc(to), to, 0);
    expect(fences[1]).toMatchObject({ mask: on(1, 2, 3) });
    fences[1]!.pass();
    await second;
    expect(order.before(acc(to), to, 0)).toBeUndefined();
    expect(fences).toHaveLength(2);
  });

  it('of a stanza that is routed again: news of its own sender make it ask again, of others not', async () => {
    const { order, fences, reroutes } = setUp();
    const to = juliet();
    to.lastShards = on(1);
    const again = acc(to);
    again.visits = 1;
    const asked: number[] = [];
    const route = async (): Promise<void> => {
      for (;;) {
        const wait = order.before(again, to, 0);
        if (wait === undefined) return;
        asked.push(fences.at(-1)!.mask);
        await wait;
      }
    };
    const routed = reroutes.run(again, route);
    await new Promise(setImmediate);
    order.wasRerouted(to, ROMEO.full, on(1));
    fences[0]!.pass();
    await new Promise(setImmediate);
    order.wasRerouted(to, 'nurse@localhost/house', on(1));
    fences[1]!.pass();
    await routed;
    expect(asked).toEqual([on(1), on(1)]);
  });

  it('of others stays as it was when one is routed again', () => {
    const { order, fences, busy } = setUp();
    busy.mask = 0;
    const to = juliet();
    to.lastShards = on(1);
    const again = acc(to);
    again.visits = 1;
    expect(order.before(again, to, on(2))).toBeUndefined();
    busy.mask = -1;
    // What went to the first shard may be under way there still.
    expect(order.before(acc(to), to, on(2))).toBeInstanceOf(Promise);
    expect(fences).toMatchObject([{ mask: on(1), from: undefined }]);
  });
});
