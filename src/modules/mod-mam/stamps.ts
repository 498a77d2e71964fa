import { parseStamp } from '../module.ts';

/** Times in queries and results, to the microsecond: so that a client that asks from or to the time of a message gets it, too. */

/** A time in microseconds since the epoch, as XEP-0082 writes it. */
export function stampOf(micros: number): string {
  const ms = Math.floor(micros / 1_000);
  const stamp = new Date(ms).toISOString();
  return `${stamp.slice(0, -1)}${String(micros - ms * 1_000).padStart(3, '0')}Z`;
}

/** Microseconds since the epoch of a time as XEP-0082 writes it; undefined if it is none. */
export function parseMicros(stamp: string | undefined): number | undefined {
  const ms = parseStamp(stamp);
  if (ms === undefined) return undefined;
  const below = /\.\d{3}(\d{1,3})/.exec(stamp!)?.[1] ?? '';
  return ms + Number(below.padEnd(3, '0'));
}
