/**
 * The session directory: every bound session of every shard, readable by all shards without asking anybody.
 *
 * ```
 *  header │ chunk owners │ index │ entries
 *
 *  index:  buckets of 16 words, chosen by the hash of the bare JID
 *          ┌ overflow ┬ slot ┬ slot ┬ … 15 ┐    slot: 0 free, or tag (10 bits of the hash) and number of an entry
 *          overflow = entries of this bucket that had to go to a later one; a reader goes on while it is not 0
 *  entry:  state │ bare hash (2) │ full hash (2) │ session number │ priority │ time (2, µs) │ slot │ text length │ text of the JID
 *          state: generation << 10 | shard << 2 | FREE, CLAIMED or LIVE
 * ```
 *
 * Entries lie densely, in chunks that belong to one shard each, so that memory is touched only for sessions that exist. A shard writes only
 * its own entries and claims index slots by compare-and-exchange; no lock is ever held. A reader copies fields between
 * two reads of the state. A hash collision is harmless, because the owning shard compares the real JID. When a shard dies,
 * {@link SessionDirectory.removeShard} frees whatever it owned, entries it was just filling included, and tells whose they were.
 */

const BUCKET_WORDS = 16;
const SLOTS = BUCKET_WORDS - 1;
const ENTRY_WORDS = 40;
/** Bytes of the JID kept in the entry, for the clean-up after a dead shard. A longer one is remembered by the main thread. */
export const DIRECTORY_TEXT_BYTES = 112;
const CHUNK = 256;

const HEADER_WORDS = 16;
const LIVE_COUNT = 0;
const CHUNKS_TAKEN = 1;

const STATE = 0;
const BARE_LOW = 1;
const BARE_HIGH = 2;
const FULL_LOW = 3;
const FULL_HIGH = 4;
const NUMBER = 5;
const PRIORITY = 6;
const TIME_LOW = 7;
const TIME_HIGH = 8;
const SLOT = 9;
const TEXT_LENGTH = 10;
const TEXT = 12;

const CLAIMED = 1;
const LIVE = 2;
const GENERATION_STEP = 1 << 10;

const ENTRY_BITS = 22;
const ENTRY_MASK = (1 << ENTRY_BITS) - 1;

/** Priority of a session that has not sent available presence, or is unavailable again. */
export const NO_PRIORITY = -1000;

/** Shards that the state word has room for. */
export const DIRECTORY_SHARDS_MAX = 64;
/** Sessions that a slot can point to. */
export const DIRECTORY_SESSIONS_MAX = 4_000_000;

interface Layout {
  readonly chunks: number;
  readonly buckets: number;
  readonly ownersAt: number;
  readonly indexAt: number;
  readonly entriesAt: number;
  readonly words: number;
}

function layout(sessionsMax: number): Layout {
  // Each shard may hold one chunk that is not full.
  const chunks = Math.ceil(sessionsMax / CHUNK) + DIRECTORY_SHARDS_MAX;
  let buckets = 1;
  while (buckets * SLOTS < sessionsMax * 2) buckets *= 2;
  const ownersAt = HEADER_WORDS;
  const indexAt = (ownersAt + chunks + 15) & ~15;
  const entriesAt = indexAt + buckets * BUCKET_WORDS;
  return { chunks, buckets, ownersAt, indexAt, entriesAt, words: entriesAt + chunks * CHUNK * ENTRY_WORDS };
}

/** Allocates a directory for `sessionsMax` sessions. Memory is used as sessions come. */
export function createDirectory(sessionsMax: number): SharedArrayBuffer {
  return new SharedArrayBuffer(layout(sessionsMax).words * 4);
}

/** The sessions that {@link SessionDirectory.findBare} found, field by field. Reused from call to call. */
export class SessionList {
  length = 0;
  readonly shard: number[] = [];
  readonly number: number[] = [];
  readonly priority: number[] = [];
  /** Microseconds since the epoch when the session was bound. */
  readonly time: number[] = [];
  readonly fullLow: number[] = [];
  readonly fullHigh: number[] = [];
}

