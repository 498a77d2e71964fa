/** Separates a metric's name and the values of its labels; none of them can contain it. */
const SEPARATOR = '\n';

/**
 * Counts and sums of a shard that have labels: for what happens too seldom, or in too many kinds, to have cells in shared memory. Values of labels are from lists that
 * are closed when the server starts or reloads (threat T75).
 */
export class LabelledCounts {
  readonly #values = new Map<string, number>();

  /** Adds to the counter `name` (of `http/labelled-families.ts`); the values of its labels are in their order. */
  add(name: string, labels: readonly string[], by = 1): void {
    const key = [name, ...labels].join(SEPARATOR);
    this.#values.set(key, (this.#values.get(key) ?? 0) + by);
  }

  entries(): [key: string, value: number][] {
    return [...this.#values];
  }
}
