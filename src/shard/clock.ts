import { performance } from 'node:perf_hooks';
import { monotonicMs } from '../util/monotonic.ts';

/** How often it is looked whether somebody has set the wall clock, and by how much it must be off. */
const LOOK_MS = 1_000;
const SET_US = 2_000_000;
const TRIES = 5;

/** The shard's clocks. */
export class Clock {
  /** Microseconds since the epoch at the zero of `performance.now()`. */
  #originUs: number;
  #lookMs = 0;
  #lastUs = 0;

  /**
   * `offsetUs`: microseconds since the epoch at the zero of the monotonic clock. One for all shards of a process: so what one does because of another has a higher number.
   */
  constructor(offsetUs: number) {
    this.#originUs = offsetUs + threadStartUs();
  }

  /** Microseconds since the epoch; every call gives a higher number, so that it orders what this shard does. */
  timestamp(): number {
    const ms = performance.now();
    if (ms >= this.#lookMs) this.#look(ms);
    const now = Math.floor(this.#originUs + ms * 1_000);
    this.#lastUs = now > this.#lastUs ? now : this.#lastUs + 1;
    return this.#lastUs;
  }

  /** Milliseconds that never jump, for timeouts (threat T73). */
  monotonicMs(): number {
    return performance.now();
  }

  #look(ms: number): void {
    this.#lookMs = ms + LOOK_MS;
    const off = Date.now() * 1_000 - (this.#originUs + ms * 1_000);
    if (Math.abs(off) > SET_US) this.#originUs += off;
  }
}

/** When this thread's `performance.now()` was zero, on the monotonic clock: the thread may be interrupted between two looks, so several are taken. */
function threadStartUs(): number {
  const starts = Array.from({ length: TRIES }, () => {
    const now = performance.now();
    return (monotonicMs() - now) * 1_000;
  });
  return Math.min(...starts);
}
