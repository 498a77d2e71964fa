import type { Loss, LossCode } from './items.ts';
import { LOSS_KINDS_MAX, LOSS_PLACES_MAX } from './limits.ts';

/** Losses of one kind: how many, and where the first of them are. */
export interface LossKind {
  readonly code: LossCode;
  readonly what: string;
  readonly count: number;
  readonly places: readonly {
    readonly file: string;
    readonly line: number;
    readonly user?: string;
    readonly text?: string;
  }[];
}

interface Counted {
  readonly code: LossCode;
  readonly what: string;
  count: number;
  readonly places: LossKind['places'][number][];
}

/** Gathers what could not be taken, by kind. Its size does not grow with the file. */
export class LossReport {
  readonly #kinds = new Map<string, Counted>();

  add({ code, what, text, place }: Loss, user?: string): void {
    const key = `${code} ${what}`;
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      const isKnown = this.#kinds.size < LOSS_KINDS_MAX;
      const shown = isKnown ? what : 'others';
      kind = this.#kinds.get(`${code} ${shown}`) ?? { code, what: shown, count: 0, places: [] };
      this.#kinds.set(`${code} ${shown}`, kind);
    }
    kind.count++;
    if (kind.places.length >= LOSS_PLACES_MAX) return;
    kind.places.push({
      ...place,
      ...(user === undefined ? {} : { user }),
      ...(text === undefined ? {} : { text }),
    });
  }

  get total(): number {
    let total = 0;
    for (const { count } of this.#kinds.values()) total += count;
    return total;
  }

  /** The most frequent first. */
  kinds(): LossKind[] {
    return [...this.#kinds.values()].sort((a, b) => b.count - a.count);
  }
}
