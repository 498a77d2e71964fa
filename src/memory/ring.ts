/**
 * A single-producer single-consumer ring of records in shared memory.
 *
 * ```
 *  byte 0           64                             128                                   128 + capacity
 *  ├─ write index ───┼─ read │ settled │ wanted ─────┼─ record ─┬─ record ─┬─ free … ─────┤
 *     (producer)        (consumer)
 *
 *  record:  length (bytes, or SKIP) │ sequence │ own index + flags │ payload … padded to 4 bytes
 * ```
 *
 * Indices count bytes since the ring was made, modulo 2^32, and are multiples of 4; a position is `index & (capacity - 1)`.
 * Producer's and consumer's words sit on separate cache lines, so that the two do not invalidate each other's line.
 * A record is contiguous: when it does not fit before the end, a SKIP header leads back to the start.
 * The producer writes records freely and makes them visible with one `publish`; the consumer reads in place
 * and gives the space back with one `release`. Only these touch the shared indices (`Atomics`).
 *
 * Nothing read from shared memory is trusted: a record must carry its own index, and an index must lie where it can. What is damaged
 * is skipped or waited out, never followed out of range; each side writes its index anew, so that a lane heals.
 */

const WRITE_INDEX = 0;
const READ_INDEX = 16;
/** Records before it were handled, and what the consumer sent because of them is visible. For fences. */
const SETTLED_INDEX = 17;
/** 1 while the producer waits for one of the two; on the consumer's line, which it has at hand when it moves them. */
const WANTED = 18;
/** Bytes before the first record: two cache lines. */
export const RING_HEADER_BYTES = 128;
/** Bytes before a record's payload. */
export const RECORD_HEADER_BYTES = 12;
const SKIP = -1;

/** On the first record of a frame, and on the last; a frame larger than half the ring travels as several records. */
export const RECORD_FIRST = 1;
export const RECORD_LAST = 2;
export const RECORD_WHOLE = RECORD_FIRST | RECORD_LAST;
const FLAGS = 3;

const CAPACITY_MIN = 64;
/** Distances are compared as signed 32-bit numbers. */
const CAPACITY_MAX = 2 ** 30;

/** Allocates a ring. `capacityBytes` must be a power of two, at least 64. */
export function createRing(capacityBytes: number): SharedArrayBuffer {
  const isPower = (capacityBytes & (capacityBytes - 1)) === 0;
  if (!isPower || capacityBytes < CAPACITY_MIN || capacityBytes > CAPACITY_MAX) {
    throw new RangeError(`ring capacity must be a power of two from 64 to 2^30, not ${capacityBytes}`);
  }
  return new SharedArrayBuffer(RING_HEADER_BYTES + capacityBytes);
}

/** Bytes in a ring that its consumer has not given back yet, for whoever only looks on. */
export function ringDepthBytes(memory: SharedArrayBuffer): number {
  const words = new Int32Array(memory, 0, RING_HEADER_BYTES / 4);
  return (Atomics.load(words, WRITE_INDEX) - Atomics.load(words, READ_INDEX)) >>> 0;
}

function padded(length: number): number {
  return RECORD_HEADER_BYTES + ((length + 3) & ~3);
}

/** The largest payload that an empty ring always takes, wherever its indices stand. */
export function recordBytesMax(capacityBytes: number): number {
  return (capacityBytes >>> 1) - RECORD_HEADER_BYTES;
}

/** The writing side of a ring. Exactly one thread may hold it. */
export class RingProducer {
  readonly capacityBytes: number;
  readonly #words: Int32Array;
  readonly #bytes: Buffer;
  readonly #mask: number;
  #write: number;
  #published: number;
  #read: number;

  constructor(memory: SharedArrayBuffer) {
    this.capacityBytes = memory.byteLength - RING_HEADER_BYTES;
    this.#words = new Int32Array(memory);
    this.#bytes = Buffer.from(memory, RING_HEADER_BYTES);
    this.#mask = this.capacityBytes - 1;
    this.#write = this.#published = Atomics.load(this.#words, WRITE_INDEX);
    this.#read = Atomics.load(this.#words, READ_INDEX);
  }

