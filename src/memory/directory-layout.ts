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
/** Where the counters of sessions with flags begin. */
export const FLAGGED_AT = DIRECTORY_SHARDS_MAX;
/** Priority of a session that has not sent available presence, or is unavailable again. */
export const NO_PRIORITY = -1000;

/**
 * Words of an entry. (In objects, because V8 folds the constants of a module, but loads imported ones at each use: whoever is in a hurry takes them out into
 * constants of its own. Entering and leaving took twice as long without.)
 */
export const ENTRY = {
  STATE: 0,
  BARE_LOW: 1,
  BARE_HIGH: 2,
  FULL_LOW: 3,
  FULL_HIGH: 4,
  NUMBER: 5,
  PRIORITY: 6,
  TIME_LOW: 7,
  TIME_HIGH: 8,
  SLOT: 9,
  TEXT_LENGTH: 10,
  FLAGS: 11,
  TEXT: 12,
} as const;

/** The state word. */
export const STATE_BITS = {
  FREE: 0,
  CLAIMED: 1,
  LIVE: 2,
  STATE_MASK: 3,
  SHARD_SHIFT: 2,
  GENERATION_STEP: 1 << 10,
} as const;

/** Words of a bucket and of an entry, slots of a bucket, entries of a chunk. */
export const SIZES = {
  BUCKET_WORDS: 16,
  SLOTS: 15,
  ENTRY_WORDS: 40,
  CHUNK: 256,
  /** Counters of sessions with flags. Accounts that share one make each other's look-ups a little slower, and nothing else. */
  FLAGGED_WORDS: 65_536,
} as const;

const { BUCKET_WORDS, SLOTS, ENTRY_WORDS, CHUNK, FLAGGED_WORDS } = SIZES;

export interface Layout {
  readonly chunks: number;
  readonly bucketMask: number;
  /** Bits of a slot that hold the number of an entry; the rest is the tag. */
  readonly entryBits: number;
  readonly ownersAt: number;
  readonly indexAt: number;
  readonly entriesAt: number;
  readonly words: number;
}

/** Where what lies. */
export function layoutOf(sessionsMax: number): Layout {
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
