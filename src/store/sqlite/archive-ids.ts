import { hash } from 'node:crypto';
import type { ArchiveFilter } from '../operations/archive.ts';

/** The largest id: 63 bits. */
export const ID_MAX = (1n << 63n) - 1n;
const SHARD_BITS = 8n;
/** No time of a message has more. */
const MICROS_MAX = 2 ** 54;

/** Ids between which messages lie, themselves included. */
export interface IdRange {
  readonly low: bigint;
  readonly high: bigint;
}

export function archiveId(micros: number, shard: number): bigint {
  return (BigInt(micros) << SHARD_BITS) | BigInt(shard);
}

/** The first id of a time. */
export function firstIdOf(micros: number): bigint {
  return BigInt(Math.ceil(Math.min(Math.max(micros, 0), MICROS_MAX))) << SHARD_BITS;
}

/** What a filter says about ids and times. */
export function rangeOf(filter: ArchiveFilter): IdRange {
  let low = filter.start === undefined ? 0n : firstIdOf(filter.start);
  let high = filter.end === undefined ? ID_MAX : firstIdOf(Math.floor(filter.end) + 1) - 1n;
  if (filter.fromId !== undefined) low = max(low, filter.fromId);
  if (filter.afterId !== undefined) low = max(low, filter.afterId + 1n);
  if (filter.toId !== undefined) high = min(high, filter.toId);
  if (filter.beforeId !== undefined) high = min(high, filter.beforeId - 1n);
  return within(low, high);
}

/** The part of a range that lies behind one id and before another. */
export function narrowed(range: IdRange, after: bigint | undefined, before: bigint | undefined): IdRange {
  return within(
    after === undefined ? range.low : max(range.low, after + 1n),
    before === undefined ? range.high : min(range.high, before - 1n),
  );
}

const NO_ID: IdRange = { low: 1n, high: 0n };

/** As SQLite can take it: 64 bits with a sign. An empty range has its ends in the wrong order. */
function within(low: bigint, high: bigint): IdRange {
  return low > high || low > ID_MAX || high < 0n ? NO_ID : { low: max(low, 0n), high: min(high, ID_MAX) };
}

/** A number for the name that a sender gave a message: 32 bits with a sign. Whoever chooses names cannot choose numbers. */
export function originHash(originId: string): number {
  return hash('sha256', originId, 'buffer').readInt32BE(0);
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
