import { COUNTER_NAMES } from '../../../src/memory/counters.ts';
import { createDoorbells, Doorbell } from '../../../src/memory/doorbell.ts';
import { Inbox } from '../../../src/memory/inbox.ts';
import { Outbox } from '../../../src/memory/outbox.ts';
import { createRing, RECORD_WHOLE, RingConsumer, type RingProducer } from '../../../src/memory/ring.ts';
import { createSequence, Sequence } from '../../../src/memory/sequence.ts';

/** A ring whose indices stand at `index`, as after so many bytes (modulo 2^32). */
export function ringAt(capacityBytes: number, index: number): SharedArrayBuffer {
  const memory = createRing(capacityBytes);
  const words = new Int32Array(memory);
  for (const word of [WRITE_WORD, READ_WORD, SETTLED_WORD]) words[word] = index;
  return memory;
}

/** Where ring.ts keeps its indices. */
export const WRITE_WORD = 0;
export const READ_WORD = 16;
export const SETTLED_WORD = 17;

let sequence = 0;

/** Appends and publishes a whole frame. */
export function put(producer: RingProducer, text: string | Buffer): boolean {
  const bytes = Buffer.from(text);
  const isIn = producer.append(bytes, 0, bytes.length, sequence++, RECORD_WHOLE);
  producer.publish();
  return isIn;
}

/** Takes the next record, without giving its space back; undefined when there is none. */
export function take(consumer: RingConsumer): string | undefined {
  if (!consumer.peek(consumer.writeIndex())) return undefined;
  const text = consumer.bytes.toString('latin1', consumer.start, consumer.end);
  consumer.advance();
  return text;
}

export function counters(): Float64Array {
  return new Float64Array(COUNTER_NAMES.length);
}

/** One thread of {@link connectThreads}: what it sent, and what it got. */
export interface FakeThread {
  readonly id: number;
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly bell: Doorbell;
  readonly counters: Float64Array;
  readonly got: { readonly from: number; readonly text: string }[];
  readonly failures: unknown[];
  /** Threads that this one has woken. */
  readonly woke: number[];
  /** Hears each frame. */
  onFrame: (from: number, text: string) => void;
  /** What the loop does at the end of a turn. */
  turn(framesMax?: number): number;
}

/** Threads that share rings, all of them in this one: `rings[from][to]`. */
export function connectThreads(
  count: number,
  capacityBytes: number,
  overflowBytesMax?: number,
): { threads: FakeThread[]; rings: SharedArrayBuffer[][] } {
  const bells = createDoorbells(count);
  const numbers = createSequence();
  const rings = Array.from({ length: count }, () =>
    Array.from({ length: count }, () => createRing(capacityBytes)),
  );
  const threads = Array.from({ length: count }, (_unused, id): FakeThread => {
    const woke: number[] = [];
    const row = counters();
    const bell = new Doorbell(bells, (thread) => woke.push(thread));
    const outbox = new Outbox(new Sequence(numbers), bell, row, overflowBytesMax);
    const thread: FakeThread = {
      id,
      outbox,
      inbox: new Inbox(
        bell,
        row,
        (from, bytes, start, end) => {
          const text = bytes.latin1Slice(start, end);
          thread.got.push({ from, text });
          thread.onFrame(from, text);
        },
        (cause) => thread.failures.push(cause),
      ),
      bell,
      counters: row,
      got: [],
      failures: [],
      woke,
      onFrame: () => {},
      turn: (framesMax = 1_000) => {
        const frames = thread.inbox.drain(framesMax);
        outbox.publish();
        thread.inbox.release(!outbox.isCongested);
        return frames;
      },
    };
    return thread;
  });
  for (const { id, outbox, inbox } of threads) {
    for (let other = 0; other < count; other++) {
      if (other === id) continue;
      outbox.connect(other, rings[id]![other]!);
      inbox.connect(other, new RingConsumer(rings[other]![id]!));
    }
  }
  return { threads, rings };
}
