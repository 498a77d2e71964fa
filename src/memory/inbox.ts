import { FRAME_BYTES_MAX } from '../limits.ts';
import { Counter } from './counters.ts';
import type { Doorbell } from './doorbell.ts';
import { RECORD_LAST, type RingConsumer, RingCorruptError } from './ring.ts';
import { RingMerge } from './ring-merge.ts';

/** Handles one whole frame. Its bytes are gone afterwards. */
export type FrameHandler = (thread: number, bytes: Buffer, start: number, end: number) => void;

/**
 * What other threads send to this one: all their rings as one stream, in the order of cause and effect. Frames that came in parts are
 * put together here.
 */
export class Inbox {
  readonly merge = new RingMerge();
  readonly #bell: Doorbell;
  readonly #counters: Float64Array;
  readonly #handler: FrameHandler;
  readonly #parts = new Map<number, Buffer[]>();
  readonly #onRoom: (thread: number) => void;

  constructor(bell: Doorbell, counters: Float64Array, handler: FrameHandler) {
    this.#bell = bell;
    this.#counters = counters;
    this.#handler = handler;
    this.#onRoom = (thread) => {
      this.#bell.ring(thread);
    };
  }

  connect(thread: number, consumer: RingConsumer): void {
    this.merge.remove(thread);
    this.#parts.delete(thread);
    this.merge.add(thread, consumer);
  }

  disconnect(thread: number): void {
    this.merge.remove(thread);
    this.#parts.delete(thread);
  }

  /** Handles up to `framesMax` frames. Returns whether there may be more. */
  drain(framesMax: number): boolean {
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
      this.#counters[Counter.ring_corrupt]!++;
      merge.resetCorrupt();
    } finally {
      if (frames > 0) {
        this.#counters[Counter.ring_frames_in]! += frames;
        merge.release(this.#onRoom);
      }
    }
    return frames === framesMax;
  }

  #record(thread: number, consumer: RingConsumer): void {
    const { bytes, start, end, flags } = consumer;
    const parts = this.#parts.get(thread);
    if (parts === undefined) {
      if (flags === RECORD_LAST) this.#handler(thread, bytes, start, end);
      else this.#parts.set(thread, [Buffer.from(bytes.subarray(start, end))]);
      return;
    }
    parts.push(Buffer.from(bytes.subarray(start, end)));
    const isTooLong = parts.reduce((sum, part) => sum + part.length, 0) > FRAME_BYTES_MAX;
    if (isTooLong) {
      this.#parts.delete(thread);
      throw new RingCorruptError('frame too long');
    }
    if (flags !== RECORD_LAST) return;
    this.#parts.delete(thread);
    const frame = Buffer.concat(parts);
    this.#handler(thread, frame, 0, frame.length);
  }
}
