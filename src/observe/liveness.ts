import { HEARTBEAT_LOST_MS, HEARTBEAT_MS } from '../limits.ts';

/** A shard without a sign of life for this long is dead, and nobody could replace it. */
const DEAD_AFTER_MS = 3 * HEARTBEAT_LOST_MS;
/** More time than that between two looks does not count: then the whole process stood still. */
const LOOK_MS_MAX = 2 * HEARTBEAT_MS;

/** Knows whether the event loops of all shards turn, dead ones that are being replaced given some time for it. */
export class Liveness {
  readonly #read: (shard: number) => number;
  readonly #nowMs: () => number;
  readonly #beats: { last: number; sinceMs: number }[];
  readonly #timer: NodeJS.Timeout;
  #lookedMs: number;

  constructor(shards: number, read: (shard: number) => number, nowMs: () => number) {
    this.#read = read;
    this.#nowMs = nowMs;
    this.#lookedMs = nowMs();
    this.#beats = Array.from({ length: shards }, () => ({ last: -1, sinceMs: nowMs() }));
    this.#timer = setInterval(() => this.check(), HEARTBEAT_MS);
    this.#timer.unref();
  }

  check(): void {
    const now = this.#nowMs();
    const stoodMs = Math.max(0, now - this.#lookedMs - LOOK_MS_MAX);
    this.#lookedMs = now;
    for (const [shard, beat] of this.#beats.entries()) {
      const count = this.#read(shard);
      beat.sinceMs += stoodMs;
      if (count === beat.last) continue;
      beat.last = count;
      beat.sinceMs = now;
    }
  }

  /** Shards that are dead. */
  dead(): number[] {
    this.check();
    const now = this.#nowMs();
    return this.#beats.flatMap(({ sinceMs }, shard) => (now - sinceMs >= DEAD_AFTER_MS ? [shard] : []));
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
