import { FRAME_BYTES_MAX, OVERFLOW_BYTES_MAX } from '../limits.ts';
import { Counter } from './counters.ts';
import type { Doorbell } from './doorbell.ts';
import {
  RECORD_FIRST,
  RECORD_LAST,
  RingConsumer,
  RingCorruptError,
  RingProducer,
  recordBytesMax,
} from './ring.ts';
import type { Sequence } from './sequence.ts';

/** A frame waiting for room; `done` bytes of it have been written already. */
interface Waiting {
  readonly bytes: Buffer;
  done: number;
}

/** The way to one other thread. */
class Lane {
  readonly thread: number;
  readonly memory: SharedArrayBuffer;
  readonly producer: RingProducer;
  readonly partBytes: number;
  readonly isPatient: boolean;
  readonly overflow: Waiting[] = [];
  overflowBytes = 0;
  /** Frames taken on, and frames of these that are in the ring as a whole. */
  accepted = 0;
  written = 0;
  /** Whether the receiver must be looked at at the end of the turn. */
  isDirty = false;

  constructor(thread: number, memory: SharedArrayBuffer, isPatient: boolean) {
    this.thread = thread;
    this.memory = memory;
    this.producer = new RingProducer(memory);
    this.partBytes = recordBytesMax(this.producer.capacityBytes) & ~3;
    this.isPatient = isPatient;
  }
}

