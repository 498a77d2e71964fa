/**
 * The session directory: every bound session of every shard, readable by all shards without asking anybody.
 *
 * ```
 *  sessions of each shard │ flagged │ chunk owners │ index │ entries
 *
 *  flagged: how many sessions have flags, by some bits of the hash of the bare JID: 0 says that no session of the account has any
 *  index:  buckets of 16 words, chosen by the hash of the bare JID
 *          ┌ overflow ┬ slot ┬ slot ┬ … 15 ┐    slot: 0 free, or tag (bits of the hash) and number of an entry
 *          overflow = entries of this bucket that had to go to a later one; a reader goes on while it is not 0
 *  entry:  state │ bare hash (2) │ full hash (2) │ session number │ priority │ time (2, µs) │ slot │ text length │ flags │ text of the JID
 *          state: generation << 10 | shard << 2 | FREE, CLAIMED or LIVE
 * ```
 *
 * Entries lie densely, in chunks that belong to one shard each, so that memory is touched only for sessions that exist. A shard writes only
 * its own entries and claims index slots and chunks by compare-and-exchange; no lock is ever held. A reader copies fields between
 * two reads of the state. A hash collision is harmless, because the owning shard compares the real JID.
 *
 * A shard may die between any two of its writes: whatever it had begun is CLAIMED or LIVE, and {@link SessionDirectory.removeShard} undoes it
 * and tells whose the live ones were.
 */

/** Shards that the state word has room for. */
export const DIRECTORY_SHARDS_MAX = 64;
/** The largest directory. */
export const DIRECTORY_SESSIONS_MAX = 16_777_216;
/** Bytes of the JID kept in the entry, for the clean-up after a dead shard. A longer one is remembered by the main thread. */
export const DIRECTORY_TEXT_BYTES = 112;
/** Priority of a session that has not sent available presence, or is unavailable again. */
export const NO_PRIORITY = -1000;

const BUCKET_WORDS = 16;
const SLOTS = BUCKET_WORDS - 1;
const ENTRY_WORDS = 40;
const CHUNK = 256;
/** Counters of sessions with flags. Accounts that share one make each other's look-ups a little slower, and nothing else. */
const FLAGGED_WORDS = 65_536;
const FLAGGED_AT = DIRECTORY_SHARDS_MAX;

// Words of an entry.
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
const FLAGS = 11;
const TEXT = 12;

// The state word.
const FREE = 0;
const CLAIMED = 1;
const LIVE = 2;
const STATE_MASK = 3;
const SHARD_SHIFT = 2;
const GENERATION_STEP = 1 << 10;

interface Layout {
  readonly chunks: number;
  readonly bucketMask: number;
  /** Bits of a slot that hold the number of an entry; the rest is the tag. */
  readonly entryBits: number;
  readonly ownersAt: number;
  readonly indexAt: number;
  readonly entriesAt: number;
  readonly words: number;
}

function layoutOf(sessionsMax: number): Layout {
  if (sessionsMax < 1 || sessionsMax > DIRECTORY_SESSIONS_MAX) {
    throw new RangeError(`a session directory has from 1 to ${DIRECTORY_SESSIONS_MAX} entries`);
  }
  // Twice what is needed, because a shard keeps a chunk as long as one session is in it; what is never used costs no memory.
  const chunks = 2 * Math.ceil(sessionsMax / CHUNK) + DIRECTORY_SHARDS_MAX;
  let buckets = 1;
  while (buckets * SLOTS < sessionsMax * 2) buckets *= 2;
  const ownersAt = FLAGGED_AT + FLAGGED_WORDS;
  const indexAt = (ownersAt + chunks + 15) & ~15;
  const entriesAt = indexAt + buckets * BUCKET_WORDS;
  return {
    chunks,
    bucketMask: buckets - 1,
    entryBits: 32 - Math.clz32(chunks * CHUNK),
    ownersAt,
    indexAt,
    entriesAt,
    words: entriesAt + chunks * CHUNK * ENTRY_WORDS,
  };
}

