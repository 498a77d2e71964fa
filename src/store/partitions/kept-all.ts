import type { KeptState } from '../kept-state.ts';
import { keepTrying } from '../kept-work.ts';
import type { KeptWrite } from '../kept-write.ts';
import type { BatchedWrite } from '../operations/writes.ts';
import type { Part } from './parts.ts';

/** How it is with the kept writes of several partitions, as one. */
export class KeptAll implements KeptState {
  readonly #all: readonly Part['kept'][];
  /** Work under way, or to be tried again. */
  #works = 0;

  constructor(all: readonly Part['kept'][]) {
    this.#all = all;
  }

  get count(): number {
    return this.#all.reduce((sum, { count }) => sum + count, this.#works);
  }

  get bytes(): number {
    return this.#all.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get isFull(): boolean {
    return this.#all.some(({ isFull }) => isFull);
  }

  noteRefused(): void {
    this.#all[0]!.noteRefused();
  }

  get isBusy(): boolean {
    return this.#all.some(({ isBusy }) => isBusy);
  }

  get calm(): Promise<void> {
    const busy = this.#all.filter(({ isBusy }) => isBusy);
    return Promise.all(busy.map(({ calm }) => calm)).then(() => undefined);
  }

  get isBehind(): boolean {
    return this.#all.some(({ isBehind }) => isBehind);
  }

  settled(): Promise<void> | undefined {
    const waits = this.#all.map((one) => one.settled()).filter((one) => one !== undefined);
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
  }

  flush(isUrgent = false): void {
    for (const one of this.#all) one.flush(isUrgent);
  }

  /** The same write for each of them. */
  add(write: BatchedWrite, more: KeptWrite): Promise<unknown> {
    return Promise.all(this.#all.map((one) => one.add(write, more)));
  }

  run(work: () => Promise<unknown>): Promise<void> | undefined {
    if (this.isFull) {
      this.noteRefused();
      return undefined;
    }
    this.flush(true);
    this.#works++;
    return keepTrying(this, work).finally(() => {
      this.#works--;
    });
  }

  onBehind(listener: (isBehind: boolean, cause: unknown) => void): () => void {
    let wasBehind = this.isBehind;
    const ends = this.#all.map((one) =>
      one.onBehind((_isBehind, cause) => {
        if (this.isBehind === wasBehind) return;
        wasBehind = this.isBehind;
        listener(wasBehind, cause);
      }),
    );
    return () => {
      for (const end of ends) end();
    };
  }
}
