/** Counts kept by shards under a name; a shard that is replaced begins at zero again. */
export interface ShardCounts {
  readonly shard: number;
  readonly counts: readonly (readonly [name: string, count: number])[];
}

/** Sums such counts over all shards, so that the sum never falls. */
export class Totals {
  readonly #totals = new Map<string, number>();
  readonly #last = new Map<string, number>();
  readonly #namesMax: number;

  /** Names beyond `namesMax` are left out (threat T75). */
  constructor(namesMax: number) {
    this.#namesMax = namesMax;
  }

  add(shards: readonly ShardCounts[]): void {
    for (const { shard, counts } of shards) {
      for (const [name, count] of counts) {
        if (!this.#totals.has(name) && this.#totals.size >= this.#namesMax) continue;
        const key = `${shard} ${name}`;
        const last = this.#last.get(key) ?? 0;
        this.#last.set(key, count);
        const more = count >= last ? count - last : count;
        this.#totals.set(name, (this.#totals.get(name) ?? 0) + more);
      }
    }
  }

  entries(): IterableIterator<[string, number]> {
    return this.#totals.entries();
  }
}
