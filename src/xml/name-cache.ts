import { spells } from './bytes.ts';

/**
 * Strings for names that occur again and again: elements, attributes, namespaces. A stream speaks a small vocabulary; making a string
 * of bytes costs 70 ns, finding one that exists 20: the tree of a message is built in 1.9 µs instead of 2.9
 * (bench/micro/scanner.bench.ts).
 *
 * A table of fixed size without chains: names that meet in a slot replace each other, so nobody can make it grow or slow. Nobody can tell
 * from outside whether it is there.
 */
const SLOTS = 512;
const LENGTH_MAX = 64;

const names = new Array<string>(SLOTS).fill('');

/** The text of `buffer[start..end)`. */
export function nameText(buffer: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length > LENGTH_MAX) return buffer.utf8Slice(start, end);
  let hash = length;
  for (let i = start; i < end; i++) hash = (hash * 31 + buffer[i]!) | 0;
  const slot = (hash ^ (hash >>> 9)) & (SLOTS - 1);
  const known = names[slot]!;
  if (known.length === length && spells(buffer, start, known)) return known;
  const text = buffer.utf8Slice(start, end);
  // Only ASCII has as many characters as bytes.
  if (text.length === length) names[slot] = text;
  return text;
}
