import { FRAME_BYTES_MAX } from '../limits.ts';
import { Counter } from './counters.ts';
import type { Doorbell } from './doorbell.ts';
import { RECORD_FIRST, RECORD_LAST, RECORD_WHOLE, type RingConsumer, RingCorruptError } from './ring.ts';
import { RingMerge } from './ring-merge.ts';

/** Handles one whole frame. Its bytes are gone at the end of the turn. */
export type FrameHandler = (thread: number, bytes: Buffer, start: number, end: number) => void;

/** A frame of which not all parts have come. */
interface Unfinished {
  readonly parts: Buffer[];
  bytes: number;
}

/**
 * What other threads send to this one: all their rings as one stream, in the order of cause and effect. Frames that came in parts are
 * put together here.
 */
export class Inbox {
  /** A lane was reset: what had come of a frame in parts is worth nothing without the rest. */
  readonly #onReset = (thread: number): void => {
    this.#unfinished.delete(thread);
    this.#counters[Counter.ring_corrupt]!++;
  };
  readonly merge = new RingMerge(this.#onReset);
  readonly #bell: Doorbell;
  readonly #counters: Float64Array;
  readonly #handler: FrameHandler;
  readonly #failed: (cause: unknown) => void;
  readonly #unfinished = new Map<number, Unfinished>();
  readonly #onRoom = (thread: number): void => {
    this.#bell.ring(thread);
  };

  /** `failed` hears what the handler throws: one bad frame must not stop those behind it. */
  constructor(
    bell: Doorbell,
    counters: Float64Array,
    handler: FrameHandler,
    failed: (cause: unknown) => void,
  ) {
    this.#bell = bell;
    this.#counters = counters;
    this.#handler = handler;
    this.#failed = failed;
  }

  connect(thread: number, consumer: RingConsumer): void {
    this.disconnect(thread);
    this.merge.add(thread, consumer);
  }

  disconnect(thread: number): void {
    this.merge.remove(thread);
    this.#unfinished.delete(thread);
  }

  /** Handles all that a thread sent before it died, and what comes before that in order; then closes its lane. */
  finish(thread: number): void {
    while (!this.merge.isDrained(thread) && this.drain(1) > 0);
    this.disconnect(thread);
  }

  /** Handles up to `framesMax` records. Returns how many: as many as that means that there may be more. */
  drain(framesMax: number): number {
    const { merge } = this;
    merge.refresh();
    let frames = 0;
    try {
      while (frames < framesMax) {
        const consumer = merge.next();
        if (consumer === undefined) break;
        consumer.advance();
        frames++;
        this.#record(merge.lane, consumer);
      }
    } catch (error) {
      if (!(error instanceof RingCorruptError)) throw error;
      merge.resetCorrupt();
    }
    this.#counters[Counter.ring_frames_in]! += frames;
    return frames;
  }

  /**
   * Gives back the space of everything handled. Called at the end of a turn, when what the frames led to has been written and sent:
   * should the thread die before, their senders still have them. `isSettled`: all of it is visible to its receivers.
   */
  release(isSettled: boolean): void {
    this.merge.release(isSettled, this.#onRoom);
  }

  #record(thread: number, { bytes, start, end, flags }: RingConsumer): void {
    if (flags === RECORD_WHOLE) {
      this.#unfinished.delete(thread);
      this.#handle(thread, bytes, start, end);
      return;
    }
    if ((flags & RECORD_FIRST) !== 0) this.#unfinished.set(thread, { parts: [], bytes: 0 });
    const frame = this.#unfinished.get(thread);
    // The beginning was lost when the lane was reset.
    if (frame === undefined) return;
    frame.parts.push(Buffer.from(bytes.subarray(start, end)));
    frame.bytes += end - start;
    if (frame.bytes > FRAME_BYTES_MAX) {
      this.#onReset(thread);
      return;
    }
    if ((flags & RECORD_LAST) === 0) return;
    this.#unfinished.delete(thread);
    this.#handle(thread, Buffer.concat(frame.parts), 0, frame.bytes);
  }

  #handle(thread: number, bytes: Buffer, start: number, end: number): void {
    try {
      this.#handler(thread, bytes, start, end);
    } catch (cause) {
      this.#failed(cause);
    }
  }
}
