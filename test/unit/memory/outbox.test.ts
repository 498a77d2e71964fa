import { describe, expect, it } from 'vitest';
import { FRAME_BYTES_MAX, OVERFLOW_BYTES_MAX } from '../../../src/limits.ts';
import { Counter } from '../../../src/memory/counters.ts';
import { createRing, RING_HEADER_BYTES, RingConsumer, recordBytesMax } from '../../../src/memory/ring.ts';
import { connectThreads, type FakeThread } from './fakes.ts';

function pair(
  capacity = 256,
  overflowBytesMax?: number,
): { a: FakeThread; b: FakeThread; rings: SharedArrayBuffer[][] } {
  const { threads, rings } = connectThreads(2, capacity, overflowBytesMax);
  return { a: threads[0]!, b: threads[1]!, rings };
}

function send(from: FakeThread, to: FakeThread, text: string): boolean {
  return from.outbox.send(to.id, Buffer.from(text));
}

function texts(thread: FakeThread): string[] {
  return thread.got.map(({ text }) => text);
}

/** Turns of both until nothing moves any more. */
function settle(...threads: FakeThread[]): void {
  for (let idle = 0; idle < 2; idle++) {
    for (const thread of threads) if (thread.turn() > 0) idle = -1;
  }
}

describe('an outbox', () => {
  it('shows frames with the end of the turn', () => {
    const { a, b } = pair();
    expect(send(a, b, 'hello')).toBe(true);
    expect(b.turn()).toBe(0);
    a.outbox.publish();
    b.turn();
    expect(b.got).toEqual([{ from: 0, text: 'hello' }]);
  });

  it('takes the memory of a frame for its own only while it is called', () => {
    const { a, b } = pair(64);
    const memory = Buffer.alloc(16);
    for (let i = 0; i < 8; i++) {
      memory.fill(`frame number ${i}..`);
      expect(a.outbox.send(1, memory)).toBe(true);
    }
    settle(a, b);
    expect(texts(b)).toEqual(Array.from({ length: 8 }, (_unused, i) => `frame number ${i}..`));
  });

  it('makes what was sent to one thread visible before what is sent to the next', () => {
    const { threads } = connectThreads(3, 256);
    const [a, b, c] = threads as [FakeThread, FakeThread, FakeThread];
    send(a, b, 'first');
    send(a, c, 'second');
    expect([b.inbox.merge.hasWork(), c.inbox.merge.hasWork()]).toEqual([true, false]);
  });

  it('counts as congested while frames wait, and moves them on in order', () => {
    const { a, b } = pair(64);
    const sent = Array.from({ length: 50 }, (_unused, i) => `message ${i}`);
    for (const text of sent) expect(send(a, b, text)).toBe(true);
    expect(a.outbox.isCongested).toBe(true);
    expect(a.outbox.overflowLength(1)).toBeGreaterThan(40);
    settle(a, b);
    expect(a.outbox.isCongested).toBe(false);
    expect(a.outbox.inFlightBytes(1)).toBe(0);
    expect(texts(b)).toEqual(sent);
  });

  it('does not count as congested for the sake of a lane that input need not wait for', () => {
    const { a, b, rings } = pair(64);
    a.outbox.connect(1, rings[0]![1]!, true);
    for (let i = 0; i < 10; i++) send(a, b, 'x'.repeat(20));
    expect(a.outbox.overflowLength(1)).toBeGreaterThan(0);
    expect(a.outbox.isCongested).toBe(false);
    settle(a, b);
    expect(b.got).toHaveLength(10);
  });

  it.each([1, 2, 3, 10])('sends a frame of %i times the ring, in parts', (factor) => {
    const { a, b } = pair(64);
    const text = 'abcdefg'.repeat(10 * factor).slice(0, 64 * factor);
    send(a, b, 'before');
    expect(send(a, b, text)).toBe(true);
    send(a, b, 'after');
    settle(a, b);
    expect(texts(b)).toEqual(['before', text, 'after']);
  });

  it.each([0, 1, 4, 5])('sends frames of %i bytes more than one part holds', (more) => {
    const { a, b } = pair(256);
    const text = 'p'.repeat(recordBytesMax(256) + more);
    send(a, b, text);
    settle(a, b);
    expect(texts(b)).toEqual([text]);
  });

  it('refuses what does not fit into the queue any more, and takes more when that has drained', () => {
    const { a, b } = pair(64, 100);
    const results = Array.from({ length: 10 }, () => send(a, b, 'x'.repeat(20)));
    // Two in the ring, five in the queue.
    expect(results).toEqual([...Array(7).fill(true), false, false, false]);
    expect(a.counters[Counter.ring_overflow_refused]).toBe(3);
    expect(a.counters[Counter.ring_overflow_frames]).toBe(5);
    expect(a.counters[Counter.ring_overflow_bytes]).toBe(100);
    settle(a, b);
    expect(send(a, b, 'again')).toBe(true);
    settle(a, b);
    expect(b.got).toHaveLength(8);
  });

  it('takes the rest of a frame whose beginning is in the ring, whatever the queue holds', () => {
    const { a, b } = pair(64, 10);
    const text = 'y'.repeat(300);
    expect(send(a, b, text)).toBe(true);
    expect(send(a, b, 'x'.repeat(11))).toBe(false);
    settle(a, b);
    expect(texts(b)).toEqual([text]);
  });

  it('refuses a frame that is too long, one for nobody, and has no place for an empty one', () => {
    const { a } = pair();
    expect(a.outbox.send(1, Buffer.alloc(FRAME_BYTES_MAX + 1))).toBe(false);
    expect(a.outbox.send(7, Buffer.from('x'))).toBe(false);
    expect(a.counters[Counter.ring_overflow_refused]).toBe(2);
    expect(() => a.outbox.send(1, Buffer.alloc(0))).toThrow(RangeError);
  });

  it('takes the largest frame there may be, when nothing is in its way', () => {
    const { a, b } = pair(262_144);
    expect(a.outbox.send(1, Buffer.alloc(FRAME_BYTES_MAX, 'z'))).toBe(true);
    expect(FRAME_BYTES_MAX).toBeGreaterThan(OVERFLOW_BYTES_MAX);
    settle(a, b);
    expect(texts(b)[0]).toHaveLength(FRAME_BYTES_MAX);
  });

  it('rings for a receiver that sleeps, and for no other', () => {
    const { a, b } = pair();
    send(a, b, '1');
    a.outbox.publish();
    expect(a.woke).toEqual([]);
    b.bell.sleep(1);
    send(a, b, '2');
    a.outbox.publish();
    expect(a.woke).toEqual([1]);
    send(a, b, '3');
    a.outbox.publish();
    expect(a.woke).toEqual([1]);
    expect(a.counters[Counter.doorbell_rung]).toBe(1);
  });

  it('is woken by a receiver that makes room', () => {
    const { a, b } = pair(64);
    for (let i = 0; i < 10; i++) send(a, b, 'x'.repeat(20));
    a.outbox.publish();
    a.bell.sleep(0);
    expect(a.outbox.retry()).toBe(false);
    b.turn();
    expect(b.woke).toEqual([0]);
    expect(a.outbox.retry()).toBe(true);
  });
});

