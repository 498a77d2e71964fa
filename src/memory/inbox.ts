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
  readonly #failed: (cause: unknown) => void;
  readonly #onRoom: (thread: number) => void;

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

  /** Handles up to `framesMax` frames. Returns how many: as many as that means that there may be more. */
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
      this.#counters[Counter.ring_corrupt]!++;
      merge.resetCorrupt();
    } finally {
      if (frames > 0) {
        this.#counters[Counter.ring_frames_in]! += frames;
        merge.release(this.#onRoom);
      }
    }
    return frames;
  }

  #record(thread: number, consumer: RingConsumer): void {
    const { bytes, start, end, flags } = consumer;
    const parts = this.#parts.get(thread);
    if (parts === undefined) {
      if (flags === RECORD_LAST) this.#handle(thread, bytes, start, end);
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
    this.#handle(thread, frame, 0, frame.length);
  }

  #handle(thread: number, bytes: Buffer, start: number, end: number): void {
    try {
      this.#handler(thread, bytes, start, end);
    } catch (cause) {
      this.#failed(cause);
    }
  }
}
