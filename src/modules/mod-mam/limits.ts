/** Longest that a sender waits while much waits for the store; less than a hook may take. */
export const PACE_MS_MAX = 1_000;

/** What a record takes beside its message. */
export const RECORD_OVERHEAD_BYTES = 200;

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
/** How often it is looked for messages that are too old or too many. */
export const PURGE_EVERY_MS = 600_000;
/** The first time, after the start. */
export const PURGE_FIRST_MS = 2_000;

/** Messages in one piece of an export. */
export const EXPORT_BATCH = 500;
