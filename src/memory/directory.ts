/**
 * The session directory: every bound session of every shard, readable by all shards without asking anybody.
 *
 * ```
 *  bucket b (64-bit hash of the bare JID, modulo buckets)
 *  ┌─ overflow ─┬─ entry 0 ─┬─ … ─┬─ entry 7 ─┐
 *  overflow = entries of this bucket that had to go to a later one; a reader goes on while it is not 0
 *
 *  entry: state │ bare hash (2 words) │ full hash (2) │ session number │ priority │ time (2 words, µs)
 *  state: 0 free · otherwise  generation << 10 | shard << 2 | CLAIMED or LIVE
 * ```
 *
 * Any shard inserts and removes its own entries without a lock: a free entry is claimed by compare-and-exchange, filled, then
 * made live. A reader copies the fields between two reads of the state word. A hash collision is harmless, because the
 * owning shard compares the real JID. When a shard dies, {@link SessionDirectory.removeShard} frees whatever it owned,
 * entries it was just filling included.
 */

const ENTRIES = 8;
const ENTRY_WORDS = 10;
const BUCKET_WORDS = 96; // overflow + padding to 16, then 8 entries of 10 words
const FIRST_ENTRY = 16;

const STATE = 0;
const BARE_LOW = 1;
const BARE_HIGH = 2;
const FULL_LOW = 3;
const FULL_HIGH = 4;
const NUMBER = 5;
const PRIORITY = 6;
const TIME_LOW = 7;
const TIME_HIGH = 8;

const CLAIMED = 1;
const LIVE = 2;
const GENERATION_STEP = 1 << 10;

/** Priority of a session that has not sent available presence, or is unavailable again. */
export const NO_PRIORITY = -1000;

/** Shards that the state word has room for. */
export const DIRECTORY_SHARDS_MAX = 256;

/** Word 0 counts live entries; the buckets follow after one cache line. */
const TABLE_HEADER_WORDS = 16;

/** Allocates a directory for `sessionsMax` sessions; entries are spread over twice as much room. */
export function createDirectory(sessionsMax: number): SharedArrayBuffer {
  let buckets = 1;
  while (buckets * ENTRIES < sessionsMax * 2) buckets *= 2;
  return new SharedArrayBuffer((TABLE_HEADER_WORDS + buckets * BUCKET_WORDS) * 4);
}

/** The fields of one entry, as {@link SessionDirectory.find} leaves them. Reused from call to call. */
export class SessionList {
  length = 0;
  readonly shard: number[] = [];
  readonly number: number[] = [];
  readonly priority: number[] = [];
  /** Microseconds since the epoch when the session was bound. */
  readonly time: number[] = [];
}

export class SessionDirectory {
  readonly #words: Int32Array;
  readonly #bucketMask: number;
  readonly #sessionsMax: number;
  /** Result of {@link findFull}. */
  shard = -1;
  number = -1;
  priority = NO_PRIORITY;

  constructor(memory: SharedArrayBuffer, sessionsMax: number) {
    this.#words = new Int32Array(memory);
    this.#bucketMask = (this.#words.length - TABLE_HEADER_WORDS) / BUCKET_WORDS - 1;
    this.#sessionsMax = sessionsMax;
  }