export type OutboxLane = Pick<Lane, 'producer' | 'accepted' | 'written'>;

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
  readonly #overflowBytesMax: number;
  /** Lanes with frames that wait for room; and those of them that should hold up input. */
  #waitingLanes = 0;
  #congestedLanes = 0;
  #last: Lane | undefined;

  constructor(
    sequence: Sequence,
    bell: Doorbell,
    counters: Float64Array,
    overflowBytesMax = OVERFLOW_BYTES_MAX,
  ) {
    this.#sequence = sequence;
    this.#bell = bell;
    this.#counters = counters;
    this.#overflowBytesMax = overflowBytesMax;
  }

  /**
   * Opens the lane to `thread`, over a fresh ring. `isPatient`: input need not wait for it. That is for the store: while it hangs, messages
   * between those who are online go on (threat T56).
   */
  connect(thread: number, memory: SharedArrayBuffer, isPatient = false): void {
    if (this.#lanes[thread] !== undefined) this.reclaim(thread);
    this.#lanes[thread] = new Lane(thread, memory, isPatient);
  }

  /**
   * Closes the lane to a thread that has died. Returns what it had not given back: whole frames, in order. What it was just handling is
   * among them, too.
   */
  reclaim(thread: number): Buffer[] {
    const lane = this.#lanes[thread];
    if (lane === undefined) return [];
    this.#lanes[thread] = undefined;
    if (this.#last === lane) this.#last = undefined;
    if (lane.overflow.length > 0) this.#countWaiting(lane, -1);
    lane.producer.publish();
    const frames = this.#unread(lane.memory);
    // A frame whose first parts are in the ring waits as a whole in the queue.
    for (const waiting of lane.overflow) frames.push(waiting.bytes);
    return frames;
  }

  /** Whether frames wait for room: then no more input should be taken on. */
  get isCongested(): boolean {
    return this.#congestedLanes > 0;
  }

  /**
   * Sends a frame. False when it was refused: no such thread, or its queue is full. The bytes are copied: the caller may use their
   * memory again.
   */
  send(thread: number, bytes: Buffer): boolean {
    if (bytes.length === 0) throw new RangeError('a frame has at least one byte');
    const lane = this.#lanes[thread];
    if (lane === undefined || bytes.length > FRAME_BYTES_MAX) return this.#refuse();
    let done = 0;
    if (lane.overflow.length === 0) {
      done = this.#write(lane, bytes, 0);
      if (done === bytes.length) {
        lane.isDirty = true;
        lane.accepted++;
        return true;
      }
    }
    return this.#queue(lane, bytes, done);
  }

  /** Makes everything sent visible, moves on what waited, and wakes the receivers. Called once a turn. */
  publish(): void {
    for (const lane of this.#lanes) {
      if (lane === undefined || !lane.isDirty) continue;
      lane.isDirty = false;
      if (lane.overflow.length > 0) this.#drain(lane);
      lane.producer.publish();
      if (this.#bell.ring(lane.thread)) this.#counters[Counter.doorbell_rung]!++;
    }
    this.#last = undefined;
  }

  /**
   * Tries once more what waits for room, after the thread has said that it sleeps: room given back before that rang no bell.
   * Returns whether a whole frame moved.
   */
  retry(): boolean {
    if (this.#waitingLanes === 0) return false;
    const before = this.#waitingFrames();
    this.publish();
    return this.#waitingFrames() < before;
  }

  /** The lane to `thread`, for fences. Another object once the thread was replaced. */
  lane(thread: number): OutboxLane | undefined {
    return this.#lanes[thread];
  }

  /** Bytes under way to `thread`, in its ring and in the queue before it. */
  inFlightBytes(thread: number): number {
    const lane = this.#lanes[thread];
    return lane === undefined ? 0 : lane.producer.inFlightBytes() + lane.overflowBytes;
  }

  /** Frames that wait behind the ring to `thread`. */
  overflowLength(thread: number): number {
    return this.#lanes[thread]?.overflow.length ?? 0;
  }

  #waitingFrames(): number {
    let frames = 0;
    for (const lane of this.#lanes) frames += lane?.overflow.length ?? 0;
    return frames;
  }

  #refuse(): false {
    this.#counters[Counter.ring_overflow_refused]!++;
    return false;
  }

  #queue(lane: Lane, bytes: Buffer, done: number): boolean {
    // The rest of a frame that is in the ring in part must follow.
    if (done === 0 && lane.overflowBytes + bytes.length > this.#overflowBytesMax) return this.#refuse();
    if (lane.overflow.length === 0) this.#countWaiting(lane, 1);
    lane.overflow.push({ bytes: Buffer.from(bytes), done });
    lane.overflowBytes += bytes.length;
    lane.isDirty = true;
    lane.accepted++;
    this.#counters[Counter.ring_overflow_frames]!++;
    this.#counters[Counter.ring_overflow_bytes]! += bytes.length;
    return true;
  }

  #countWaiting(lane: Lane, change: number): void {
    this.#waitingLanes += change;
    if (!lane.isPatient) this.#congestedLanes += change;
  }

  #drain(lane: Lane): void {
    const { overflow } = lane;
    // First asked for, then looked for: room given back in between is not missed.
    lane.producer.wantRoom();
    let sent = 0;
    while (sent < overflow.length) {
      const waiting = overflow[sent]!;
      waiting.done = this.#write(lane, waiting.bytes, waiting.done);
      if (waiting.done < waiting.bytes.length) break;
      lane.overflowBytes -= waiting.bytes.length;
      sent++;
    }
    overflow.splice(0, sent);
    if (overflow.length === 0) this.#countWaiting(lane, -1);
    else lane.isDirty = true;
  }

  /**
   * Writes a frame from `done` on, in parts if it is larger than a record may be. Returns how far it came: at `bytes.length` all of it is in
   * the ring.
   */
  #write(lane: Lane, bytes: Buffer, done: number): number {
    const { producer, partBytes } = lane;
    // What went to another ring before must be visible before this: readers rely on it (see ring-merge.ts).
    if (this.#last !== lane) {
      this.#last?.producer.publish();
      this.#last = lane;
    }
    while (done < bytes.length) {
      const end = Math.min(bytes.length, done + partBytes);
      const flags = (done === 0 ? RECORD_FIRST : 0) | (end === bytes.length ? RECORD_LAST : 0);
      if (!producer.append(bytes, done, end, this.#sequence.next(), flags)) return done;
      this.#counters[Counter.ring_bytes_out]! += end - done;
      done = end;
    }
    lane.written++;
    this.#counters[Counter.ring_frames_out]!++;
    return done;
  }

  /** The whole frames in a dead thread's ring. One that it had begun to give back is not whole any more. */
  #unread(memory: SharedArrayBuffer): Buffer[] {
    const frames: Buffer[] = [];
    let parts: Buffer[] | undefined;
    const ring = new RingConsumer(memory);
    try {
      while (ring.peek(ring.writeIndex())) {
        if ((ring.flags & RECORD_FIRST) !== 0) parts = [];
        parts?.push(Buffer.from(ring.bytes.subarray(ring.start, ring.end)));
        if ((ring.flags & RECORD_LAST) !== 0 && parts !== undefined) {
          frames.push(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
          parts = undefined;
        }
        ring.advance();
      }
    } catch (error) {
      if (!(error instanceof RingCorruptError)) throw error;
      this.#counters[Counter.ring_corrupt]!++;
    }
    return frames;
  }
}
