import { describe, expect, it } from 'vitest';
import {
  createRing,
  RECORD_WHOLE,
  RING_HEADER_BYTES,
  RingConsumer,
  RingCorruptError,
  RingProducer,
} from '../../../src/memory/ring.ts';
import { RingMerge } from '../../../src/memory/ring-merge.ts';

function lanes(
  count: number,
  capacity = 1024,
): { merge: RingMerge; producers: RingProducer[]; rings: SharedArrayBuffer[]; reset: number[] } {
  const reset: number[] = [];
  const merge = new RingMerge((lane) => reset.push(lane));
  const rings = Array.from({ length: count }, () => createRing(capacity));
  rings.forEach((ring, id) => {
    merge.add(id, new RingConsumer(ring));
  });
  return { merge, producers: rings.map((ring) => new RingProducer(ring)), rings, reset };
}

function write(producer: RingProducer, sequence: number, text = String(sequence)): void {
  expect(producer.append(Buffer.from(text), 0, text.length, sequence, RECORD_WHOLE)).toBe(true);
  producer.publish();
}

function readAll(merge: RingMerge): string[] {
  const got: string[] = [];
  merge.refresh();
  for (let consumer = merge.next(); consumer !== undefined; consumer = merge.next()) {
    got.push(`${merge.lane}:${consumer.bytes.latin1Slice(consumer.start, consumer.end)}`);
    consumer.advance();
  }
  return got;
}

describe('a merge of rings', () => {
  it('takes the lowest number first, whatever lane it is in', () => {
    const { merge, producers } = lanes(3);
    write(producers[2]!, 1);
    write(producers[0]!, 2);
    write(producers[2]!, 3);
    write(producers[1]!, 4);
    write(producers[0]!, 5);
    expect(readAll(merge)).toEqual(['2:1', '0:2', '2:3', '1:4', '0:5']);
  });

  it('compares numbers that have wrapped', () => {
    const { merge, producers } = lanes(2);
    write(producers[0]!, 2 ** 31 - 1, 'before');
    write(producers[1]!, -(2 ** 31), 'after');
    expect(readAll(merge)).toEqual(['0:before', '1:after']);
  });

  it('keeps a record back until its causes can be seen', () => {
    const { merge, producers } = lanes(2);
    merge.refresh();
    // Both come after the look at the rings; the effect was seen by nobody yet.
    write(producers[1]!, 1, 'cause');
    write(producers[0]!, 2, 'effect');
    expect(merge.next()).toBeUndefined();
    expect(readAll(merge)).toEqual(['1:cause', '0:effect']);
  });

  it('looks again when the lowest record may still have a cause', () => {
    const { merge, producers } = lanes(2);
    write(producers[0]!, 5, 'effect of the second');
    // While this runs, lane 1 publishes what came before.
    const original = RingConsumer.prototype.peek;
    let isFirst = true;
    RingConsumer.prototype.peek = function (limit) {
      if (isFirst) {
        isFirst = false;
        write(producers[1]!, 4, 'cause');
      }
      return original.call(this, limit);
    };
    try {
      // 5 is safe: whatever caused it would have been seen.
      expect(readAll(merge)).toEqual(['0:effect of the second']);
    } finally {
      RingConsumer.prototype.peek = original;
    }
    expect(readAll(merge)).toEqual(['1:cause']);
  });

  it('finds nothing of a lane added after the look at the rings', () => {
    const { merge, producers } = lanes(1);
    write(producers[0]!, 9, 'old');
    merge.refresh();
    const ring = createRing(64);
    write(new RingProducer(ring), 1, 'new');
    merge.add(7, new RingConsumer(ring));
    expect(merge.next()?.sequence).toBe(9);
    merge.next();
    expect(merge.hasWork()).toBe(true);
  });

  it('knows whether a lane is drained, and lanes that it does not know are', () => {
    const { merge, producers } = lanes(2);
    expect([merge.isDrained(0), merge.isDrained(1), merge.isDrained(5)]).toEqual([true, true, true]);
    write(producers[1]!, 1);
    expect([merge.isDrained(0), merge.isDrained(1), merge.hasWork()]).toEqual([true, false, true]);
    const index = merge.writeIndex(1)!;
    write(producers[1]!, 2);
    merge.refresh();
    merge.next()!.advance();
    expect([merge.hasReached(1, index), merge.isDrained(1)]).toEqual([true, false]);
    readAll(merge);
    expect([merge.isDrained(1), merge.hasWork()]).toEqual([true, false]);
    expect(merge.writeIndex(5)).toBeUndefined();
    expect(merge.hasReached(5, 0)).toBe(true);
  });

  it('reads on in the other lanes when one is damaged', () => {
    const { merge, producers, rings, reset } = lanes(3);
    write(producers[0]!, 1);
    write(producers[1]!, 2);
    write(producers[1]!, 3);
    write(producers[2]!, 4);
    new Int32Array(rings[1]!)[RING_HEADER_BYTES / 4] = 9_999;
    merge.refresh();
    expect(() => merge.next()).toThrow(RingCorruptError);
    merge.resetCorrupt();
    expect(reset).toEqual([1]);
    expect(readAll(merge)).toEqual(['0:1', '2:4']);
    write(producers[1]!, 5);
    expect(readAll(merge)).toEqual(['1:5']);
  });

  it('tells which producers wait for room, when there is some', () => {
    const { merge, producers } = lanes(2);
    write(producers[0]!, 1);
    write(producers[1]!, 2);
    producers[1]!.wantRoom();
    readAll(merge);
    const waiting: number[] = [];
    merge.release(true, (lane) => waiting.push(lane));
    expect(waiting).toEqual([1]);
    expect(producers.map((producer) => producer.inFlightBytes())).toEqual([0, 0]);
  });

  it('forgets a lane that is removed', () => {
    const { merge, producers } = lanes(2);
    write(producers[0]!, 1);
    write(producers[1]!, 2);
    merge.remove(0);
    expect(readAll(merge)).toEqual(['1:2']);
    merge.remove(0);
  });
});
