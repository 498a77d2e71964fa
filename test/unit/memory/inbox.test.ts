import { describe, expect, it } from 'vitest';
import { FRAME_BYTES_MAX } from '../../../src/limits.ts';
import { Counter } from '../../../src/memory/counters.ts';
import {
  RECORD_FIRST,
  RECORD_LAST,
  RECORD_WHOLE,
  RING_HEADER_BYTES,
  RingProducer,
} from '../../../src/memory/ring.ts';
import { connectThreads, type FakeThread } from './fakes.ts';

function one(capacity = 1024): {
  inbox: FakeThread;
  producer: RingProducer;
  other: RingProducer;
  rings: SharedArrayBuffer[][];
} {
  const { threads, rings } = connectThreads(3, capacity);
  return {
    inbox: threads[0]!,
    producer: new RingProducer(rings[1]![0]!),
    other: new RingProducer(rings[2]![0]!),
    rings,
  };
}

let sequence = 0;

function write(producer: RingProducer, text: string | Buffer, flags: number = RECORD_WHOLE): void {
  const bytes = Buffer.from(text);
  expect(producer.append(bytes, 0, bytes.length, sequence++, flags)).toBe(true);
  producer.publish();
}

describe('an inbox', () => {
  it('handles no more frames than asked for, and says how many', () => {
    const { inbox, producer } = one();
    for (let i = 0; i < 5; i++) write(producer, `${i}`);
    expect([inbox.inbox.drain(3), inbox.inbox.drain(3), inbox.inbox.drain(3)]).toEqual([3, 2, 0]);
    expect(inbox.counters[Counter.ring_frames_in]).toBe(5);
  });

  it('goes on behind a frame whose handler throws', () => {
    const { inbox, producer } = one();
    inbox.onFrame = (_from, text) => {
      if (text === 'bad') throw new Error('cannot read this');
    };
    for (const text of ['good', 'bad', 'better']) write(producer, text);
    expect(inbox.turn()).toBe(3);
    expect(inbox.got.map(({ text }) => text)).toEqual(['good', 'bad', 'better']);
    expect(inbox.failures).toEqual([new Error('cannot read this')]);
  });

  it('puts frames of two senders together that came in parts at the same time', () => {
    const { inbox, producer, other } = one();
    write(producer, 'ab', RECORD_FIRST);
    write(other, '12', RECORD_FIRST);
    write(producer, 'cd', 0);
    write(other, '34', RECORD_LAST);
    write(producer, 'ef', RECORD_LAST);
    inbox.turn();
    expect(inbox.got).toEqual([
      { from: 2, text: '1234' },
      { from: 1, text: 'abcdef' },
    ]);
  });

  it('drops parts whose beginning it has not seen', () => {
    const { inbox, producer } = one();
    write(producer, 'end of something', RECORD_LAST);
    write(producer, 'middle', 0);
    write(producer, 'whole');
    inbox.turn();
    expect(inbox.got).toEqual([{ from: 1, text: 'whole' }]);
  });

  it('drops a beginning that is followed by another one', () => {
    const { inbox, producer } = one();
    write(producer, 'lost', RECORD_FIRST);
    write(producer, 'new ', RECORD_FIRST);
    write(producer, 'frame', RECORD_LAST);
    write(producer, 'lost', RECORD_FIRST);
    write(producer, 'whole');
    inbox.turn();
    expect(inbox.got.map(({ text }) => text)).toEqual(['new frame', 'whole']);
  });

  it('gives up a frame that grows too long', () => {
    const { inbox, producer } = one(1 << 20);
    const part = Buffer.alloc(500_000);
    write(producer, part, RECORD_FIRST);
    for (let bytes = part.length; bytes <= FRAME_BYTES_MAX; bytes += part.length) {
      write(producer, part, 0);
      inbox.turn();
    }
    write(producer, 'the end', RECORD_LAST);
    write(producer, 'next');
    inbox.turn();
    expect(inbox.got.map(({ text }) => text)).toEqual(['next']);
    expect(inbox.counters[Counter.ring_corrupt]).toBe(1);
  });

  it('resets a damaged lane alone, forgets its unfinished frame, and counts it', () => {
    const { inbox, producer, other, rings } = one();
    write(producer, 'begun ', RECORD_FIRST);
    inbox.turn();
    write(producer, 'damaged', RECORD_LAST);
    write(other, 'from another');
    new Int32Array(rings[1]![0]!)[RING_HEADER_BYTES / 4 + 5] = -7;
    inbox.turn();
    inbox.turn();
    expect(inbox.got).toEqual([{ from: 2, text: 'from another' }]);
    expect(inbox.counters[Counter.ring_corrupt]).toBe(1);
    write(producer, 'the rest', RECORD_LAST);
    write(producer, 'new');
    inbox.turn();
    expect(inbox.got.at(-1)).toEqual({ from: 1, text: 'new' });
    expect(inbox.got).toHaveLength(2);
  });

  it('finishes a dead lane: what comes before its last frame in order, and no more', () => {
    const { inbox, producer, other } = one();
    write(other, 'before');
    write(producer, 'dying');
    write(other, 'between');
    write(producer, 'dead');
    write(other, 'after');
    write(producer, 'never finished', RECORD_FIRST);
    inbox.inbox.finish(1);
    expect(inbox.got.map(({ text }) => text)).toEqual(['before', 'dying', 'between', 'dead', 'after']);
    inbox.inbox.finish(1);
    expect(inbox.inbox.merge.isDrained(2)).toBe(true);
  });

  it('finishes a dead lane that is damaged', () => {
    const { inbox, producer, rings } = one();
    write(producer, 'damaged');
    new Int32Array(rings[1]![0]!)[RING_HEADER_BYTES / 4] = 999;
    inbox.inbox.finish(1);
    expect(inbox.got).toEqual([]);
  });
});
