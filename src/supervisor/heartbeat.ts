import { HEARTBEAT_LOST_MS, HEARTBEAT_MS } from '../limits.ts';

/** A thread whose life is watched: it counts up a cell in shared memory as long as its loop turns. */
interface Watched {
  read(): number;
  lost(): void;
  last: number;
  sinceMs: number;
}

/** Finds threads whose loop does not turn any more (threat T58). */
export class Heartbeat {
  readonly #nowMs: () => number;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: NodeJS.Timeout;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#timer = setInterval(() => this.check(), HEARTBEAT_MS);
    this.#timer.unref();
  }

  watch(name: string, read: () => number, lost: () => void): void {
    this.#watched.set(name, { read, lost, last: read(), sinceMs: this.#nowMs() });
  }

  forget(name: string): void {
    this.#watched.delete(name);
  }

  check(): void {
    const now = this.#nowMs();
    for (const [name, thread] of this.#watched) {
      const beat = thread.read();
      if (beat !== thread.last) {
        thread.last = beat;
        thread.sinceMs = now;
      } else if (now - thread.sinceMs >= HEARTBEAT_LOST_MS) {
        this.#watched.delete(name);
        thread.lost();
      }
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
