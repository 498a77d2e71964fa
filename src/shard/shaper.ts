import type { Connection } from '../c2s/connection.ts';
import { Pause } from '../c2s/pause.ts';

/** A token bucket for what one connection sends: `burst` bytes at once, `maxRate` bytes a second. */
interface Bucket {
  tokens: number;
  atMs: number;
  /** Its connection is paused, and a timer looks after it. */
  isWaiting: boolean;
}

/** What a shaper allows (`[shaper.NAME]`). */
export interface ShaperSettings {
  readonly maxRate: number;
  readonly burst: number;
}

/**
 * Slows down connections that send more than their shaper allows: reading waits until the balance is positive again, and what has
 * been read is handled in order (config.md §5).
 */
export class Shaper {
  readonly #nowMs: () => number;
  readonly #buckets = new WeakMap<Connection, Bucket>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Takes bytes off the connection's balance; an overdraft pauses it. */
  consume(connection: Connection, settings: ShaperSettings, bytes: number): void {
    let bucket = this.#buckets.get(connection);
    if (bucket === undefined) {
      bucket = { tokens: settings.burst, atMs: this.#nowMs(), isWaiting: false };
      this.#buckets.set(connection, bucket);
    } else this.#refill(bucket, settings);
    bucket.tokens -= bytes;
    if (bucket.tokens >= 0 || bucket.isWaiting) return;
    bucket.isWaiting = true;
    connection.pause(Pause.SHAPED);
    this.#wait(connection, bucket, settings);
  }

  #refill(bucket: Bucket, { maxRate, burst }: ShaperSettings): void {
    const now = this.#nowMs();
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.atMs) * maxRate) / 1000);
    bucket.atMs = now;
  }

  /** Lets the connection go on when its balance is even. More may have been read before it paused. */
  #wait(connection: Connection, bucket: Bucket, settings: ShaperSettings): void {
    const waitMs = Math.ceil((-bucket.tokens / settings.maxRate) * 1000);
    setTimeout(() => {
      this.#refill(bucket, settings);
      if (bucket.tokens < 0) {
        this.#wait(connection, bucket, settings);
        return;
      }
      bucket.isWaiting = false;
      connection.unpause(Pause.SHAPED);
    }, waitMs).unref();
  }
}
