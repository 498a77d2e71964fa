import { CLASS, isXmlChar, SPACE, VALUE } from './classes.ts';
import { PROBLEM } from './scan-problem.ts';

/** Longest reference that can be right: `&#1114111;` or `&#x10FFFF;`, with leading zeros allowed for. */
const REFERENCE_BYTES_MAX = 16;

const SEMICOLON = 0x3b;

/**
 * Steps over the reference whose `&` is at `i`. Returns the position after its `;`, 0 when that has not arrived by `stop`, or what
 * is wrong. Only the five predefined entities exist (RFC 6120 §11.1).
 */
export function referenceEnd(buffer: Buffer, i: number, stop: number): number {
  const last = Math.min(stop, i + REFERENCE_BYTES_MAX);
  let j = i + 1;
  // What cannot stand in an attribute value cannot stand in a reference either.
  while (j < last && buffer[j] !== SEMICOLON && (CLASS[buffer[j]!]! & (SPACE | VALUE)) === VALUE) j++;
  if (j === stop && stop < i + REFERENCE_BYTES_MAX) return 0;
  if (j === last || buffer[j] !== SEMICOLON) return PROBLEM.REFERENCE;
  const name = buffer.latin1Slice(i + 1, j);
  switch (name) {
    case 'amp':
    case 'lt':
    case 'gt':
    case 'quot':
    case 'apos':
      return j + 1;
    case '':
      return PROBLEM.REFERENCE;
    default:
      if (!name.startsWith('#')) return PROBLEM.ENTITY;
      return isXmlCharacter(codePoint(name)) ? j + 1 : PROBLEM.CHARACTER_REFERENCE;
  }
}

/** The number in `#60` or `#x3c`; -1 when there is none. */
function codePoint(name: string): number {
  const match = /^#(?:x([0-9a-fA-F]+)|([0-9]+))$/.exec(name);
  if (match === null) return -1;
  return match[1] !== undefined ? Number.parseInt(match[1], 16) : Number(match[2]);
}

/** XML 1.0 §2.2 Char. */
function isXmlCharacter(c: number): boolean {
  return c === 9 || c === 10 || c === 13 || (c >= 0x20 && (c < 0xd800 || c > 0xdfff) && isXmlChar(c));
}

/** Resolves references and normalises space in an attribute value (XML 1.0 §3.3.3), the value being known as well-formed. */
export function decodeValue(raw: string): string {
  return raw.replace(/\r\n|[\t\n\r]|&([^;]*);/g, (_all, name: string | undefined) =>
    name === undefined ? ' ' : resolve(name),
  );
}

/** Resolves references and line ends in character data (XML 1.0 §2.11), the text being known as well-formed. */
export function decodeText(raw: string): string {
  return raw.replace(/\r\n?|&([^;]*);/g, (_all, name: string | undefined) =>
    name === undefined ? '\n' : resolve(name),
  );
}

/** Line ends only, for the inside of a CDATA section. */
export function decodeCdata(raw: string): string {
  return raw.replace(/\r\n?/g, '\n');
}

function resolve(name: string): string {
  switch (name) {
    case 'amp':
      return '&';
    case 'lt':
      return '<';
    case 'gt':
      return '>';
    case 'quot':
      return '"';
    case 'apos':
      return "'";
    default:
      return String.fromCodePoint(codePoint(name));
  }
}