describe('two threads that are full towards each other', () => {
  it('both get on, in order', () => {
    const { a, b } = pair(64);
    const sent = Array.from({ length: 200 }, (_unused, i) => `${i}`.padEnd(1 + (i % 40), '.'));
    for (const text of sent) {
      expect(send(a, b, text)).toBe(true);
      expect(send(b, a, text)).toBe(true);
    }
    settle(a, b);
    expect(texts(a)).toEqual(sent);
    expect(texts(b)).toEqual(sent);
  });

  it('get on when each frame leads to another one back', () => {
    const { a, b } = pair(64);
    b.onFrame = (_from, text) => {
      send(b, a, `re: ${text}`);
    };
    const sent = Array.from({ length: 100 }, (_unused, i) => `question ${i}`);
    for (const text of sent) send(a, b, text);
    settle(a, b);
    expect(texts(a)).toEqual(sent.map((text) => `re: ${text}`));
  });
});

describe('the lane to a thread that has died', () => {
  it('gives back what was not read: ring and queue, in order', () => {
    const { a, b } = pair(64);
    const sent = Array.from({ length: 20 }, (_unused, i) => `message ${i}`);
    for (const text of sent) send(a, b, text);
    a.outbox.publish();
    b.inbox.drain(2);
    b.inbox.release(true);
    expect(a.outbox.reclaim(1).map(String)).toEqual(sent.slice(2));
    expect(a.outbox.isCongested).toBe(false);
    expect(send(a, b, 'late')).toBe(false);
    expect(a.outbox.reclaim(1)).toEqual([]);
  });

  it('gives back what was being handled when it died', () => {
    const { a, b } = pair();
    send(a, b, 'handled');
    send(a, b, 'handled, too');
    a.outbox.publish();
    b.inbox.drain(2);
    expect(a.outbox.reclaim(1).map(String)).toEqual(['handled', 'handled, too']);
  });

  it('gives back what was never published', () => {
    const { a, b } = pair();
    send(a, b, 'just sent');
    expect(a.outbox.reclaim(1).map(String)).toEqual(['just sent']);
  });

  it('gives back a frame in parts as a whole, once', () => {
    const { a, b } = pair(64);
    const text = 'parts '.repeat(40);
    send(a, b, text);
    a.outbox.publish();
    expect(a.outbox.reclaim(1).map(String)).toEqual([text]);
  });

  it('gives back a frame in parts that is in the ring', () => {
    const { a, b } = pair(256);
    const text = 'q'.repeat(recordBytesMax(256) + 50);
    send(a, b, text);
    send(a, b, 'next');
    expect(a.outbox.overflowLength(1)).toBe(0);
    expect(a.outbox.reclaim(1).map(String)).toEqual([text, 'next']);
  });

  it('does not give back the end of a frame whose beginning is gone', () => {
    const { a, b } = pair(256);
    send(a, b, 'q'.repeat(recordBytesMax(256) + 50));
    send(a, b, 'next');
    a.outbox.publish();
    b.inbox.drain(1);
    b.inbox.release(false);
    expect(a.outbox.reclaim(1).map(String)).toEqual(['next']);
  });

  it('gives back what can be read of a damaged ring, and what waited behind it', () => {
    const { a, b, rings } = pair(128);
    for (let i = 0; i < 10; i++) send(a, b, `message ${i}`);
    a.outbox.publish();
    const second = RING_HEADER_BYTES / 4 + 6;
    new Int32Array(rings[0]![1]!)[second] = 12_345;
    const frames = a.outbox.reclaim(1).map(String);
    expect(frames[0]).toBe('message 0');
    expect(frames.at(-1)).toBe('message 9');
    expect(a.counters[Counter.ring_corrupt]).toBe(1);
  });

  it('is open again with a fresh ring', () => {
    const { a, b } = pair(64);
    for (let i = 0; i < 10; i++) send(a, b, 'old');
    a.outbox.reclaim(1);
    const fresh = createRing(64);
    a.outbox.connect(1, fresh);
    b.inbox.connect(0, new RingConsumer(fresh));
    send(a, b, 'new');
    settle(a, b);
    expect(texts(b)).toEqual(['new']);
  });
});
