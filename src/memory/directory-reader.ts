import {
  DIRECTORY_SHARDS_MAX,
  DIRECTORY_TEXT_BYTES,
  ENTRY,
  FLAGGED_AT,
  type Layout,
  layoutOf,
  NO_PRIORITY,
  SIZES,
  STATE_BITS,
} from './directory-layout.ts';

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
  TEXT_LENGTH,
  FLAGS,
  TEXT,
} = ENTRY;
const { LIVE, STATE_MASK, SHARD_SHIFT } = STATE_BITS;
const { BUCKET_WORDS, SLOTS, ENTRY_WORDS, FLAGGED_WORDS } = SIZES;

/** The sessions that {@link DirectoryReader.findBare} found, field by field. Reused from call to call. */
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

/** The half that reads. Whoever only looks on needs no more. */
export class DirectoryReader {
  protected readonly words: Int32Array;
  protected readonly bytes: Buffer;
  protected readonly layout: Layout;
  readonly sessionsMax: number;
  protected readonly bucketMask: number;
  protected readonly entryBits: number;
  readonly #entryMask: number;
  /** Result of {@link findFull}. */
  shard = -1;
  number = -1;
  priority = NO_PRIORITY;

  constructor(memory: SharedArrayBuffer, sessionsMax: number) {
    this.layout = layoutOf(sessionsMax);
    this.words = new Int32Array(memory);
    this.bytes = Buffer.from(memory);
    this.sessionsMax = sessionsMax;
    this.bucketMask = this.layout.bucketMask;
    this.entryBits = this.layout.entryBits;
    this.#entryMask = (1 << this.entryBits) - 1;
  }

  /** Sessions in the whole server. */
  count(): number {
    let count = 0;
    for (let shard = 0; shard < DIRECTORY_SHARDS_MAX; shard++) count += Atomics.load(this.words, shard);
    return count;
  }

  /**
   * Finds the newest session of a full JID; fills `shard`, `number`, `priority`. False when there is none.
   * Comparing the real JID is the owner's duty.
   */
  findFull(bareLow: number, bareHigh: number, fullLow: number, fullHigh: number): boolean {
    const words = this.words;
    const { indexAt, entriesAt } = this.layout;
    const tag = bareHigh << this.entryBits;
    const entryMask = this.#entryMask;
    let found = false;
    let bestTime = -1;
    let bucket = bareLow & this.bucketMask;
    for (let tries = 0; tries <= this.bucketMask; tries++) {
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
        const time = this.timeAt(at);
        if (Atomics.load(words, at + STATE) !== state || time < bestTime) continue;
        bestTime = time;
        this.shard = shardOf(state);
        this.number = number;
        this.priority = priority;
        found = true;
      }
      if (Atomics.load(words, base) === 0) return found;
      bucket = (bucket + 1) & this.bucketMask;
    }
    return found;
  }

  /** Collects all sessions of a bare JID into `list`, and their handles into `handles`. Returns how many there are. */
  findBare(bareLow: number, bareHigh: number, list: SessionList, handles?: number[]): number {
    const words = this.words;
    const { indexAt, entriesAt } = this.layout;
    const tag = bareHigh << this.entryBits;
    const entryMask = this.#entryMask;
    let length = 0;
    let bucket = bareLow & this.bucketMask;
    for (let tries = 0; tries <= this.bucketMask; tries++) {
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
        list.time[length] = this.timeAt(at);
        list.fullLow[length] = Atomics.load(words, at + FULL_LOW);
        list.fullHigh[length] = Atomics.load(words, at + FULL_HIGH);
        list.flags[length] = Atomics.load(words, at + FLAGS);
        list.shard[length] = shardOf(state);
        if (handles !== undefined) handles[length] = at;
        // The fields belong together only if the entry is still the same one.
        if (Atomics.load(words, at + STATE) === state) length++;
      }
      if (Atomics.load(words, base) === 0) break;
      bucket = (bucket + 1) & this.bucketMask;
    }
    list.length = length;
    return length;
  }

  /** False when certainly no session of the account has a flag. One read. */
  mayHaveFlags(bareHigh: number): boolean {
    return Atomics.load(this.words, flaggedAt(bareHigh)) !== 0;
  }

  /** The full JID of the session that a handle stands for; undefined when it is gone, or its JID too long to be kept here. */
  textOf(handle: number): string | undefined {
    const state = Atomics.load(this.words, handle + STATE);
    if ((state & STATE_MASK) !== LIVE) return undefined;
    const text = this.textAt(handle);
    return Atomics.load(this.words, handle + STATE) === state ? text : undefined;
  }

  protected textAt(at: number): string | undefined {
    const length = Atomics.load(this.words, at + TEXT_LENGTH);
    if (length > DIRECTORY_TEXT_BYTES) return undefined;
    return this.bytes.utf8Slice((at + TEXT) * 4, (at + TEXT) * 4 + length);
  }

  protected timeAt(at: number): number {
    return (
      (Atomics.load(this.words, at + TIME_HIGH) >>> 0) * 0x100000000 +
      (Atomics.load(this.words, at + TIME_LOW) >>> 0)
    );
  }
}

export function shardOf(state: number): number {
  return (state >>> SHARD_SHIFT) & 0xff;
}

export function flaggedAt(bareHigh: number): number {
  return FLAGGED_AT + (bareHigh & (FLAGGED_WORDS - 1));
}