  /**
   * Appends one record holding `source[start..end)`. Returns false, writing nothing, when there is no room now.
   * The record becomes visible with the next {@link publish}.
   */
  append(source: Buffer, start: number, end: number, sequence: number, flags: number): boolean {
    const length = end - start;
    const size = padded(length);
    let position = this.#write & this.#mask;
    const tail = this.capacityBytes - position;
    if (!this.#hasRoom(size <= tail ? size : tail + size)) return false;
    if (size > tail) {
      this.#words[(RING_HEADER_BYTES + position) >>> 2] = SKIP;
      this.#write = (this.#write + tail) | 0;
      position = 0;
    }
    const word = (RING_HEADER_BYTES + position) >>> 2;
    this.#words[word] = length;
    this.#words[word + 1] = sequence;
    this.#words[word + 2] = this.#write | flags;
    source.copy(this.#bytes, position + RECORD_HEADER_BYTES, start, end);
    this.#write = (this.#write + size) | 0;
    return true;
  }

  /** Makes all appended records visible to the consumer. Returns whether there was anything new. */
  publish(): boolean {
    if (this.#write === this.#published) return false;
    this.#published = this.#write;
    // Orders the record's bytes before the index: a consumer that sees the index sees the record.
    Atomics.store(this.#words, WRITE_INDEX, this.#write);
    return true;
  }

  /** Bytes appended that the consumer has not given back yet; 0 means that everything was consumed. */
  inFlightBytes(): number {
    this.#refresh();
    return (this.#write - this.#read) >>> 0;
  }

  /** A point in this ring that {@link isSettled} can be asked about later. */
  mark(): number {
    return this.#write;
  }

  /** Whether the consumer has handled everything before `mark`, and what it sent because of it is visible. */
  isSettled(mark: number): boolean {
    return ((Atomics.load(this.#words, SETTLED_INDEX) - mark) | 0) >= 0;
  }

  /** Asks the consumer to say when it gives space back or settles. Look once more afterwards: it may just have done so. */
  wantRoom(): void {
    // Should the word have been damaged, the consumer waits for this.
    Atomics.store(this.#words, WRITE_INDEX, this.#published);
    Atomics.store(this.#words, WANTED, 1);
  }

  #hasRoom(needed: number): boolean {
    if (this.capacityBytes - ((this.#write - this.#read) >>> 0) >= needed) return true;
    // The cached read index is old: look again before calling the ring full.
    const before = this.#write;
    this.#refresh();
    return this.#write === before && this.capacityBytes - ((this.#write - this.#read) >>> 0) >= needed;
  }

  #refresh(): void {
    const read = Atomics.load(this.#words, READ_INDEX);
    const used = (this.#write - read) | 0;
    if ((read & FLAGS) !== 0 || used > this.capacityBytes || used < -this.capacityBytes) {
      // Damaged: the last one known still holds, and the consumer will write it anew.
      return;
    }
    this.#read = read;
    if (used >= 0) return;
    // The consumer was led past us by a damaged index and dropped everything: go on from where it stands.
    this.#write = read;
    this.publish();
  }
}

/** A record that cannot be one: memory was damaged. The lane is reset rather than read out of range. */
export class RingCorruptError extends Error {}

/** The reading side of a ring. Exactly one thread may hold it. */
export class RingConsumer {
  readonly capacityBytes: number;
  readonly bytes: Buffer;
  /** The record that {@link peek} found: its payload is `bytes[start..end)`. */
  start = 0;
  end = 0;
  sequence = 0;
  flags = 0;
  /** Set when {@link release} had to drop what was unread, because the two sides had lost each other. Whoever sees it takes it back. */
  wasReset = false;
  readonly #words: Int32Array;
  readonly #mask: number;
  #read: number;
  #released: number;
  #settled: number;
  #size = 0;

  constructor(memory: SharedArrayBuffer) {
    this.capacityBytes = memory.byteLength - RING_HEADER_BYTES;
    this.#words = new Int32Array(memory);
    this.bytes = Buffer.from(memory, RING_HEADER_BYTES);
    this.#mask = this.capacityBytes - 1;
    this.#read = this.#released = Atomics.load(this.#words, READ_INDEX);
    this.#settled = Atomics.load(this.#words, SETTLED_INDEX);
  }

  /** The producer's published write index: records before it may be read. A damaged one reads as «nothing new». */
  writeIndex(): number {
    const write = Atomics.load(this.#words, WRITE_INDEX);
    return this.#isPossible(write) ? write : this.#read;
  }

  /** The position of the next record to read, comparable with {@link writeIndex}. */
  get readIndex(): number {
    return this.#read;
  }

  /**
   * Finds the next record before `limit` (a value of {@link writeIndex}) and fills `start`, `end`, `sequence`, `flags`.
   * Returns false when there is none.
   */
  peek(limit: number): boolean {
    for (;;) {
      const unread = (limit - this.#read) | 0;
      if (unread <= 0) return false;
      const position = this.#read & this.#mask;
      const word = (RING_HEADER_BYTES + position) >>> 2;
      const length = this.#words[word]!;
      if (length === SKIP) {
        const tail = this.capacityBytes - position;
        // A record always follows.
        if (tail >= unread) throw corrupt(length, position);
        this.#read = (this.#read + tail) | 0;
        continue;
      }
      if (length < 0 || length > unread) throw corrupt(length, position);
      const size = padded(length);
      if (size > unread || position + size > this.capacityBytes) throw corrupt(length, position);
      const tag = this.#words[word + 2]!;
      // Bytes of an earlier round, or of the middle of a record, do not have this index.
      if ((tag & ~FLAGS) !== this.#read) throw corrupt(length, position);
      this.start = position + RECORD_HEADER_BYTES;
      this.end = this.start + length;
      this.sequence = this.#words[word + 1]!;
      this.flags = tag & FLAGS;
      this.#size = size;
      return true;
    }
  }

  /** Steps over the record that {@link peek} found. Its bytes stay valid until {@link release}. */
  advance(): void {
    this.#read = (this.#read + this.#size) | 0;
  }

  /**
   * Gives the space of all records stepped over back. `isSettled`: they were handled, and what was sent because of them is visible.
   * Returns whether the producer waits to hear of it.
   */
  release(isSettled: boolean): boolean {
    const read = this.#read;
    let isNew = false;
    if (read !== this.#released) {
      isNew = true;
      this.#released = read;
      // Orders our reads of the payload before the index: the producer overwrites only what we are done with.
      Atomics.store(this.#words, READ_INDEX, read);
    }
    if (isSettled && read !== this.#settled) {
      isNew = true;
      this.#settled = read;
      Atomics.store(this.#words, SETTLED_INDEX, read);
    }
    if (Atomics.load(this.#words, WANTED) === 0) return false;
    if (!isNew && !this.#repair()) return false;
    return Atomics.exchange(this.#words, WANTED, 0) !== 0;
  }

  /** Drops everything unread, after a {@link RingCorruptError}. Returns the bytes dropped. */
  reset(): number {
    const write = this.writeIndex();
    const dropped = (write - this.#read) >>> 0;
    this.#read = write;
    return dropped;
  }

  #isPossible(write: number): boolean {
    const unread = (write - this.#read) | 0;
    return unread >= 0 && unread <= this.capacityBytes && (write & FLAGS) === 0;
  }

  /** The producer waits though there is nothing to tell: perhaps a word was damaged. Puts it right; returns whether one was. */
  #repair(): boolean {
    const write = Atomics.load(this.#words, WRITE_INDEX);
    if (!this.#isPossible(write) && (write & FLAGS) === 0) {
      // It has just written its index anew: that is where it stands.
      this.#read = this.#released = this.#settled = write;
      this.wasReset = true;
    }
    const wasRead = Atomics.exchange(this.#words, READ_INDEX, this.#released);
    const wasSettled = Atomics.exchange(this.#words, SETTLED_INDEX, this.#settled);
    return wasRead !== this.#released || wasSettled !== this.#settled;
  }
}

function corrupt(length: number, position: number): RingCorruptError {
  return new RingCorruptError(`no record of ${length} bytes can be at ${position}`);
}
