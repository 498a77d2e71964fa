import { type Connection, Pause } from '../c2s/connection.ts';

/** A token bucket for what one connection sends: `burst` bytes at once, `maxRate` bytes a second. */
interface Bucket {
  tokens: number;
  atMs: number;
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
    const now = this.#nowMs();
    let bucket = this.#buckets.get(connection);
    if (bucket === undefined) {
      bucket = { tokens: settings.burst, atMs: now };
      this.#buckets.set(connection, bucket);
    }
    const refill = ((now - bucket.atMs) * settings.maxRate) / 1000;
    bucket.tokens = Math.min(settings.burst, bucket.tokens + refill) - bytes;
    bucket.atMs = now;
    if (bucket.tokens >= 0) return;
    connection.pause(Pause.SHAPED);
    const waitMs = (-bucket.tokens / settings.maxRate) * 1000;
    setTimeout(() => connection.unpause(Pause.SHAPED), waitMs).unref();
  }
}
