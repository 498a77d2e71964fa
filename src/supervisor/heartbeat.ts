import { HEARTBEAT_LOST_MS, HEARTBEAT_MS } from '../limits.ts';

/** A thread whose life is watched: it counts up a cell in shared memory as long as its loop turns. */
interface Watched {
  read(): number;
  lost(): void;
  last: number;
  /** For how long it has been silent, as of the last look. */
  silentMs: number;
}

/** More time than that between two looks does not count: then we stood still ourselves, and perhaps the whole process, for want of a processor. */
const LOOK_MS_MAX = 2 * HEARTBEAT_MS;

/** Finds threads whose loop does not turn any more (threat T58). */
export class Heartbeat {
  readonly #nowMs: () => number;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: NodeJS.Timeout;
  #lookedMs: number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#lookedMs = nowMs();
    this.#timer = setInterval(() => this.check(), HEARTBEAT_MS);
    this.#timer.unref();
  }

  watch(name: string, read: () => number, lost: () => void): void {
    this.#watched.set(name, { read, lost, last: read(), silentMs: this.#lookedMs - this.#nowMs() });
  }

  forget(name: string): void {
    this.#watched.delete(name);
  }

  check(): void {
    const now = this.#nowMs();
    const passedMs = Math.min(now - this.#lookedMs, LOOK_MS_MAX);
    this.#lookedMs = now;
    for (const [name, thread] of this.#watched) {
      const beat = thread.read();
      if (beat !== thread.last) {
        thread.last = beat;
        thread.silentMs = 0;
        continue;
      }
      thread.silentMs += passedMs;
      if (thread.silentMs < HEARTBEAT_LOST_MS) continue;
      this.#watched.delete(name);
      thread.lost();
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
