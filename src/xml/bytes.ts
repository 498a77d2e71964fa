/** Small operations on bytes, for the scanner's inner loops. */

import { CLASS } from './classes.ts';

/** Steps over bytes of class `mask`. */
export function skip(buffer: Buffer, from: number, stop: number, mask: number): number {
  let i = from;
  // `| 0` spares V8 the check for overflow: a 16 KiB text takes 10 µs instead of 16 (bench/micro/scanner.bench.ts).
  while (i < stop && (CLASS[buffer[i]!]! & mask) !== 0) i = (i + 1) | 0;
  return i;
}

/** Whether `length` bytes at `a` and at `b` are the same. */
export function sameBytes(buffer: Buffer, a: number, b: number, length: number): boolean {
  for (let k = 0; k < length; k++) if (buffer[a + k] !== buffer[b + k]) return false;
  return true;
}

/** Whether the bytes at `at` spell `word`, which is ASCII. */
export function spells(buffer: Buffer, at: number, word: string): boolean {
  for (let k = 0; k < word.length; k++) if (buffer[at + k] !== word.charCodeAt(k)) return false;
  return true;
}

/** The same words with twice the room. */
export function grow(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
