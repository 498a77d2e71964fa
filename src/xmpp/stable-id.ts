/** Bits of a stable id that say which shard made it. */
const SHARD_BITS = 8n;

/**
 * A stable id for a message, unique in the server and rising with time: 64 bits, of which the upper ones are microseconds since the epoch (unique within
 * the shard) and the lower ones the shard, in base 32. Archives use the same, so that a message has one id everywhere.
 */
export function stableId(timestamp: number, shard: number): string {
  return ((BigInt(timestamp) << SHARD_BITS) | BigInt(shard)).toString(32).toUpperCase();
}

/** Times of messages have fewer than 56 bits, so ids have 63. */
const ID_MAX = (1n << 63n) - 1n;
const BASE_32 = /^[0-9A-V]{1,13}$/;

/** The number of an id that {@link stableId} made; undefined if it made no such one. */
export function parseStableId(text: string): bigint | undefined {
  if (!BASE_32.test(text)) return undefined;
  let id = 0n;
  for (let i = 0; i < text.length; i++) id = id * 32n + BigInt(Number.parseInt(text[i]!, 32));
  return id <= ID_MAX ? id : undefined;
}

/** The text of an id, as {@link stableId} makes it. */
export function stableIdText(id: bigint): string {
  return id.toString(32).toUpperCase();
}