/** A session that was removed with its shard. */
export interface RemovedSession {
  readonly handle: number;
  /** The full JID; undefined when it was too long for the entry. */
  readonly jid: string | undefined;
  readonly number: number;
  readonly time: number;
}

export class SessionDirectory {
  readonly #words: Int32Array;
  readonly #bytes: Buffer;
  readonly #layout: Layout;
  readonly #sessionsMax: number;
  readonly #bucketMask: number;
  /** Entries of this thread's chunks that are free; filled by {@link adopt}. */
  readonly #free: number[] = [];
  /** Result of {@link findFull}. */
  shard = -1;
  number = -1;
  priority = NO_PRIORITY;

  constructor(memory: SharedArrayBuffer, sessionsMax: number) {
    this.#layout = layout(sessionsMax);
    this.#words = new Int32Array(memory);
    this.#bytes = Buffer.from(memory);
    this.#bucketMask = this.#layout.buckets - 1;
    this.#sessionsMax = sessionsMax;
  }

  /** Live entries in the whole server. */
  count(): number {
    return Atomics.load(this.#words, LIVE_COUNT);
  }

  /** Takes over the chunks that an earlier incarnation of `shard` owned. Called once, by a new shard thread. */
  adopt(shard: number): void {
    const { ownersAt, chunks } = this.#layout;
    for (let chunk = 0; chunk < chunks; chunk++) {
      if (Atomics.load(this.#words, ownersAt + chunk) === shard + 1) this.#addFree(chunk);
    }
  }

  /**
   * Enters a session. Returns a handle for {@link setPriority} and {@link remove}, or -1 when the directory is full.
   * Hashes come from the JID; `time` is in microseconds.
   */
  insert(
    bareLow: number,
    bareHigh: number,
    fullLow: number,
    fullHigh: number,
    shard: number,
    number: number,
    time: number,
    jid: string,
  ): number {
    const words = this.#words;
    if (Atomics.add(words, LIVE_COUNT, 1) >= this.#sessionsMax) {
      Atomics.sub(words, LIVE_COUNT, 1);
      return -1;
    }
    const entry = this.#take(shard);
    const at = this.#layout.entriesAt + entry * ENTRY_WORDS;
    const generation = Atomics.load(words, at + STATE) & ~(GENERATION_STEP - 1);
    const state = (generation + GENERATION_STEP) | (shard << 2);
    Atomics.store(words, at + STATE, state | CLAIMED);
    Atomics.store(words, at + BARE_LOW, bareLow);
    Atomics.store(words, at + BARE_HIGH, bareHigh);
    Atomics.store(words, at + FULL_LOW, fullLow);
    Atomics.store(words, at + FULL_HIGH, fullHigh);
    Atomics.store(words, at + NUMBER, number);
    Atomics.store(words, at + PRIORITY, NO_PRIORITY);
    Atomics.store(words, at + TIME_LOW, (time % 0x100000000) | 0);
    Atomics.store(words, at + TIME_HIGH, Math.floor(time / 0x100000000) | 0);
    Atomics.store(words, at + SLOT, -1);
    this.#writeText(at, jid);
    Atomics.store(words, at + STATE, state | LIVE);
    Atomics.store(words, at + SLOT, this.#index(bareLow, (bareHigh << ENTRY_BITS) | (entry + 1)));
    return at;
  }

  setPriority(handle: number, priority: number): void {
    Atomics.store(this.#words, handle + PRIORITY, priority);
  }

  /** Removes one of this thread's sessions. */
  remove(handle: number): void {
    this.#unlink(handle);
    this.#free.push((handle - this.#layout.entriesAt) / ENTRY_WORDS);
  }

  /**
   * Finds the newest session of a full JID; fills `shard`, `number`, `priority`. False when there is none.
   * Comparing the real JID is the owner's duty.
   */
  findFull(bareLow: number, bareHigh: number, fullLow: number, fullHigh: number): boolean {
    const words = this.#words;
    const { indexAt, entriesAt } = this.#layout;
    const tag = bareHigh << ENTRY_BITS;
    let found = false;
    let bestTime = -1;
    let bucket = bareLow & this.#bucketMask;
    for (let tries = 0; tries <= this.#bucketMask; tries++) {
      const base = indexAt + bucket * BUCKET_WORDS;
      for (let slot = base + 1; slot <= base + SLOTS; slot++) {
        const value = Atomics.load(words, slot);
        if (value === 0 || (value & ~ENTRY_MASK) !== tag) continue;
        const at = entriesAt + ((value & ENTRY_MASK) - 1) * ENTRY_WORDS;
        const state = Atomics.load(words, at + STATE);
        if (
          (state & 3) !== LIVE ||
          Atomics.load(words, at + FULL_LOW) !== fullLow ||
          Atomics.load(words, at + FULL_HIGH) !== fullHigh ||
          Atomics.load(words, at + BARE_LOW) !== bareLow ||
          Atomics.load(words, at + BARE_HIGH) !== bareHigh
        ) {
          continue;
        }
        const number = Atomics.load(words, at + NUMBER);
        const priority = Atomics.load(words, at + PRIORITY);
        const time = this.#time(at);
        if (Atomics.load(words, at + STATE) !== state || time < bestTime) continue;
        bestTime = time;
        this.shard = (state >>> 2) & 0xff;
        this.number = number;
        this.priority = priority;
        found = true;
      }
      if (Atomics.load(words, base) === 0) return found;
      bucket = (bucket + 1) & this.#bucketMask;
    }
    return found;
  }

  /** Collects all sessions of a bare JID into `list`. Returns how many there are. */
  findBare(bareLow: number, bareHigh: number, list: SessionList): number {
    const words = this.#words;
    const { indexAt, entriesAt } = this.#layout;
    const tag = bareHigh << ENTRY_BITS;
    let length = 0;
    let bucket = bareLow & this.#bucketMask;
    for (let tries = 0; tries <= this.#bucketMask; tries++) {
      const base = indexAt + bucket * BUCKET_WORDS;
      for (let slot = base + 1; slot <= base + SLOTS; slot++) {
        const value = Atomics.load(words, slot);
        if (value === 0 || (value & ~ENTRY_MASK) !== tag) continue;
        const at = entriesAt + ((value & ENTRY_MASK) - 1) * ENTRY_WORDS;
        const state = Atomics.load(words, at + STATE);
        if (
          (state & 3) !== LIVE ||
          Atomics.load(words, at + BARE_LOW) !== bareLow ||
          Atomics.load(words, at + BARE_HIGH) !== bareHigh
        ) {
          continue;
        }
        list.number[length] = Atomics.load(words, at + NUMBER);
        list.priority[length] = Atomics.load(words, at + PRIORITY);
        list.time[length] = this.#time(at);
        list.fullLow[length] = Atomics.load(words, at + FULL_LOW);
        list.fullHigh[length] = Atomics.load(words, at + FULL_HIGH);
        list.shard[length] = (state >>> 2) & 0xff;
        // The fields belong together only if the entry is still the same one.
        if (Atomics.load(words, at + STATE) === state) length++;
      }
      if (Atomics.load(words, base) === 0) break;
      bucket = (bucket + 1) & this.#bucketMask;
    }
    list.length = length;
    return length;
  }

  /** Frees every entry that a dead shard owned, half-written ones included. Its chunks stay its own, for its successor. */
  removeShard(shard: number): RemovedSession[] {
    const { ownersAt, chunks, entriesAt } = this.#layout;
    const removed: RemovedSession[] = [];
    for (let chunk = 0; chunk < chunks; chunk++) {
      if (Atomics.load(this.#words, ownersAt + chunk) !== shard + 1) continue;
      for (let entry = chunk * CHUNK; entry < (chunk + 1) * CHUNK; entry++) {
        const at = entriesAt + entry * ENTRY_WORDS;
        const state = Atomics.load(this.#words, at + STATE) & 3;
        if (state === 0) continue;
        if (state === LIVE) {
          removed.push({
            handle: at,
            jid: this.#text(at),
            number: Atomics.load(this.#words, at + NUMBER),
            time: this.#time(at),
          });
        }
        this.#unlink(at);
      }
    }
    return removed;
  }

  /** Takes the entry out of the index, then frees it. */
  #unlink(at: number): void {
    const words = this.#words;
    const value =
      (Atomics.load(words, at + BARE_HIGH) << ENTRY_BITS) | ((at - this.#layout.entriesAt) / ENTRY_WORDS + 1);
    const bareLow = Atomics.load(words, at + BARE_LOW);
    const slot = this.#findSlot(bareLow, value, Atomics.load(words, at + SLOT));
    const state = Atomics.load(words, at + STATE);
    Atomics.store(words, at + STATE, state & ~(GENERATION_STEP - 1));
    if (slot >= 0) {
      Atomics.store(words, slot, 0);
      this.#forgetOverflow(bareLow, Math.floor((slot - this.#layout.indexAt) / BUCKET_WORDS));
    }
    Atomics.sub(words, LIVE_COUNT, 1);
  }

  /** Where the index points to the entry; -1 when its shard died before it did. */
  #findSlot(bareLow: number, value: number, known: number): number {
    if (known >= 0) return known;
    let bucket = bareLow & this.#bucketMask;
    for (let tries = 0; tries <= this.#bucketMask; tries++) {
      const base = this.#layout.indexAt + bucket * BUCKET_WORDS;
      for (let slot = base + 1; slot <= base + SLOTS; slot++) {
        if (Atomics.load(this.#words, slot) === value) return slot;
      }
      if (Atomics.load(this.#words, base) === 0) return -1;
      bucket = (bucket + 1) & this.#bucketMask;
    }
    return -1;
  }

  /** Puts a slot value into the index. There is always room: it has twice as many slots as sessions are allowed. */
  #index(bareLow: number, value: number): number {
    for (let bucket = bareLow & this.#bucketMask; ; bucket = (bucket + 1) & this.#bucketMask) {
      const base = this.#layout.indexAt + bucket * BUCKET_WORDS;
      for (let slot = base + 1; slot <= base + SLOTS; slot++) {
        if (Atomics.load(this.#words, slot) !== 0) continue;
        if (Atomics.compareExchange(this.#words, slot, 0, value) === 0) return slot;
      }
      // Counted before the entry is in a later bucket, so that a reader never stops too early.
      Atomics.add(this.#words, base, 1);
    }
  }

  /** Undoes the overflow counts on the way from the home bucket to `bucket`. */
  #forgetOverflow(bareLow: number, bucket: number): void {
    for (let b = bareLow & this.#bucketMask; b !== bucket; b = (b + 1) & this.#bucketMask) {
      Atomics.sub(this.#words, this.#layout.indexAt + b * BUCKET_WORDS, 1);
    }
  }

  #take(shard: number): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const chunk = Atomics.add(this.#words, CHUNKS_TAKEN, 1);
    if (chunk >= this.#layout.chunks) throw new RangeError('session directory has no chunk left');
    Atomics.store(this.#words, this.#layout.ownersAt + chunk, shard + 1);
    this.#addFree(chunk);
    return this.#free.pop()!;
  }

  #addFree(chunk: number): void {
    for (let entry = (chunk + 1) * CHUNK - 1; entry >= chunk * CHUNK; entry--) this.#free.push(entry);
  }

  #writeText(at: number, jid: string): void {
    const length = Buffer.byteLength(jid);
    Atomics.store(this.#words, at + TEXT_LENGTH, length);
    if (length <= DIRECTORY_TEXT_BYTES) this.#bytes.utf8Write(jid, (at + TEXT) * 4);
  }

  #text(at: number): string | undefined {
    const length = Atomics.load(this.#words, at + TEXT_LENGTH);
    if (length > DIRECTORY_TEXT_BYTES) return undefined;
    return this.#bytes.utf8Slice((at + TEXT) * 4, (at + TEXT) * 4 + length);
  }

  #time(at: number): number {
    return (
      (Atomics.load(this.#words, at + TIME_HIGH) >>> 0) * 0x100000000 +
      (Atomics.load(this.#words, at + TIME_LOW) >>> 0)
    );
  }
}
