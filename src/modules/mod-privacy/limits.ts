/** What one user may keep. Beyond that a request is answered with an error, and nothing is changed. */
export const LISTS_MAX = 64;
export const ITEMS_MAX = 1_000;
/** Bytes of UTF-8 in the name of a list, and in that of a roster group. */
export const NAME_BYTES_MAX = 1_023;
/** The largest `order`: unsigned 32-bit numbers. */
export const ORDER_MAX = 2 ** 32 - 1;

/** Accounts and list items that a shard remembers. A list larger than a generation of them is read anew each time. */
export const CACHED_ACCOUNTS_MAX = 65_536;
export const CACHED_ITEMS_MAX = 262_144;
