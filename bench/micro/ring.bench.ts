import { createRing, RECORD_WHOLE, RingConsumer, RingProducer } from '../../src/memory/ring.ts';
import { RingMerge } from '../../src/memory/ring-merge.ts';
import { createSequence, Sequence } from '../../src/memory/sequence.ts';
import { type MicroBench, measure } from '../lib/micro.ts';

/** A record's way through a ring, without the other thread: written, published, read, given back. */

const RECORD = Buffer.alloc(360, 0x61);

function pass(records: number): () => number {
  const memory = createRing(262_144);
  const [producer, consumer] = [new RingProducer(memory), new RingConsumer(memory)];
  const sequence = new Sequence(createSequence());
  return () => {
    for (let i = 0; i < records; i++)
      producer.append(RECORD, 0, RECORD.length, sequence.next(), RECORD_WHOLE);
    producer.publish();
    const limit = consumer.writeIndex();
    let bytes = 0;
    while (consumer.peek(limit)) {
      bytes += consumer.end - consumer.start;
      consumer.advance();
    }
    consumer.release(true);
    return bytes;
  };
}

/** Records of several rings in the order of their numbers. */
function merge(lanes: number): () => number {
  const memories = Array.from({ length: lanes }, () => createRing(262_144));
  const producers = memories.map((memory) => new RingProducer(memory));
  const sequence = new Sequence(createSequence());
  const merged = new RingMerge(() => {});
  for (const [i, memory] of memories.entries()) merged.add(i, new RingConsumer(memory));
  return () => {
    for (const producer of producers) {
      producer.append(RECORD, 0, RECORD.length, sequence.next(), RECORD_WHOLE);
      producer.publish();
    }
    merged.refresh();
    let bytes = 0;
    for (let consumer = merged.next(); consumer !== undefined; consumer = merged.next()) {
      bytes += consumer.end - consumer.start;
      consumer.advance();
    }
    merged.release(true, () => {});
    return bytes;
  };
}

export const run: MicroBench = ({ smoke }) =>
  measure(smoke, (add) => {
    add('1 record of 360 bytes', pass(1));
    add('32 records published together', pass(32));
    add('1 record from each of 8 rings, merged', merge(8));
  });
