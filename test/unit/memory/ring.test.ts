import { describe, expect, it } from 'vitest';
import {
  createRing,
  RECORD_FIRST,
  RECORD_HEADER_BYTES,
  RECORD_LAST,
  RECORD_WHOLE,
  RING_HEADER_BYTES,
  RingConsumer,
  RingCorruptError,
  RingProducer,
  recordBytesMax,
} from '../../../src/memory/ring.ts';
import { put, READ_WORD, ringAt, SETTLED_WORD, take, WRITE_WORD } from './fakes.ts';

const CAPACITY = 256;

function both(memory: SharedArrayBuffer): { producer: RingProducer; consumer: RingConsumer } {
  return { producer: new RingProducer(memory), consumer: new RingConsumer(memory) };
}

function wordsOf(memory: SharedArrayBuffer): Int32Array {
  return new Int32Array(memory);
}

describe('createRing', () => {
  it.each([0, 32, 63, 100, 192, 2 ** 31])('refuses a capacity of %i bytes', (capacity) => {
    expect(() => createRing(capacity)).toThrow(RangeError);
  });

  it('takes powers of two from 64 on', () => {
    expect(createRing(64).byteLength).toBe(64 + RING_HEADER_BYTES);
    expect(createRing(4096).byteLength).toBe(4096 + RING_HEADER_BYTES);
  });
});

