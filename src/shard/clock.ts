import { performance } from 'node:perf_hooks';

/** The shard's clocks. */
export class Clock {
  #lastUs = 0;

  /** Microseconds since the epoch; every call gives a higher number, so that it orders what this shard does. */
  timestamp(): number {
    const now = Date.now() * 1000;
    this.#lastUs = now > this.#lastUs ? now : this.#lastUs + 1;
    return this.#lastUs;
  }

  /** Milliseconds that never jump, for timeouts (threat T73). */
  monotonicMs(): number {
    return performance.now();
  }
}
