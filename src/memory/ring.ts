/**
 * A single-producer single-consumer ring of records in shared memory.
 *
 * ```
 *  byte 0        64           128                                   128 + capacity
 *  ├─ writeIndex ─┼─ readIndex ─┼─ record ─┬─ record ─┬─ free … ─────┤
 *     (producer)    (consumer)
 *
 *  record:  length (bytes, or SKIP) │ sequence │ flags │ payload … padded to 4 bytes
 * ```
 *
 * Both indices count bytes since the ring was made, modulo 2^32; a position is `index & (capacity - 1)`.
 * They sit on separate cache lines, so that producer and consumer do not invalidate each other's line.
 * A record is contiguous: when it does not fit before the end, a SKIP header leads back to the start.
 * The producer writes records freely and makes them visible with one `publish`; the consumer reads in place
 * and gives the space back with one `release`. Only these two touch the shared indices (`Atomics`).
 */

const WRITE_INDEX = 0;
const READ_INDEX = 16;
/** 1 while the producer waits for room; on the consumer's line, which it has at hand when it gives space back. */
const WANTED = 17;
/** Bytes before the first record: two cache lines, one index each. */
export const RING_HEADER_BYTES = 128;
/** Bytes before a record's payload. */
export const RECORD_HEADER_BYTES = 12;
const SKIP = -1;

/** Set on the last (or only) record of a frame; a frame larger than the ring travels as several records. */
export const RECORD_LAST = 1;

/** Allocates a ring. `capacityBytes` must be a power of two and at least 64. */
export function createRing(capacityBytes: number): SharedArrayBuffer {
  if (capacityBytes < 64 || (capacityBytes & (capacityBytes - 1)) !== 0) {
    throw new RangeError(`ring capacity must be a power of two of at least 64, not ${capacityBytes}`);
  }
  return new SharedArrayBuffer(RING_HEADER_BYTES + capacityBytes);
}

function padded(length: number): number {
  return RECORD_HEADER_BYTES + ((length + 3) & ~3);
}

/** The largest payload that one record can always carry, however the ring is filled (given it empties). */
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
    const needed = size <= tail ? size : tail + size;
    if (!this.#hasRoom(needed)) return false;
    if (size > tail) {
      this.#words[(RING_HEADER_BYTES + position) >>> 2] = SKIP;
      this.#write = (this.#write + tail) | 0;
      position = 0;
    }
    const word = (RING_HEADER_BYTES + position) >>> 2;
    this.#words[word] = length;
    this.#words[word + 1] = sequence;
    this.#words[word + 2] = flags;
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
    this.#read = Atomics.load(this.#words, READ_INDEX);
    return (this.#write - this.#read) >>> 0;
  }

  /** A point in this ring that {@link isConsumed} can be asked about later. */
  mark(): number {
    return this.#write;
  }

  /** Whether the consumer has given back everything that was appended before `mark`. */
  isConsumed(mark: number): boolean {
    this.#read = Atomics.load(this.#words, READ_INDEX);
    return ((this.#read - mark) | 0) >= 0;
  }

  /** Asks the consumer to say when it gives space back. Look at the ring once more afterwards: it may just have done so. */
  wantRoom(): void {
    Atomics.store(this.#words, WANTED, 1);
  }

  #hasRoom(needed: number): boolean {
    if (this.capacityBytes - ((this.#write - this.#read) >>> 0) >= needed) return true;
    // The cached read index is old: look again before calling the ring full.
    this.#read = Atomics.load(this.#words, READ_INDEX);
    return this.capacityBytes - ((this.#write - this.#read) >>> 0) >= needed;
  }
}

/** A record with an impossible length: memory was corrupted. The lane is reset rather than read out of range. */
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
  readonly #words: Int32Array;
  readonly #mask: number;
  #read: number;
  #released: number;
  #size = 0;

  constructor(memory: SharedArrayBuffer) {
    this.capacityBytes = memory.byteLength - RING_HEADER_BYTES;
    this.#words = new Int32Array(memory);
    this.bytes = Buffer.from(memory, RING_HEADER_BYTES);
    this.#mask = this.capacityBytes - 1;
    this.#read = this.#released = Atomics.load(this.#words, READ_INDEX);
  }

  /** The producer's published write index: records before it may be read. */
  writeIndex(): number {
    return Atomics.load(this.#words, WRITE_INDEX);
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
      if (((limit - this.#read) | 0) <= 0) return false;
      const position = this.#read & this.#mask;
      const word = (RING_HEADER_BYTES + position) >>> 2;
      const length = this.#words[word]!;
      if (length === SKIP) {
        this.#read = (this.#read + this.capacityBytes - position) | 0;
        continue;
      }
      const size = padded(length);
      if (length < 0 || position + size > this.capacityBytes || (limit - this.#read) >>> 0 < size) {
        throw new RingCorruptError(`record of ${length} bytes at ${position} of ${this.capacityBytes}`);
      }
      this.start = position + RECORD_HEADER_BYTES;
      this.end = this.start + length;
      this.sequence = this.#words[word + 1]!;
      this.flags = this.#words[word + 2]!;
      this.#size = size;
      return true;
    }
  }

  /** Steps over the record that {@link peek} found. Its bytes stay valid until {@link release}. */
  advance(): void {
    this.#read = (this.#read + this.#size) | 0;
  }

  /** Gives the space of all records stepped over back. Returns whether the producer waits to hear of it. */
  release(): boolean {
    if (this.#read === this.#released) return false;
    this.#released = this.#read;
    // Orders our reads of the payload before the index: the producer overwrites only what we are done with.
    Atomics.store(this.#words, READ_INDEX, this.#read);
    return Atomics.load(this.#words, WANTED) === 1 && Atomics.exchange(this.#words, WANTED, 0) === 1;
  }

  /** Drops everything unread, after a {@link RingCorruptError}. Returns the bytes dropped. */
  reset(): number {
    const write = this.writeIndex();
    const dropped = (write - this.#read) >>> 0;
    this.#read = write;
    this.release();
    return dropped;
  }
}
