import { decodeValue } from '../xml/references.ts';
import type { Scanner } from '../xml/scanner.ts';
import { WANTS_DECODING } from '../xml/tokens.ts';

/** The value of the attribute at `token`, as the scanner has just found it; undefined without one (-1). */
export function attributeText(scanner: Scanner, buffer: Buffer, token: number): string | undefined {
  if (token < 0) return undefined;
  const { base, tokens } = scanner;
  const raw = buffer.utf8Slice(base + tokens[token + 3]!, base + tokens[token + 4]!);
  return (tokens[token]! & WANTS_DECODING) !== 0 ? decodeValue(raw) : raw;
}

/** Values of `type` that occur on every path: found by their bytes, so that no string is made. */
const WORDS = [
  'chat',
  'groupchat',
  'headline',
  'normal',
  'error',
  'get',
  'set',
  'result',
  'available',
  'unavailable',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
  'probe',
].map((word) => ({ word, bytes: Buffer.from(word) }));

/** The same for an attribute whose values are mostly known words. */
export function attributeWord(scanner: Scanner, buffer: Buffer, token: number): string | undefined {
  if (token < 0) return undefined;
  const start = scanner.base + scanner.tokens[token + 3]!;
  const length = scanner.base + scanner.tokens[token + 4]! - start;
  next: for (let w = 0; w < WORDS.length; w++) {
    const { word, bytes } = WORDS[w]!;
    if (bytes.length !== length) continue;
    for (let i = 0; i < length; i++) if (bytes[i] !== buffer[start + i]) continue next;
    return word;
  }
  return attributeText(scanner, buffer, token);
}
