/**
 * A bounded map that forgets what was not used for longest, roughly: entries live in a young and an old generation; when the
 * young one is full it becomes the old one, and what the old one still holds is gone. Reading from the old one moves the entry up.
 * Costs one Map operation for what is used often, and needs no bookkeeping per entry.
 */
export class GenerationCache<K, V> {
  readonly #generationMax: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  /** At most `entriesMax` entries are held, at least half of them are the most recently used ones. */
  constructor(entriesMax: number) {
    this.#generationMax = Math.max(1, entriesMax >>> 1);
  }

  get(key: K): V | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#generationMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  /** Upper bound of the entries held (one may be in both generations). */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
