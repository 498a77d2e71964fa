import { DirectoryChunks } from './directory-chunks.ts';
import { DIRECTORY_TEXT_BYTES, ENTRY, NO_PRIORITY, SIZES, STATE_BITS } from './directory-layout.ts';
import { DirectoryReader, flaggedAt, shardOf } from './directory-reader.ts';

export {
  createDirectory,
  DIRECTORY_SESSIONS_MAX,
  DIRECTORY_SHARDS_MAX,
  DIRECTORY_TEXT_BYTES,
  NO_PRIORITY,
} from './directory-layout.ts';
export { SessionList } from './directory-reader.ts';

const {
  STATE,
  BARE_LOW,
  BARE_HIGH,
  FULL_LOW,
  FULL_HIGH,
  NUMBER,
  PRIORITY,
  TIME_LOW,
  TIME_HIGH,
  SLOT,
  TEXT_LENGTH,
  FLAGS,
  TEXT,
} = ENTRY;
const { FREE, CLAIMED, LIVE, STATE_MASK, SHARD_SHIFT, GENERATION_STEP } = STATE_BITS;
const { BUCKET_WORDS, SLOTS, ENTRY_WORDS, CHUNK } = SIZES;

/** A session that was removed with its shard. */
export interface RemovedSession {
  readonly handle: number;
  /** The full JID; undefined when it was too long for the entry. */
  readonly jid: string | undefined;
  readonly number: number;
  readonly time: number;
}

/** The session directory as a shard, and the main thread for dead ones, write it; `directory-layout.ts` draws it. */
export class SessionDirectory extends DirectoryReader {
  readonly #chunks: DirectoryChunks;

  constructor(memory: SharedArrayBuffer, sessionsMax: number) {
    super(memory, sessionsMax);
    this.#chunks = new DirectoryChunks(this.words, this.layout);
  }

