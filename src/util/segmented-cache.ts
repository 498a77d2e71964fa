/** What a {@link SegmentedCache} is made with. */
export interface SegmentedCacheOptions {
  /** `lru`: what is read moves to the newest segment, so that it lives on; `fifo`: it ends in its time. */
  readonly strategy: 'fifo' | 'lru';
  /** Segments; whoever keeps the time calls `rotate` once per lifetime of one. */
  readonly segments: number;
  /** Entries in all segments together. A full segment is rotated before its time. */
  readonly entriesMax: number;
}

/**
 * A bounded set of strings that forgets in steps: new ones go into the newest segment; at each rotation the oldest segment is dropped with all that is in
 * it. Nothing is kept per entry but the entry.
 */
export class SegmentedCache {
  readonly #isLru: boolean;
  readonly #segmentMax: number;
  /** The newest first. */
  readonly #segments: Set<string>[];

  constructor({ strategy, segments, entriesMax }: SegmentedCacheOptions) {
    this.#isLru = strategy === 'lru';
    this.#segmentMax = Math.max(1, Math.floor(entriesMax / segments));
    this.#segments = Array.from({ length: segments }, () => new Set<string>());
  }

  has(entry: string): boolean {
    const found = this.#segments.findIndex((segment) => segment.has(entry));
    if (found > 0 && this.#isLru) {
      this.#segments[found]!.delete(entry);
      this.add(entry);
    }
    return found >= 0;
  }

  add(entry: string): void {
    if (this.#segments[0]!.size >= this.#segmentMax && !this.#segments[0]!.has(entry)) this.rotate();
    this.#segments[0]!.add(entry);
  }

  delete(entry: string): void {
    for (const segment of this.#segments) segment.delete(entry);
  }

  /** Forgets every entry that `isGone` names. */
  deleteAll(isGone: (entry: string) => boolean): void {
    for (const segment of this.#segments) {
      for (const entry of segment) if (isGone(entry)) segment.delete(entry);
    }
  }

  /** Begins a new segment; the oldest is forgotten. */
  rotate(): void {
    this.#segments.pop();
    this.#segments.unshift(new Set());
  }

  get size(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.size, 0);
  }
}
