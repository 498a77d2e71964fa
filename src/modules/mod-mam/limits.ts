/** What one shard keeps of messages that the store has not taken yet, for each host type: over either, senders are refused. */
export const PENDING_RECORDS_MAX = 100_000;
export const PENDING_BYTES_MAX = 67_108_864;
/** From this many on senders wait, until there are half as many: what waits long is dear to the garbage collector. */
export const PENDING_RECORDS_BUSY = 4_000;
export const PENDING_BYTES_BUSY = 4_194_304;
/** Longest that a sender waits then; less than a hook may take. */
export const PACE_MS_MAX = 1_000;

/** Messages, and their bytes, in one request to the store: larger ones only take longer. */
export const BATCH_RECORDS_MAX = 512;
export const BATCH_BYTES_MAX = 262_144;
/** What a record takes beside its message. */
export const RECORD_OVERHEAD_BYTES = 200;

/** Pause before a request that failed is made again: at first, and at most. */
export const RETRY_MS_MIN = 100;
export const RETRY_MS_MAX = 5_000;
/** How often a message may be refused by a store that takes others, before it is given up. */
export const STRIKES_MAX = 3;

/** After so long everybody knows whether a message could be written; microseconds. It takes no longer than a request to the store may. */
export const UNCERTAIN_US = 30_000_000;

/** Longest that a query waits for what was archived before it. */
export const SETTLE_MS_MAX = 5_000;

/** Owners of whom a shard remembers how far they have read. It matters for as long as a message may take to its archive. */
export const READERS_MAX = 20_000;

/** Users whose preferences a shard remembers. */
export const PREFS_CACHE_MAX = 10_000;
/** Longest that a message waits for its user's preferences to be read. */
export const PREFS_MS_MAX = 1_000;
/** JIDs in each list of a user's preferences. */
export const PREFS_JIDS_MAX = 500;

/** Bytes of messages on a page, roughly: what does not fit comes with the next one. */
export const PAGE_BYTES_MAX = 1_048_576;
/** If an answer of the store is too long for its way, it is asked again for so many messages. */
export const PAGE_SMALL = 20;
/** Characters, and words, of a search. */
export const SEARCH_LENGTH_MAX = 256;
export const SEARCH_WORDS_MAX = 10;
/** Characters of the `queryid` that a client gives. */
export const QUERY_ID_MAX = 256;

/** Longest that a lookup waits because there were too many; what would take longer is refused. */
export const SHAPER_WAIT_MS_MAX = 2_000;
/** Users whose lookups are counted: over it those that have had none for longest are forgotten. */
export const SHAPED_USERS_MAX = 10_000;
/** Lookups that wait in a shard. */
export const SHAPED_LOOKUPS_MAX = 1_000;

/** Messages that are deleted at a time, and the pause in between, so that others get their turn. */
export const PURGE_BATCH = 1_000;
export const PURGE_PAUSE_MS = 50;
/** Longest that the removal of a domain is waited for; less than a hook may take. */
export const REMOVAL_MS_MAX = 3_000;
/** How often it is looked for messages that are too old or too many. */
export const PURGE_EVERY_MS = 600_000;
/** The first time, after the start. */
export const PURGE_FIRST_MS = 2_000;

/** Messages in an export of personal data; whoever has more gets none, rather than a part. */
export const EXPORT_MAX = 200_000;
export const EXPORT_BATCH = 500;
