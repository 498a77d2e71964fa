import type { Accumulator } from '../hooks/accumulator.ts';

/**
 * Explaining a route without going it (`meerkat route`): while `isActive`, whatever would leave the shard's memory — a delivery, a
 * frame, a request to the store — is noted instead of done. It is active only within one synchronous call.
 */
export class DryRun {
  #acc: Accumulator | undefined;

  get isActive(): boolean {
    return this.#acc !== undefined;
  }

  /** Notes an effect that is not carried out. */
  note(step: string, outcome: string): void {
    this.#acc?.trace?.note({ step, outcome });
  }

  /** Runs `work` so that it has no effect. */
  run(acc: Accumulator, work: () => void): void {
    this.#acc = acc;
    try {
      work();
    } finally {
      this.#acc = undefined;
    }
  }
}
