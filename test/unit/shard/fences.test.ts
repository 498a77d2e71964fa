import { describe, expect, it } from 'vitest';
import { decodeFrame } from '../../../src/frame/codec.ts';
import {
  type FenceFrame,
  type FencePassedFrame,
  FrameKind,
  type ReroutedFrame,
} from '../../../src/frame/kinds.ts';
import { Accumulator } from '../../../src/hooks/accumulator.ts';
import { Fences } from '../../../src/shard/fences.ts';
import type { Threads } from '../../../src/shard/threads.ts';
import { Reroutes } from '../../../src/sm/reroutes.ts';
import { Jid } from '../../../src/xmpp/jid.ts';

const ROMEO = new Jid('romeo', 'localhost', 'orchard');
const JULIET = new Jid('juliet', 'localhost', '');
const ALL = { to: JULIET.bare, from: undefined, before: undefined, visits: undefined };

/** Two shards or more with rings that deliver when told to, may be full, and may end. */
function setUp(count = 2) {
  const frames: { to: number; frame: FenceFrame | FencePassedFrame | ReroutedFrame }[] = [];
  const state = { isFull: false, isCongested: false, gone: new Set<number>() };
  const waits: { isDone: () => boolean; resolve: () => void }[] = [];
  const lanes = Array.from({ length: count }, () => ({}));
  const shards = Array.from({ length: count }, (_unused, shard) => {
    const reroutes = new Reroutes();
    const threads = {
      shard,
      loop: {
        touch: () => {},
        whenDone: (isDone: () => boolean) =>
          new Promise<void>((resolve) => {
            waits.push({ isDone, resolve });
          }),
      },
      outbox: {
        get isCongested() {
          return state.isCongested;
        },
        lane: (to: number) => (state.gone.has(to) ? undefined : lanes[to]),
        send: (to: number, bytes: Buffer) => {
          if (state.isFull) return false;
          const frame = decodeFrame(Buffer.from(bytes), 0, bytes.length) as
            | FenceFrame
            | FencePassedFrame
            | ReroutedFrame;
          frames.push({ to, frame });
          return true;
        },
      },
    } as unknown as Threads;
    return { reroutes, fences: new Fences(threads, () => reroutes) };
  });
  const deliver = async (): Promise<void> => {
    for (let next = frames.shift(); next !== undefined; next = frames.shift()) {
      const { fences } = shards[next.to]!;
      if (next.frame.kind === FrameKind.FENCE) fences.asked(next.frame);
      else if (next.frame.kind === FrameKind.FENCE_PASSED) fences.passed(next.frame);
    }
    for (const wait of waits.splice(0)) {
      if (wait.isDone()) wait.resolve();
      else waits.push(wait);
    }
    await new Promise(setImmediate);
  };
  return { shards, frames, state, deliver };
}

async function isPassed(wait: Promise<void> | undefined): Promise<boolean> {
  let isDone = false;
  void wait?.then(() => {
    isDone = true;
  });
  await new Promise(setImmediate);
  return isDone;
}

describe('a question to other shards', () => {
  it('waits for what is held for the account, and for no other', async () => {
    const { shards, deliver } = setUp();
    let end: () => void = () => {};
    const until = new Promise<void>((resolve) => {
      end = resolve;
    });
    shards[1]!.fences.hold(JULIET.bare, until);
    expect(shards[1]!.fences.held(JULIET.bare)).toBe(until);
    const hers = shards[0]!.fences.settled(2, { to: JULIET.bare });
    const his = shards[0]!.fences.settled(2, { to: ROMEO.bare });
    await deliver();
    expect([await isPassed(hers), await isPassed(his)]).toEqual([false, true]);
    end();
    for (let i = 0; i < 3; i++) await deliver();
    expect(await isPassed(hers)).toBe(true);
    expect(shards[1]!.fences.held(JULIET.bare)).toBeUndefined();
  });

  it('is not asked when there is nobody to ask', () => {
    const { shards, state } = setUp();
    expect(shards[0]!.fences.settled(0, ALL)).toBeUndefined();
    state.gone.add(1);
    expect(shards[0]!.fences.settled(0b10, ALL)).toBeUndefined();
  });

  it('is answered at once where nothing is routed again', async () => {
    const { shards, deliver } = setUp();
    const wait = shards[0]!.fences.settled(0b10, ALL);
    expect(await isPassed(wait)).toBe(false);
    await deliver();
    expect(await isPassed(wait)).toBe(true);
  });

  it('is answered when what is routed again is done with', async () => {
    const { shards, deliver } = setUp();
    const { promise, resolve } = Promise.withResolvers<void>();
    const acc = new Accumulator(0, 5, 0, undefined, 'localhost', undefined, ROMEO, JULIET);
    void shards[1]!.reroutes.run(acc, () => promise);
    const all = shards[0]!.fences.settled(0b10, ALL);
    const earlier = shards[0]!.fences.settled(0b10, { ...ALL, from: ROMEO.full, before: 5 });
    await deliver();
    await deliver();
    expect([await isPassed(all), await isPassed(earlier)]).toEqual([false, true]);
    resolve();
    for (let i = 0; i < 3; i++) await deliver();
    expect(await isPassed(all)).toBe(true);
  });

  it('is answered when all shards have answered', async () => {
    const { shards, frames, deliver } = setUp(32);
    const wait = shards[0]!.fences.settled((1 << 1) | (1 << 31), ALL);
    expect(frames.map(({ to }) => to)).toEqual([1, 31]);
    const [first, second] = frames.splice(0);
    frames.push(first!);
    await deliver();
    expect(await isPassed(wait)).toBe(false);
    frames.push(second!);
    await deliver();
    expect(await isPassed(wait)).toBe(true);
  });

  it('waits for room on the way, there and back', async () => {
    const { shards, state, deliver } = setUp();
    state.isFull = true;
    const wait = shards[0]!.fences.settled(0b10, ALL);
    await deliver();
    state.isFull = false;
    state.isCongested = true;
    for (let i = 0; i < 3; i++) await deliver();
    expect(await isPassed(wait)).toBe(false);
    state.isCongested = false;
    for (let i = 0; i < 3; i++) await deliver();
    expect(await isPassed(wait)).toBe(true);
  });

  it('is answered by the death of the shard', async () => {
    const { shards, frames } = setUp(3);
    const dead = shards[0]!.fences.settled(0b010, ALL);
    const alive = shards[0]!.fences.settled(0b100, ALL);
    frames.length = 0;
    shards[0]!.fences.lost(1);
    expect([await isPassed(dead), await isPassed(alive)]).toEqual([true, false]);
  });

  it('is answered after news of where things went, though there was no room for these at first', async () => {
    const { shards, frames, state, deliver } = setUp(3);
    const seen: [number, number][] = [];
    state.isFull = true;
    const news = { kind: FrameKind.REROUTED, to: JULIET.full, from: ROMEO.full, shards: 0b100 } as const;
    shards[1]!.fences.tell(0b101, news);
    shards[1]!.fences.asked({ kind: FrameKind.FENCE, id: 1, shard: 0, ...ALL });
    expect(frames).toEqual([]);
    state.isFull = false;
    for (let i = 0; i < 3; i++) {
      for (const { to, frame } of frames) seen.push([to, frame.kind]);
      await deliver();
    }
    expect(seen).toEqual([
      [0, FrameKind.REROUTED],
      [2, FrameKind.REROUTED],
      [0, FrameKind.FENCE_PASSED],
    ]);
  });
});
