/** Bits of a stable id that say which shard made it. */
const SHARD_BITS = 8n;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUV';
/** All pairs of digits, by their ten bits. */
const PAIRS = Array.from({ length: 1_024 }, (_, bits) => DIGITS[bits >> 5]! + DIGITS[bits & 31]!);
/** Times whose ids have twelve digits: from 1987 to 2112. */
const TWELVE_FROM = 2 ** 49;
const TWELVE_TO = 2 ** 52;
const BITS_30 = 2 ** 30;
/** The largest that 64 bits with a sign hold, as databases have them. */
const ID_MAX = 2n ** 63n - 1n;

/**
 * A stable id for a message, unique in the server and rising with time: 64 bits, of which the upper ones are microseconds since the epoch (unique within
 * the shard) and the lower ones the shard, in base 32. Archives use the same, so that a message has one id everywhere.
 */
export function stableId(timestamp: number, shard: number): string {
  if (timestamp < TWELVE_FROM || timestamp >= TWELVE_TO)
    return stableIdText(stableIdNumber(timestamp, shard));
  // Without BigInt, which takes more than twice as long: ten digits of the time, two of its last bits and the shard.
  const high = Math.floor(timestamp / 4);
  const upper = Math.floor(high / BITS_30);
  const lower = high % BITS_30;
  return (
    PAIRS[upper >> 10]! +
    PAIRS[upper & 1_023]! +
    PAIRS[lower >> 20]! +
    PAIRS[(lower >> 10) & 1_023]! +
    PAIRS[lower & 1_023]! +
    PAIRS[((timestamp % 4) << 8) | shard]!
  );
}

/** The same as a number. */
export function stableIdNumber(timestamp: number, shard: number): bigint {
  return (BigInt(timestamp) << SHARD_BITS) | BigInt(shard);
}

/** A stable id that is a number, as text. */
export function stableIdText(id: bigint): string {
  return id.toString(32).toUpperCase();
}

/** The number of a stable id; undefined for a text that {@link stableId} cannot have made. */
export function parseStableId(text: string): bigint | undefined {
  if (!/^[0-9A-V]{1,13}$/.test(text)) return undefined;
  let id = 0n;
  for (let i = 0; i < text.length; i++) id = id * 32n + BigInt(Number.parseInt(text[i]!, 32));
  return id <= ID_MAX ? id : undefined;
}

/** Of a stable id that this server has made: its time in microseconds since the epoch. */
export function timeOfStableId(text: string): number {
  return Number.parseInt(text.slice(0, -2), 32) * 4 + (Number.parseInt(text.at(-2)!, 32) >> 3);
}

/** Of a stable id that this server has made: the shard that has made it. */
export function shardOfStableId(text: string): number {
  return Number.parseInt(text.slice(-2), 32) & 255;
}

/** Microseconds since the epoch of a stable id that is a number. */
export function microsOfId(id: bigint): number {
  return Number(id >> SHARD_BITS);
}