/** Allocates a directory for `sessionsMax` sessions. Memory is used as sessions come. */
export function createDirectory(sessionsMax: number): SharedArrayBuffer {
  return new SharedArrayBuffer(layoutOf(sessionsMax).words * 4);
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
  readonly flags: number[] = [];
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
  readonly sessionsMax: number;
  readonly #bucketMask: number;
  readonly #entryBits: number;
  readonly #entryMask: number;
  /** Free entries of this thread's chunks, by chunk; and the chunks that have some. */
  readonly #free = new Map<number, number[]>();
  readonly #chunks: number[] = [];
  /** Result of {@link findFull}. */
  shard = -1;
  number = -1;
  priority = NO_PRIORITY;

  constructor(memory: SharedArrayBuffer, sessionsMax: number) {
    this.#layout = layoutOf(sessionsMax);
    this.#words = new Int32Array(memory);
    this.#bytes = Buffer.from(memory);
    this.sessionsMax = sessionsMax;
    this.#bucketMask = this.#layout.bucketMask;
    this.#entryBits = this.#layout.entryBits;
    this.#entryMask = (1 << this.#entryBits) - 1;
  }

  /** Sessions in the whole server. */
  count(): number {
    let count = 0;
    for (let shard = 0; shard < DIRECTORY_SHARDS_MAX; shard++) count += Atomics.load(this.#words, shard);
    return count;
  }

  /** Takes over the chunks that an earlier incarnation of `shard` owned. Called once, by a new shard thread. */
  adopt(shard: number): void {
    const { ownersAt, chunks } = this.#layout;
    for (let chunk = 0; chunk < chunks; chunk++) {
      if (Atomics.load(this.#words, ownersAt + chunk) === shard + 1) this.#addChunk(chunk);
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
    // Shards that look at the same moment may go over the limit by one each; there is room for that.
    if (this.count() >= this.sessionsMax) return -1;
    const at = this.#make(bareLow, bareHigh, fullLow, fullHigh, shard, number, time, jid);
    if (at < 0) return -1;
    const entry = (at - this.#layout.entriesAt) / ENTRY_WORDS;
    Atomics.store(words, at + SLOT, this.#enter(bareLow, this.#slotValue(bareHigh, entry)));
    return at;
  }

  /**
   * Enters a session in the place of `old`, the handle of its entry on another shard, which that shard {@link remove}s afterwards. Whoever looks finds the
   * one or the other, never both and never none. The priority goes with it. If the other shard has died meanwhile it is entered like a new one.
   * Returns a handle, or -1 when there is no room.
   */
  replace(
    old: number,
    bareLow: number,
    bareHigh: number,
    fullLow: number,
    fullHigh: number,
    shard: number,
    number: number,
    time: number,
    jid: string,
    priority: number,
  ): number {
    const words = this.#words;
    const at = this.#make(bareLow, bareHigh, fullLow, fullHigh, shard, number, time, jid);
    if (at < 0) return -1;
    Atomics.store(words, at + PRIORITY, priority);
    const value = this.#slotValue(bareHigh, (at - this.#layout.entriesAt) / ENTRY_WORDS);
    const oldValue = this.#slotValue(bareHigh, (old - this.#layout.entriesAt) / ENTRY_WORDS);
    const slot = this.#findSlot(bareLow, oldValue, Atomics.load(words, old + SLOT));
    if (slot >= 0 && Atomics.compareExchange(words, slot, oldValue, value) === oldValue) {
      Atomics.store(words, at + SLOT, slot);
    } else Atomics.store(words, at + SLOT, this.#enter(bareLow, value));
    return at;
  }

  /** Whether a session of this thread is found by those who look: not after another thread has {@link replace}d it. */
  isEntered(handle: number): boolean {
    const words = this.#words;
    const entry = (handle - this.#layout.entriesAt) / ENTRY_WORDS;
    const value = this.#slotValue(Atomics.load(words, handle + BARE_HIGH), entry);
    return (
      this.#findSlot(Atomics.load(words, handle + BARE_LOW), value, Atomics.load(words, handle + SLOT)) >= 0
    );
  }

  /** Fills a free entry, which nothing points to yet. Returns its handle, or -1. */
  #make(
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
    const entry = this.#take(shard);
    if (entry < 0) return -1;
    const at = this.#layout.entriesAt + entry * ENTRY_WORDS;
    const generation = Atomics.load(words, at + STATE) & ~(GENERATION_STEP - 1);
    const state = (generation + GENERATION_STEP) | (shard << SHARD_SHIFT);
    Atomics.store(words, at + STATE, state | CLAIMED);
    Atomics.store(words, at + SLOT, -1);
    Atomics.store(words, at + BARE_LOW, bareLow);
    Atomics.store(words, at + BARE_HIGH, bareHigh);
    Atomics.store(words, at + FULL_LOW, fullLow);
    Atomics.store(words, at + FULL_HIGH, fullHigh);
    Atomics.store(words, at + NUMBER, number);
    Atomics.store(words, at + PRIORITY, NO_PRIORITY);
    Atomics.store(words, at + FLAGS, 0);
    Atomics.store(words, at + TIME_LOW, (time % 0x100000000) | 0);
    Atomics.store(words, at + TIME_HIGH, Math.floor(time / 0x100000000) | 0);
    this.#writeText(at, jid);
    Atomics.store(words, at + STATE, state | LIVE);
    Atomics.add(words, shard, 1);
    return at;
  }

  setPriority(handle: number, priority: number): void {
    Atomics.store(this.#words, handle + PRIORITY, priority);
  }

  /** Gives a session of this thread its flags: bits that every shard can see. */
  setFlags(handle: number, flags: number): void {
    const words = this.#words;
    const counter = flaggedAt(Atomics.load(words, handle + BARE_HIGH));
    // Counted before it shows and until it does not any more: whoever dies in between leaves the counter too high, never too low.
    if (flags !== 0 && Atomics.load(words, handle + FLAGS) === 0) Atomics.add(words, counter, 1);
    const before = Atomics.exchange(words, handle + FLAGS, flags);
    if (flags === 0 && before !== 0) Atomics.sub(words, counter, 1);
  }

  /** False when certainly no session of the account has a flag. One read. */
  mayHaveFlags(bareHigh: number): boolean {
    return Atomics.load(this.#words, flaggedAt(bareHigh)) !== 0;
  }

  /** Removes one of this thread's sessions. */
  remove(handle: number): void {
    const state = Atomics.load(this.#words, handle + STATE);
    if ((state & STATE_MASK) !== LIVE) throw new RangeError('a session was removed twice');
    this.#unlink(handle);
    Atomics.sub(this.#words, shardOf(state), 1);
    this.#giveBack((handle - this.#layout.entriesAt) / ENTRY_WORDS);
  }

  /**
   * Finds the newest session of a full JID; fills `shard`, `number`, `priority`. False when there is none.
   * Comparing the real JID is the owner's duty.
   */
  findFull(bareLow: number, bareHigh: number, fullLow: number, fullHigh: number): boolean {
    const words = this.#words;
    const { indexAt, entriesAt } = this.#layout;
    const tag = bareHigh << this.#entryBits;
    const entryMask = this.#entryMask;
    let found = false;
    let bestTime = -1;
    let bucket = bareLow & this.#bucketMask;
    for (let tries = 0; tries <= this.#bucketMask; tries++) {
      const base = indexAt + bucket * BUCKET_WORDS;
      for (let slot = base + 1; slot <= base + SLOTS; slot++) {
        const value = Atomics.load(words, slot);
        if (value === 0 || (value & ~entryMask) !== tag) continue;
        const at = entriesAt + ((value & entryMask) - 1) * ENTRY_WORDS;
        const state = Atomics.load(words, at + STATE);
        if (
          (state & STATE_MASK) !== LIVE ||
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
        this.shard = shardOf(state);
        this.number = number;
        this.priority = priority;
        found = true;
      }
      if (Atomics.load(words, base) === 0) return found;
      bucket = (bucket + 1) & this.#bucketMask;
    }
    return found;
  }

  /** Collects all sessions of a bare JID into `list`, and their handles into `handles`. Returns how many there are. */
  findBare(bareLow: number, bareHigh: number, list: SessionList, handles?: number[]): number {
    const words = this.#words;
    const { indexAt, entriesAt } = this.#layout;
    const tag = bareHigh << this.#entryBits;
    const entryMask = this.#entryMask;
    let length = 0;
    let bucket = bareLow & this.#bucketMask;
    for (let tries = 0; tries <= this.#bucketMask; tries++) {
      const base = indexAt + bucket * BUCKET_WORDS;
      for (let slot = base + 1; slot <= base + SLOTS; slot++) {
        const value = Atomics.load(words, slot);
        if (value === 0 || (value & ~entryMask) !== tag) continue;
        const at = entriesAt + ((value & entryMask) - 1) * ENTRY_WORDS;
        const state = Atomics.load(words, at + STATE);
        if (
          (state & STATE_MASK) !== LIVE ||
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
        list.flags[length] = Atomics.load(words, at + FLAGS);
        list.shard[length] = shardOf(state);
        if (handles !== undefined) handles[length] = at;
        // The fields belong together only if the entry is still the same one.
        if (Atomics.load(words, at + STATE) === state) length++;
      }
      if (Atomics.load(words, base) === 0) break;
      bucket = (bucket + 1) & this.#bucketMask;
    }
    list.length = length;
    return length;
  }

  /** The full JID of the session that a handle stands for; undefined when it is gone, or its JID too long to be kept here. */
  textOf(handle: number): string | undefined {
    const state = Atomics.load(this.#words, handle + STATE);
    if ((state & STATE_MASK) !== LIVE) return undefined;
    const text = this.#text(handle);
    return Atomics.load(this.#words, handle + STATE) === state ? text : undefined;
  }

  /**
   * Frees every entry of a dead shard, half-written and half-removed ones included. Returns those that were live. Its chunks stay its own,
   * for its successor. Nobody else may do so at the same time.
   */
  removeShard(shard: number): RemovedSession[] {
    const words = this.#words;
    const { ownersAt, chunks, entriesAt } = this.#layout;
    const removed: RemovedSession[] = [];
    for (let chunk = 0; chunk < chunks; chunk++) {
      if (Atomics.load(words, ownersAt + chunk) !== shard + 1) continue;
      for (let entry = chunk * CHUNK; entry < (chunk + 1) * CHUNK; entry++) {
        const at = entriesAt + entry * ENTRY_WORDS;
        const state = Atomics.load(words, at + STATE) & STATE_MASK;
        if (state === FREE) continue;
        if (state === LIVE) {
          const number = Atomics.load(words, at + NUMBER);
          removed.push({ handle: at, jid: this.#text(at), number, time: this.#time(at) });
        }
        this.#unlink(at);
      }
    }
    Atomics.store(words, shard, 0);
    return removed;
  }

  /**
   * Takes an entry out of the index, then frees it. In this order: an entry that is only CLAIMED is found by nobody, and can be
   * unlinked again if the shard dies meanwhile.
   */
  #unlink(at: number): void {
    const words = this.#words;
    const state = Atomics.load(words, at + STATE) & ~STATE_MASK;
    Atomics.store(words, at + STATE, state | CLAIMED);
    if (Atomics.exchange(words, at + FLAGS, 0) !== 0) {
      Atomics.sub(words, flaggedAt(Atomics.load(words, at + BARE_HIGH)), 1);
    }
    const bareLow = Atomics.load(words, at + BARE_LOW);
    const entry = (at - this.#layout.entriesAt) / ENTRY_WORDS;
    const value = this.#slotValue(Atomics.load(words, at + BARE_HIGH), entry);
    const slot = this.#findSlot(bareLow, value, Atomics.load(words, at + SLOT));
    // Nobody else's slot has this value.
    if (slot >= 0 && Atomics.compareExchange(words, slot, value, 0) === value) {
      this.#forgetOverflow(bareLow, Math.floor((slot - this.#layout.indexAt) / BUCKET_WORDS));
    }
    Atomics.store(words, at + STATE, state & ~(GENERATION_STEP - 1));
  }

  #slotValue(bareHigh: number, entry: number): number {
    return (bareHigh << this.#entryBits) | (entry + 1);
  }

  /** Where the index points to an entry; -1 when it does not. */
  #findSlot(bareLow: number, value: number, known: number): number {
    if (known >= 0 && Atomics.load(this.#words, known) === value) return known;
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
  #enter(bareLow: number, value: number): number {
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

  // ── entries and chunks ─────────────────────────────────────────────────────────────────────────────────────

  /** A free entry; -1 when there is none. */
  #take(shard: number): number {
    if (this.#chunks.length === 0 && !this.#takeChunk(shard)) return -1;
    const free = this.#free.get(this.#chunks.at(-1)!)!;
    const entry = free.pop()!;
    if (free.length === 0) this.#chunks.pop();
    return entry;
  }

  #giveBack(entry: number): void {
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

  // ── fields ─────────────────────────────────────────────────────────────────────────────────────────────────

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

function flaggedAt(bareHigh: number): number {
  return FLAGGED_AT + (bareHigh & (FLAGGED_WORDS - 1));
}

function shardOf(state: number): number {
  return (state >>> SHARD_SHIFT) & 0xff;
}
