import type { Logger } from '../observe/log.ts';

/** A thread that dies again at once is not started again at once. */
const PAUSES_MS = [0, 100, 500, 1_000, 5_000] as const;
/** After this long without dying, a thread's deaths are forgotten. */
const FORGIVEN_MS = 60_000;

/** Starts threads again that died: at once the first time, then with growing pauses, for ever. */
export class Restarts {
  readonly #log: Pick<Logger, 'error'>;
  readonly #deaths = new Map<number, number[]>();
  #isStopping = false;

  constructor(log: Pick<Logger, 'error'>) {
    this.#log = log;
  }

  /** From now on nothing is started any more. */
  stop(): void {
    this.#isStopping = true;
  }

  /** A thread died; `start` starts it, and is tried again when it rejects. */
  again(thread: number, start: () => Promise<void>): void {
    const now = performance.now();
    const deaths = (this.#deaths.get(thread) ?? []).filter((at) => now - at < FORGIVEN_MS);
    deaths.push(now);
    this.#deaths.set(thread, deaths);
    const pause = PAUSES_MS[Math.min(deaths.length - 1, PAUSES_MS.length - 1)]!;
    setTimeout(() => {
      if (this.#isStopping) return;
      start().catch((cause: unknown) => {
        this.#log.error({ err: cause, what: 'thread_start_failed', thread }, 'a thread could not be started');
        this.again(thread, start);
      });
    }, pause);
  }
}
