import { type Layout, SIZES } from './directory-layout.ts';

const { CHUNK } = SIZES;

/** The entries that a thread may give to its sessions: those of its chunks of the {@link SessionDirectory}. A chunk belongs to one shard, or to nobody. */
export class DirectoryChunks {
  readonly #words: Int32Array;
  readonly #layout: Layout;
  /** Free entries of this thread's chunks, by chunk; and the chunks that have some. */
  readonly #free = new Map<number, number[]>();
  readonly #chunks: number[] = [];

  constructor(words: Int32Array, layout: Layout) {
    this.#words = words;
    this.#layout = layout;
  }

  /** Takes over the chunks that an earlier incarnation of `shard` owned. */
  adopt(shard: number): void {
    const { ownersAt, chunks } = this.#layout;
    for (let chunk = 0; chunk < chunks; chunk++) {
      if (Atomics.load(this.#words, ownersAt + chunk) === shard + 1) this.#addChunk(chunk);
    }
  }

  /** A free entry; -1 when there is none. */
  take(shard: number): number {
    if (this.#chunks.length === 0 && !this.#takeChunk(shard)) return -1;
    const free = this.#free.get(this.#chunks.at(-1)!)!;
    const entry = free.pop()!;
    if (free.length === 0) this.#chunks.pop();
    return entry;
  }

  /** A session has ended: its entry is free. */
  giveBack(entry: number): void {
    const chunk = Math.floor(entry / CHUNK);
    const free = this.#free.get(chunk)!;
    free.push(entry);
    if (free.length === 1) this.#chunks.push(chunk);
    // A chunk without sessions is for whoever needs one; the last one stays.
    if (free.length < CHUNK || this.#chunks.length === 1) return;
    this.#free.delete(chunk);
    this.#chunks.splice(this.#chunks.indexOf(chunk), 1);
    Atomics.store(this.#words, this.#layout.ownersAt + chunk, 0);
  }

  /** Takes the first chunk that is nobody's: memory that was used before comes first. */
  #takeChunk(shard: number): boolean {
    const { ownersAt, chunks } = this.#layout;
    for (let chunk = 0; chunk < chunks; chunk++) {
      if (Atomics.load(this.#words, ownersAt + chunk) !== 0) continue;
      if (Atomics.compareExchange(this.#words, ownersAt + chunk, 0, shard + 1) !== 0) continue;
      this.#addChunk(chunk);
      return true;
    }
    return false;
  }

  #addChunk(chunk: number): void {
    const free: number[] = [];
    for (let entry = (chunk + 1) * CHUNK - 1; entry >= chunk * CHUNK; entry--) free.push(entry);
    this.#free.set(chunk, free);
    this.#chunks.push(chunk);
  }
}
