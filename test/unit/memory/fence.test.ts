import { setImmediate as turnOver } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { fence } from '../../../src/memory/fence.ts';
import { Loop } from '../../../src/memory/loop.ts';
import { createRing } from '../../../src/memory/ring.ts';
import { connectThreads, type FakeThread } from './fakes.ts';

function loopOf({ id, bell, inbox, outbox }: FakeThread): Loop {
  return new Loop(id, bell, inbox, outbox, {
    resumeYielded: () => false,
    flush: () => {},
    congestionEnded: () => {},
  });
}

function setUp(): { a: FakeThread; b: FakeThread; c: FakeThread; loop: Loop } {
  const { threads } = connectThreads(3, 64);
  const [a, b, c] = threads as [FakeThread, FakeThread, FakeThread];
  return { a, b, c, loop: loopOf(a) };
}

/** Whether the promise has resolved after some turns. */
async function hasPassed(promise: Promise<void>, loop: Loop): Promise<boolean> {
  let isDone = false;
  void promise.then(() => {
    isDone = true;
  });
  for (let i = 0; i < 5; i++) {
    loop.touch();
    await turnOver();
  }
  return isDone;
}

function send(from: FakeThread, to: FakeThread, text: string): void {
  expect(from.outbox.send(to.id, Buffer.from(text))).toBe(true);
}

describe('a fence', () => {
  it('is not needed where nothing is under way', () => {
    const { a, b, loop } = setUp();
    expect(fence(1, a.outbox, a.inbox, loop)).toBeUndefined();
    send(a, b, 'x');
    a.turn();
    b.turn();
    expect(fence(1, a.outbox, a.inbox, loop)).toBeUndefined();
    expect(fence(9, a.outbox, a.inbox, loop)).toBeUndefined();
  });

  it('is needed for what was sent and not published yet', async () => {
    const { a, b, loop } = setUp();
    send(a, b, 'x');
    const wait = fence(1, a.outbox, a.inbox, loop)!;
    expect(await hasPassed(wait, loop)).toBe(false);
    b.turn();
    expect(await hasPassed(wait, loop)).toBe(true);
  });

  it('waits for what came back', async () => {
    const { a, b, loop } = setUp();
    b.onFrame = () => send(b, a, 'back');
    send(a, b, 'there');
    const wait = fence(1, a.outbox, a.inbox, loop)!;
    void wait.then(() => a.got.push({ from: -1, text: 'passed' }));
    await turnOver();
    b.turn();
    expect(await hasPassed(wait, loop)).toBe(true);
    expect(a.got.map(({ text }) => text)).toEqual(['back', 'passed']);
  });

  it('waits while the other side has something to send that finds no room', async () => {
    const { a, b, c, loop } = setUp();
    b.onFrame = () => {
      for (let i = 0; i < 5; i++) send(b, c, 'x'.repeat(20));
    };
    send(a, b, 'go');
    const wait = fence(1, a.outbox, a.inbox, loop)!;
    await turnOver();
    b.turn();
    expect(await hasPassed(wait, loop)).toBe(false);
    for (let i = 0; i < 5; i++) {
      c.turn();
      b.turn();
    }
    expect(await hasPassed(wait, loop)).toBe(true);
  });

  it('passes though more is sent all the time, and waits for its own overflow', async () => {
    const { a, b, loop } = setUp();
    for (let i = 0; i < 10; i++) send(a, b, `early ${i}`.padEnd(20));
    const wait = fence(1, a.outbox, a.inbox, loop)!;
    let passedAfter = -1;
    void wait.then(() => {
      passedAfter = b.got.length;
    });
    for (let i = 0; i < 40 && passedAfter < 0; i++) {
      send(a, b, `late ${i}`.padEnd(20));
      loop.touch();
      await turnOver();
      b.turn();
    }
    expect(passedAfter).toBeGreaterThanOrEqual(10);
    expect(passedAfter).toBeLessThan(20);
  });

  it('passes when the other thread has died', async () => {
    const { a, b, loop } = setUp();
    send(a, b, 'x');
    const wait = fence(1, a.outbox, a.inbox, loop)!;
    expect(await hasPassed(wait, loop)).toBe(false);
    a.outbox.reclaim(1);
    a.outbox.connect(1, createRing(64));
    expect(await hasPassed(wait, loop)).toBe(true);
  });
});
