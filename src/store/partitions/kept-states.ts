import type { KeptState } from '../kept-state.ts';
import type { KeptWrites } from '../kept-writes.ts';

/** The writes that are kept for several partitions, to those for whom it is one archive. */
export class KeptStates implements KeptState {
  readonly #all: readonly KeptWrites[];

  constructor(all: readonly KeptWrites[]) {
    this.#all = all;
  }

  get count(): number {
    return this.#all.reduce((sum, { count }) => sum + count, 0);
  }

  get bytes(): number {
    return this.#all.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Who brings more does not know where it goes: so one that is full is enough. */
  get isFull(): boolean {
    return this.#all.some(({ isFull }) => isFull);
  }

  noteRefused(): void {
    (this.#all.find(({ isFull }) => isFull) ?? this.#all[0]!).noteRefused();
  }

  get isBusy(): boolean {
    return this.#all.some(({ isBusy }) => isBusy);
  }

  get calm(): Promise<void> {
    const busy = this.#all.filter(({ isBusy }) => isBusy);
    return busy.length === 1 ? busy[0]!.calm : Promise.all(busy.map(({ calm }) => calm)).then(() => {});
  }

  get isBehind(): boolean {
    return this.#all.some(({ isBehind }) => isBehind);
  }

  settled(): Promise<void> | undefined {
    const waits = this.#all.map((kept) => kept.settled()).filter((wait) => wait !== undefined);
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => {});
  }

  flush(isUrgent?: boolean): void {
    for (const kept of this.#all) kept.flush(isUrgent);
  }

  run(work: () => Promise<unknown>): Promise<void> | undefined {
    if (this.isFull) {
      this.noteRefused();
      return undefined;
    }
    const [first, ...others] = this.#all;
    return first!.runBehind(others, work);
  }

  /** Behind as long as one of them is. */
  onBehind(listener: (isBehind: boolean, cause: unknown) => void): () => void {
    const behind = new Set(this.#all.filter(({ isBehind }) => isBehind));
    const ends = this.#all.map((kept) =>
      kept.onBehind((isBehind, cause) => {
        const before = behind.size;
        if (isBehind) behind.add(kept);
        else behind.delete(kept);
        if (before === 0 || behind.size === 0) listener(behind.size > 0, cause);
      }),
    );
    return () => {
      for (const end of ends) end();
    };
  }
}
