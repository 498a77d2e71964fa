/** Bits of a stable id that say which shard made it. */
const SHARD_BITS = 8n;

/**
 * A stable id for a message, unique in the server and rising with time: 64 bits, of which the upper ones are microseconds since the epoch (unique within
 * the shard) and the lower ones the shard, in base 32. Archives use the same, so that a message has one id everywhere.
 */
export function stableId(timestamp: number, shard: number): string {
  return ((BigInt(timestamp) << SHARD_BITS) | BigInt(shard)).toString(32).toUpperCase();
}
