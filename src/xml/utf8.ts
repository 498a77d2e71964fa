import { isXmlChar } from './classes.ts';
import { PROBLEM } from './scan-problem.ts';

/**
 * Decodes one UTF-8 sequence of two to four bytes at `i` (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
 * Returns the code point and the number of bytes packed into one number, for {@link codePointOf} and {@link lengthOf};
 * 0 when the sequence goes on beyond `stop`, -1 when it is invalid.
 */
export function decodeUtf8(buffer: Buffer, i: number, stop: number): number {
  const first = buffer[i]!;
  let length: number;
  let min: number;
  let code: number;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
    min = 0x80;
    code = first & 0x1f;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    min = 0x800;
    code = first & 0x0f;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    min = 0x10000;
    code = first & 0x07;
  } else return -1;
  for (let k = 1; k < length; k++) {
    if (i + k >= stop) return 0;
    const next = buffer[i + k]!;
    if ((next & 0xc0) !== 0x80) return -1;
    code = (code << 6) | (next & 0x3f);
  }
  if (code < min || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return -1;
  return (code << 3) | length;
}

export function codePointOf(decoded: number): number {
  return decoded >> 3;
}

export function lengthOf(decoded: number): number {
  return decoded & 7;
}

/** Steps over one character of two to four bytes. Returns the position after it, 0 when it goes on beyond `stop`, or what is wrong. */
export function characterEnd(buffer: Buffer, i: number, stop: number): number {
  const decoded = decodeUtf8(buffer, i, stop);
  if (decoded === 0) return 0;
  if (decoded < 0) return PROBLEM.UTF8;
  return isXmlChar(codePointOf(decoded)) ? i + lengthOf(decoded) : PROBLEM.CHARACTER;
}