describe('a ring', () => {
  it('hands records over in order, with their number and flags', () => {
    const { producer, consumer } = both(createRing(CAPACITY));
    producer.append(Buffer.from('_ab_'), 1, 3, 7, RECORD_FIRST);
    producer.append(Buffer.from('c'), 0, 1, 9, RECORD_LAST);
    producer.publish();
    const limit = consumer.writeIndex();
    expect(consumer.peek(limit)).toBe(true);
    expect(consumer.bytes.toString('latin1', consumer.start, consumer.end)).toBe('ab');
    expect([consumer.sequence, consumer.flags]).toEqual([7, RECORD_FIRST]);
    consumer.advance();
    expect(consumer.peek(limit)).toBe(true);
    expect([consumer.sequence, consumer.flags]).toEqual([9, RECORD_LAST]);
    consumer.advance();
    expect(consumer.peek(limit)).toBe(false);
  });

  it('shows a record only once it is published', () => {
    const { producer, consumer } = both(createRing(CAPACITY));
    producer.append(Buffer.from('x'), 0, 1, 0, RECORD_WHOLE);
    expect(take(consumer)).toBeUndefined();
    expect(producer.publish()).toBe(true);
    expect(producer.publish()).toBe(false);
    expect(take(consumer)).toBe('x');
  });

  it('does not show a record beyond the limit asked for', () => {
    const { producer, consumer } = both(createRing(CAPACITY));
    put(producer, 'first');
    const limit = consumer.writeIndex();
    put(producer, 'second');
    expect(consumer.peek(limit)).toBe(true);
    consumer.advance();
    expect(consumer.peek(limit)).toBe(false);
    expect(take(consumer)).toBe('second');
  });

  it.each([0, 1, 2, 3, 4, 5])('carries a record of %i bytes', (length) => {
    const { producer, consumer } = both(createRing(CAPACITY));
    const text = 'x'.repeat(length);
    for (let round = 0; round < 50; round++) {
      expect(put(producer, text)).toBe(true);
      expect(take(consumer)).toBe(text);
      consumer.release(true);
    }
  });

  it('takes a record that fills it to the last byte, and none that is one byte longer', () => {
    const { producer, consumer } = both(createRing(CAPACITY));
    const largest = 'x'.repeat(CAPACITY - RECORD_HEADER_BYTES);
    expect(put(producer, `${largest}x`)).toBe(false);
    expect(put(producer, largest.slice(1))).toBe(true);
    expect(take(consumer)).toBe(largest.slice(1));
    consumer.release(true);
    expect(put(producer, largest)).toBe(true);
    expect(put(producer, '')).toBe(false);
    expect(take(consumer)).toBe(largest);
    consumer.release(true);
    expect(put(producer, '')).toBe(true);
  });

  it.each([CAPACITY, 64])(
    'takes the largest record at every position once it is empty (%i bytes)',
    (capacity) => {
      const { producer, consumer } = both(createRing(capacity));
      const largest = 'x'.repeat(recordBytesMax(capacity));
      for (let round = 0; round < capacity; round++) {
        expect(put(producer, largest)).toBe(true);
        expect(take(consumer)).toBe(largest);
        consumer.release(true);
        // Every second round moves the position by the smallest record.
        expect(put(producer, '')).toBe(true);
        expect(take(consumer)).toBe('');
        consumer.release(true);
      }
    },
  );

  it('refuses a record when full, and takes it when space was given back', () => {
    const { producer, consumer } = both(createRing(64));
    expect(put(producer, 'a'.repeat(20))).toBe(true);
    expect(put(producer, 'b'.repeat(20))).toBe(true);
    expect(put(producer, 'c')).toBe(false);
    expect(take(consumer)).toBe('a'.repeat(20));
    expect(put(producer, 'c')).toBe(false);
    consumer.release(false);
    expect(put(producer, 'c')).toBe(true);
    expect([take(consumer), take(consumer), take(consumer)]).toEqual(['b'.repeat(20), 'c', undefined]);
  });

  it('leaves the bytes of a record alone until they are given back', () => {
    const { producer, consumer } = both(createRing(64));
    put(producer, 'precious');
    consumer.peek(consumer.writeIndex());
    const { start, end } = consumer;
    consumer.advance();
    while (put(producer, 'noise'));
    expect(consumer.bytes.toString('latin1', start, end)).toBe('precious');
  });

  it.each([-4, -64, -128, -256, 2 ** 31 - 128, -(2 ** 31)])(
    'goes on when its indices wrap (from %i)',
    (index) => {
      const { producer, consumer } = both(ringAt(CAPACITY, index));
      const waiting: string[] = [];
      for (let i = 0; i < 1_000; i++) {
        const text = `${i}`.repeat(1 + (i % 17));
        if (put(producer, text)) waiting.push(text);
        else {
          expect(take(consumer)).toBe(waiting.shift());
          consumer.release(true);
        }
        expect(producer.inFlightBytes()).toBeLessThanOrEqual(CAPACITY);
      }
      for (const text of waiting) expect(take(consumer)).toBe(text);
      consumer.release(true);
      expect(producer.inFlightBytes()).toBe(0);
    },
  );

  it('goes on where an earlier holder of the same side stopped', () => {
    const memory = createRing(CAPACITY);
    const { producer, consumer } = both(memory);
    put(producer, 'one');
    put(producer, 'two');
    expect(take(consumer)).toBe('one');
    consumer.release(false);
    const later = both(memory);
    put(later.producer, 'three');
    expect([take(later.consumer), take(later.consumer)]).toEqual(['two', 'three']);
  });

  it('repeats what the dead consumer had not given back', () => {
    const memory = createRing(CAPACITY);
    const { producer, consumer } = both(memory);
    put(producer, 'handled, not given back');
    take(consumer);
    expect(take(new RingConsumer(memory))).toBe('handled, not given back');
  });

  it('shows nothing of a record whose producer died before publishing it', () => {
    const memory = createRing(CAPACITY);
    const { producer, consumer } = both(memory);
    put(producer, 'whole');
    producer.append(Buffer.from('half'), 0, 4, 0, RECORD_WHOLE);
    expect(take(consumer)).toBe('whole');
    expect(take(consumer)).toBeUndefined();
    // Whoever goes on writes over it.
    put(new RingProducer(memory), 'next');
    expect(take(consumer)).toBe('next');
  });
});

describe('room', () => {
  it('is announced once, to a producer that has asked', () => {
    const { producer, consumer } = both(createRing(CAPACITY));
    put(producer, 'a');
    put(producer, 'b');
    take(consumer);
    expect(consumer.release(true)).toBe(false);
    producer.wantRoom();
    expect(consumer.release(true)).toBe(false);
    take(consumer);
    expect(consumer.release(true)).toBe(true);
    expect(consumer.release(true)).toBe(false);
  });

  it('is announced again when what was given back settles', () => {
    const { producer, consumer } = both(createRing(CAPACITY));
    put(producer, 'a');
    producer.wantRoom();
    take(consumer);
    expect(consumer.release(false)).toBe(true);
    producer.wantRoom();
    expect(consumer.release(false)).toBe(false);
    expect(consumer.release(true)).toBe(true);
  });
});

