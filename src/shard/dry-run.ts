import type { Trace } from '../hooks/trace.ts';

/**
 * Explaining a route without going it (`meerkat route`): while `isActive`, whatever would leave the shard's memory (a request to the store,
 * a question to the main thread, an event) is noted instead of done.
 *
 * It is active only within one synchronous call, so that nothing of a live stanza ever gets into it. What belongs to an accumulator needs
 * no such flag: it looks at the accumulator's trace, which stays with it. Promises that would bring an answer from outside never settle, so
 * that a handler which waits for one goes no further.
 */
export class DryRun {
  #trace: Trace | undefined;

  get isActive(): boolean {
    return this.#trace !== undefined;
  }

  /** The trace of what is being explained. */
  get trace(): Trace | undefined {
    return this.#trace;
  }

  /** Notes an effect that is not carried out. */
  note(step: string, outcome: string): void {
    this.#trace?.note({ step, outcome });
  }

  /** Notes a question that is not asked. Its answer never comes. */
  never<T>(step: string, outcome: string): Promise<T> {
    this.note(step, outcome);
    return new Promise(() => {});
  }

  /** Runs `work` so that it has no effect. */
  run<T>(trace: Trace, work: () => T): T {
    this.#trace = trace;
    try {
      return work();
    } finally {
      this.#trace = undefined;
    }
  }
}