  /** Takes over the chunks that an earlier incarnation of `shard` owned. Called once, by a new shard thread. */
  adopt(shard: number): void {
    this.#chunks.adopt(shard);
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
    const words = this.words;
    // Shards that look at the same moment may go over the limit by one each; there is room for that.
    if (this.count() >= this.sessionsMax) return -1;
    const at = this.#make(bareLow, bareHigh, fullLow, fullHigh, shard, number, time, jid);
    if (at < 0) return -1;
    const entry = (at - this.layout.entriesAt) / ENTRY_WORDS;
    Atomics.store(words, at + SLOT, this.#enter(bareLow, this.#slotValue(bareHigh, entry)));
    return at;
  }

  /**
   * Enters a session in the place of `old`, the handle of its entry on another shard, which that shard {@link remove}s afterwards. Whoever looks finds the
   * one or the other, never both and never none. Priority and flags go with it. If the other shard has died meanwhile it is entered like a new one.
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
    flags: number,
  ): number {
    const words = this.words;
    const at = this.#make(bareLow, bareHigh, fullLow, fullHigh, shard, number, time, jid);
    if (at < 0) return -1;
    Atomics.store(words, at + PRIORITY, priority);
    this.setFlags(at, flags);
    const value = this.#slotValue(bareHigh, (at - this.layout.entriesAt) / ENTRY_WORDS);
    const oldValue = this.#slotValue(bareHigh, (old - this.layout.entriesAt) / ENTRY_WORDS);
    const slot = this.#findSlot(bareLow, oldValue, Atomics.load(words, old + SLOT));
    if (slot >= 0 && Atomics.compareExchange(words, slot, oldValue, value) === oldValue) {
      Atomics.store(words, at + SLOT, slot);
    } else Atomics.store(words, at + SLOT, this.#enter(bareLow, value));
    return at;
  }

  /** Whether a session of this thread is found by those who look: not after another thread has {@link replace}d it. */
  isEntered(handle: number): boolean {
    const words = this.words;
    const entry = (handle - this.layout.entriesAt) / ENTRY_WORDS;
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
    const words = this.words;
    const entry = this.#chunks.take(shard);
    if (entry < 0) return -1;
    const at = this.layout.entriesAt + entry * ENTRY_WORDS;
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
    Atomics.store(this.words, handle + PRIORITY, priority);
  }

  /** Gives a session of this thread its flags: bits that every shard can see. */
  setFlags(handle: number, flags: number): void {
    const words = this.words;
    const counter = flaggedAt(Atomics.load(words, handle + BARE_HIGH));
    // Counted before it shows and until it does not any more: whoever dies in between leaves the counter too high, never too low.
    if (flags !== 0 && Atomics.load(words, handle + FLAGS) === 0) Atomics.add(words, counter, 1);
    const before = Atomics.exchange(words, handle + FLAGS, flags);
    if (flags === 0 && before !== 0) Atomics.sub(words, counter, 1);
  }

  /** Removes one of this thread's sessions. */
  remove(handle: number): void {
    const state = Atomics.load(this.words, handle + STATE);
    if ((state & STATE_MASK) !== LIVE) throw new RangeError('a session was removed twice');
    this.#unlink(handle);
    Atomics.sub(this.words, shardOf(state), 1);
    this.#chunks.giveBack((handle - this.layout.entriesAt) / ENTRY_WORDS);
  }

  /**
   * Frees every entry of a dead shard, half-written and half-removed ones included. Returns those that were live. Its chunks stay its own,
   * for its successor. Nobody else may do so at the same time.
   */
  removeShard(shard: number): RemovedSession[] {
    const words = this.words;
    const { ownersAt, chunks, entriesAt } = this.layout;
    const removed: RemovedSession[] = [];
    for (let chunk = 0; chunk < chunks; chunk++) {
      if (Atomics.load(words, ownersAt + chunk) !== shard + 1) continue;
      for (let entry = chunk * CHUNK; entry < (chunk + 1) * CHUNK; entry++) {
        const at = entriesAt + entry * ENTRY_WORDS;
        const state = Atomics.load(words, at + STATE) & STATE_MASK;
        if (state === FREE) continue;
        if (state === LIVE) {
          const number = Atomics.load(words, at + NUMBER);
          removed.push({ handle: at, jid: this.textAt(at), number, time: this.timeAt(at) });
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
    const words = this.words;
    const state = Atomics.load(words, at + STATE) & ~STATE_MASK;
    Atomics.store(words, at + STATE, state | CLAIMED);
    if (Atomics.exchange(words, at + FLAGS, 0) !== 0) {
      Atomics.sub(words, flaggedAt(Atomics.load(words, at + BARE_HIGH)), 1);
    }
    const bareLow = Atomics.load(words, at + BARE_LOW);
    const entry = (at - this.layout.entriesAt) / ENTRY_WORDS;
    const value = this.#slotValue(Atomics.load(words, at + BARE_HIGH), entry);
    const slot = this.#findSlot(bareLow, value, Atomics.load(words, at + SLOT));
    // Nobody else's slot has this value.
    if (slot >= 0 && Atomics.compareExchange(words, slot, value, 0) === value) {
      this.#forgetOverflow(bareLow, Math.floor((slot - this.layout.indexAt) / BUCKET_WORDS));
    }
    Atomics.store(words, at + STATE, state & ~(GENERATION_STEP - 1));
  }

  #slotValue(bareHigh: number, entry: number): number {
    return (bareHigh << this.entryBits) | (entry + 1);
  }

  /** Where the index points to an entry; -1 when it does not. */
  #findSlot(bareLow: number, value: number, known: number): number {
    if (known >= 0 && Atomics.load(this.words, known) === value) return known;
    let bucket = bareLow & this.bucketMask;
    for (let tries = 0; tries <= this.bucketMask; tries++) {
      const base = this.layout.indexAt + bucket * BUCKET_WORDS;
      for (let slot = base + 1; slot <= base + SLOTS; slot++) {
        if (Atomics.load(this.words, slot) === value) return slot;
      }
      if (Atomics.load(this.words, base) === 0) return -1;
      bucket = (bucket + 1) & this.bucketMask;
    }
    return -1;
  }

  /** Puts a slot value into the index. There is always room: it has twice as many slots as sessions are allowed. */
  #enter(bareLow: number, value: number): number {
    for (let bucket = bareLow & this.bucketMask; ; bucket = (bucket + 1) & this.bucketMask) {
      const base = this.layout.indexAt + bucket * BUCKET_WORDS;
      for (let slot = base + 1; slot <= base + SLOTS; slot++) {
        if (Atomics.load(this.words, slot) !== 0) continue;
        if (Atomics.compareExchange(this.words, slot, 0, value) === 0) return slot;
      }
      // Counted before the entry is in a later bucket, so that a reader never stops too early.
      Atomics.add(this.words, base, 1);
    }
  }

  /** Undoes the overflow counts on the way from the home bucket to `bucket`. */
  #forgetOverflow(bareLow: number, bucket: number): void {
    for (let b = bareLow & this.bucketMask; b !== bucket; b = (b + 1) & this.bucketMask) {
      Atomics.sub(this.words, this.layout.indexAt + b * BUCKET_WORDS, 1);
    }
  }

  #writeText(at: number, jid: string): void {
    const length = Buffer.byteLength(jid);
    Atomics.store(this.words, at + TEXT_LENGTH, length);
    if (length <= DIRECTORY_TEXT_BYTES) this.bytes.utf8Write(jid, (at + TEXT) * 4);
  }
}
