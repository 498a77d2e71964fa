import { FRAME_BYTES_MAX, OVERFLOW_BYTES_MAX } from '../limits.ts';
import { Counter } from './counters.ts';
import type { Doorbell } from './doorbell.ts';
import { RECORD_LAST, RingConsumer, RingProducer, recordBytesMax } from './ring.ts';
import type { Sequence } from './sequence.ts';

/** A frame waiting for room; `done` bytes of it have been written already. */
interface Waiting {
  readonly bytes: Buffer;
  done: number;
}

interface Lane {
  readonly thread: number;
  readonly memory: SharedArrayBuffer;
  readonly producer: RingProducer;
  readonly partBytes: number;
  readonly overflow: Waiting[];
  overflowBytes: number;
  isDirty: boolean;
}

/**
 * What this thread sends to others: one ring per receiver, behind each a bounded queue for when it is full.
 *
 * Nothing blocks and nothing is dropped unseen: while a queue is not empty the thread counts as congested and its sockets are
 * not read; a frame that does not fit into the queue any more is refused, and the caller treats it like a
 * stanza to a session that is gone.
 */
export class Outbox {
  readonly #lanes: (Lane | undefined)[] = [];
  readonly #sequence: Sequence;
  readonly #bell: Doorbell;
  readonly #counters: Float64Array;
  #waitingLanes = 0;

  constructor(sequence: Sequence, bell: Doorbell, counters: Float64Array) {
    this.#sequence = sequence;
    this.#bell = bell;
    this.#counters = counters;
  }

  /** Opens the lane to `thread`, over a fresh ring. */
  connect(thread: number, memory: SharedArrayBuffer): void {
    if (this.#lanes[thread] !== undefined) this.reclaim(thread);
    const producer = new RingProducer(memory);
    this.#lanes[thread] = {
      thread,
      memory,
      producer,
      partBytes: recordBytesMax(producer.capacityBytes) & ~3,
      overflow: [],
      overflowBytes: 0,
      isDirty: false,
    };
  }

  /**
   * Closes the lane to a thread that has died. Returns what it had not read: whole frames, in order. (What it had read but not finished is
   * among them, too, if it died before giving the space back.)
   */
  reclaim(thread: number): Buffer[] {
    const lane = this.#lanes[thread];
    if (lane === undefined) return [];
    this.#lanes[thread] = undefined;
    if (lane.overflow.length > 0) this.#waitingLanes--;
    lane.producer.publish();
    const frames: Buffer[] = [];
    let parts: Buffer[] = [];
    const unread = new RingConsumer(lane.memory);
    while (unread.peek(unread.writeIndex())) {
      parts.push(Buffer.from(unread.bytes.subarray(unread.start, unread.end)));
      if (unread.flags === RECORD_LAST) {
        frames.push(Buffer.concat(parts));
        parts = [];
      }
      unread.advance();
    }
    // A frame whose first parts are in the ring waits as a whole in the queue.
    for (const waiting of lane.overflow) frames.push(waiting.bytes);
    return frames;
  }

  /** Whether frames wait for room: then no more input should be taken on. */
  get isCongested(): boolean {
    return this.#waitingLanes > 0;
  }

  /** Sends a frame. False when it was refused: no such thread, or its queue is full. */
  send(thread: number, bytes: Buffer): boolean {
    const lane = this.#lanes[thread];
    if (lane === undefined || bytes.length > FRAME_BYTES_MAX) {
      this.#counters[Counter.ring_overflow_refused]!++;
      return false;
    }
    lane.isDirty = true;
    const waiting: Waiting = { bytes, done: 0 };
    if (lane.overflow.length === 0 && this.#write(lane, waiting)) return true;
    return this.#queue(lane, waiting);
  }

  /** Makes everything sent visible, moves on what waited, and wakes the receivers. Called once a turn. */
  publish(): void {
    for (const lane of this.#lanes) {
      if (lane === undefined || !lane.isDirty) continue;
      lane.isDirty = false;
      if (lane.overflow.length > 0) this.#drain(lane);
      if (lane.producer.publish() && this.#bell.ring(lane.thread)) this.#counters[Counter.doorbell_rung]!++;
    }
  }

  /**
   * Tries once more what waits for room, after the thread has said that it sleeps: room given back before that rang no bell.
   * Returns whether anything moved.
   */
  retry(): boolean {
    if (this.#waitingLanes === 0) return false;
    let before = 0;
    let after = 0;
    for (const lane of this.#lanes) before += lane?.overflow.length ?? 0;
    this.publish();
    for (const lane of this.#lanes) after += lane?.overflow.length ?? 0;
    return after < before;
  }

  /** Bytes under way to `thread`, in its ring and in the queue before it. */
  inFlightBytes(thread: number): number {
    const lane = this.#lanes[thread];
    return lane === undefined ? 0 : lane.producer.inFlightBytes() + lane.overflowBytes;
  }

  /** The producer to `thread`, for fences. */
  producer(thread: number): RingProducer | undefined {
    return this.#lanes[thread]?.producer;
  }

  /** Frames that wait behind the ring to `thread`. */
  overflowLength(thread: number): number {
    return this.#lanes[thread]?.overflow.length ?? 0;
  }

  #queue(lane: Lane, waiting: Waiting): boolean {
    if (waiting.done === 0 && lane.overflowBytes + waiting.bytes.length > OVERFLOW_BYTES_MAX) {
      this.#counters[Counter.ring_overflow_refused]!++;
      return false;
    }
    if (lane.overflow.length === 0) this.#waitingLanes++;
    lane.overflow.push(waiting);
    lane.overflowBytes += waiting.bytes.length;
    this.#counters[Counter.ring_overflow_frames]!++;
    this.#counters[Counter.ring_overflow_bytes]! += waiting.bytes.length;
    return true;
  }

  #drain(lane: Lane): void {
    lane.producer.wantRoom();
    let sent = 0;
    while (sent < lane.overflow.length && this.#write(lane, lane.overflow[sent]!)) {
      lane.overflowBytes -= lane.overflow[sent]!.bytes.length;
      sent++;
    }
    lane.overflow.splice(0, sent);
    if (lane.overflow.length === 0) this.#waitingLanes--;
    else lane.isDirty = true;
  }

  /** Writes what is left of a frame, in parts if it is larger than a record may be. True when all of it is in the ring. */
  #write(lane: Lane, waiting: Waiting): boolean {
    const { bytes } = waiting;
    do {
      const end = Math.min(bytes.length, waiting.done + lane.partBytes);
      const flags = end === bytes.length ? RECORD_LAST : 0;
      if (!lane.producer.append(bytes, waiting.done, end, this.#sequence.next(), flags)) return false;
      this.#counters[Counter.ring_bytes_out]! += end - waiting.done;
      waiting.done = end;
    } while (waiting.done < bytes.length);
    this.#counters[Counter.ring_frames_out]!++;
    return true;
  }
}