  /** Live entries in the whole server. */
  count(): number {
    return Atomics.load(this.#words, 0);
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
  ): number {
    const words = this.#words;
    if (Atomics.add(words, 0, 1) >= this.#sessionsMax) {
      Atomics.sub(words, 0, 1);
      return -1;
    }
    for (let bucket = bareLow & this.#bucketMask, tries = 0; tries <= this.#bucketMask; tries++) {
      const base = TABLE_HEADER_WORDS + bucket * BUCKET_WORDS;
      for (let entry = 0; entry < ENTRIES; entry++) {
        const at = base + FIRST_ENTRY + entry * ENTRY_WORDS;
        const state = Atomics.load(words, at + STATE);
        if ((state & 3) !== 0) continue;
        const claimed = ((state + GENERATION_STEP) & ~(GENERATION_STEP - 1)) | (shard << 2) | CLAIMED;
        if (Atomics.compareExchange(words, at + STATE, state, claimed) !== state) continue;
        Atomics.store(words, at + BARE_LOW, bareLow);
        Atomics.store(words, at + BARE_HIGH, bareHigh);
        Atomics.store(words, at + FULL_LOW, fullLow);
        Atomics.store(words, at + FULL_HIGH, fullHigh);
        Atomics.store(words, at + NUMBER, number);
        Atomics.store(words, at + PRIORITY, NO_PRIORITY);
        Atomics.store(words, at + TIME_LOW, (time % 0x100000000) | 0);
        Atomics.store(words, at + TIME_HIGH, Math.floor(time / 0x100000000) | 0);
        Atomics.store(words, at + STATE, claimed + 1);
        return at;
      }
      // Counted before the entry exists elsewhere, so that a reader never stops too early.
      Atomics.add(words, base, 1);
      bucket = (bucket + 1) & this.#bucketMask;
    }
    Atomics.sub(words, 0, 1);
    this.#forgetOverflow(bareLow, -1);
    return -1;
  }

  setPriority(handle: number, priority: number): void {
    Atomics.store(this.#words, handle + PRIORITY, priority);
  }

  remove(handle: number): void {
    const words = this.#words;
    const bareLow = Atomics.load(words, handle + BARE_LOW);
    const state = Atomics.load(words, handle + STATE);
    Atomics.store(words, handle + STATE, state & ~(GENERATION_STEP - 1));
    Atomics.sub(words, 0, 1);
    this.#forgetOverflow(bareLow, handle);
  }

  /** Undoes the overflow counts on the way from the home bucket to the bucket of `handle` (-1: all buckets). */
  #forgetOverflow(bareLow: number, handle: number): void {
    const home = handle < 0 ? -1 : Math.floor((handle - TABLE_HEADER_WORDS) / BUCKET_WORDS);
    let bucket = bareLow & this.#bucketMask;
    for (let tries = 0; tries <= this.#bucketMask && bucket !== home; tries++) {
      Atomics.sub(this.#words, TABLE_HEADER_WORDS + bucket * BUCKET_WORDS, 1);
      bucket = (bucket + 1) & this.#bucketMask;
    }
  }

  /**
   * Finds the newest session of a full JID; fills `shard`, `number`, `priority`. False when there is none.
   * Comparing the real JID is the owner's duty.
   */
  findFull(bareLow: number, bareHigh: number, fullLow: number, fullHigh: number): boolean {
    const words = this.#words;
    let found = false;
    let bestTime = -1;
    let bucket = bareLow & this.#bucketMask;
    for (let tries = 0; tries <= this.#bucketMask; tries++) {
      const base = TABLE_HEADER_WORDS + bucket * BUCKET_WORDS;
      for (let entry = 0; entry < ENTRIES; entry++) {
        const at = base + FIRST_ENTRY + entry * ENTRY_WORDS;
        if (Atomics.load(words, at + FULL_LOW) !== fullLow) continue;
        const state = Atomics.load(words, at + STATE);
        if ((state & 3) !== LIVE) continue;
        if (
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
    let length = 0;
    let bucket = bareLow & this.#bucketMask;
    for (let tries = 0; tries <= this.#bucketMask; tries++) {
      const base = TABLE_HEADER_WORDS + bucket * BUCKET_WORDS;
      for (let entry = 0; entry < ENTRIES; entry++) {
        const at = base + FIRST_ENTRY + entry * ENTRY_WORDS;
        if (Atomics.load(words, at + BARE_LOW) !== bareLow) continue;
        const state = Atomics.load(words, at + STATE);
        if ((state & 3) !== LIVE || Atomics.load(words, at + BARE_HIGH) !== bareHigh) continue;
        const number = Atomics.load(words, at + NUMBER);
        const priority = Atomics.load(words, at + PRIORITY);
        const time = this.#time(at);
        if (Atomics.load(words, at + STATE) !== state) continue;
        list.shard[length] = (state >>> 2) & 0xff;
        list.number[length] = number;
        list.priority[length] = priority;
        list.time[length] = time;
        length++;
      }
      if (Atomics.load(words, base) === 0) break;
      bucket = (bucket + 1) & this.#bucketMask;
    }
    list.length = length;
    return length;
  }

  /** Frees every entry that `shard` owned, half-written ones included. Returns how many were live. */
  removeShard(shard: number): number {
    const words = this.#words;
    let removed = 0;
    for (let at = TABLE_HEADER_WORDS; at < words.length; at += BUCKET_WORDS) {
      for (let entry = 0; entry < ENTRIES; entry++) {
        const handle = at + FIRST_ENTRY + entry * ENTRY_WORDS;
        const state = Atomics.load(words, handle + STATE);
        if ((state & 3) === 0 || ((state >>> 2) & 0xff) !== shard) continue;
        if ((state & 3) === LIVE) {
          this.remove(handle);
          removed++;
        } else {
          // It died while filling the entry: the count was raised, the hashes may be missing.
          Atomics.store(words, handle + STATE, state & ~(GENERATION_STEP - 1));
          Atomics.sub(words, 0, 1);
        }
      }
    }
    return removed;
  }

  #time(at: number): number {
    return (
      (Atomics.load(this.#words, at + TIME_HIGH) >>> 0) * 0x100000000 +
      (Atomics.load(this.#words, at + TIME_LOW) >>> 0)
    );
  }
}