describe('settling', () => {
  it('says that everything before a mark was handled, which giving space back alone does not', () => {
    const { producer, consumer } = both(createRing(CAPACITY));
    put(producer, 'a');
    const mark = producer.mark();
    put(producer, 'b');
    expect(producer.isSettled(mark)).toBe(false);
    take(consumer);
    consumer.release(false);
    expect(producer.isSettled(mark)).toBe(false);
    consumer.release(true);
    expect(producer.isSettled(mark)).toBe(true);
    expect(producer.isSettled(producer.mark())).toBe(false);
  });

  it('is judged rightly when indices wrap', () => {
    const { producer, consumer } = both(ringAt(CAPACITY, -8));
    put(producer, 'a');
    const mark = producer.mark();
    expect(mark).toBeGreaterThan(0);
    expect(producer.isSettled(mark)).toBe(false);
    take(consumer);
    consumer.release(true);
    expect(producer.isSettled(mark)).toBe(true);
  });
});

describe('damaged memory', () => {
  it.each([-2, -(2 ** 31), 65, 1_000_000, 2 ** 31 - 1])('with a length of %i is refused', (length) => {
    const memory = createRing(CAPACITY);
    const { producer, consumer } = both(memory);
    put(producer, 'x'.repeat(40));
    wordsOf(memory)[RING_HEADER_BYTES / 4] = length;
    expect(() => take(consumer)).toThrow(RingCorruptError);
    expect(consumer.reset()).toBe(40 + RECORD_HEADER_BYTES);
    consumer.release(true);
    expect(take(consumer)).toBeUndefined();
    put(producer, 'next');
    expect(take(consumer)).toBe('next');
  });

  it('with a SKIP that nothing follows is refused', () => {
    const memory = createRing(CAPACITY);
    const { producer, consumer } = both(memory);
    put(producer, 'x'.repeat(40));
    wordsOf(memory)[RING_HEADER_BYTES / 4] = -1;
    expect(() => take(consumer)).toThrow(RingCorruptError);
  });

  it('with bytes of an earlier round is refused', () => {
    const memory = createRing(64);
    const { producer, consumer } = both(memory);
    for (const text of ['a'.repeat(20), 'b'.repeat(20)]) {
      put(producer, text);
      take(consumer);
      consumer.release(true);
    }
    // The index runs ahead: what lies there was read before.
    wordsOf(memory)[WRITE_WORD]! += 32;
    expect(() => take(consumer)).toThrow(RingCorruptError);
  });

  it.each([1, 3, 2 ** 30, -(2 ** 31), 4096, -4])(
    'with an impossible write index (%i off) is waited out',
    (off) => {
      const memory = createRing(CAPACITY);
      const { producer, consumer } = both(memory);
      put(producer, 'kept');
      wordsOf(memory)[WRITE_WORD]! += off === -4 ? -20 : off;
      expect(take(consumer)).toBeUndefined();
      put(producer, 'next');
      expect([take(consumer), take(consumer)]).toEqual(['kept', 'next']);
    },
  );

  it.each([1, 2 ** 30, -(2 ** 31), -4096])(
    'with an impossible read index (%i off) heals without loss',
    (off) => {
      const memory = createRing(64);
      const { producer, consumer } = both(memory);
      put(producer, 'a'.repeat(20));
      put(producer, 'b'.repeat(20));
      take(consumer);
      consumer.release(true);
      wordsOf(memory)[READ_WORD]! += off;
      wordsOf(memory)[SETTLED_WORD]! += off;
      expect(put(producer, 'c'.repeat(20))).toBe(false);
      producer.wantRoom();
      // Nothing new to tell, but the producer waits.
      expect(consumer.release(true)).toBe(true);
      expect(put(producer, 'c'.repeat(20))).toBe(true);
      expect([take(consumer), take(consumer)]).toEqual(['b'.repeat(20), 'c'.repeat(20)]);
    },
  );

  it('is left behind by both sides when a possible index led the consumer astray', () => {
    const memory = createRing(64);
    const { producer, consumer } = both(memory);
    put(producer, 'a');
    take(consumer);
    consumer.release(true);
    wordsOf(memory)[WRITE_WORD]! += 48;
    expect(() => take(consumer)).toThrow(RingCorruptError);
    consumer.reset();
    consumer.release(true);
    const got: string[] = [];
    for (let i = 0; i < 20; i++) {
      put(producer, `m${i}`);
      const text = take(consumer);
      if (text !== undefined) got.push(text);
      consumer.release(true);
    }
    expect(got.at(-1)).toBe('m19');
  });
});
