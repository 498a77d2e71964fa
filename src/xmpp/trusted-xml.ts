import { spells } from '../xml/bytes.ts';
import { buildElement, type Element } from '../xml/element.ts';
import { Scan, Scanner } from '../xml/scanner.ts';
import { StreamContext } from '../xml/stream-context.ts';
import { NS_CLIENT, NS_STREAM } from './namespaces.ts';

/** Bytes that were accepted or written by this server: limits no longer apply. */
const TRUSTED = new StreamContext(
  'stream:stream',
  [
    { prefix: '', uri: NS_CLIENT },
    { prefix: 'stream', uri: NS_STREAM },
  ],
  {
    stanzaBytesMax: 1 << 30,
    elementsMax: 1 << 30,
    depthMax: 1 << 20,
    attributesMax: 1 << 20,
    nameBytesMax: 1 << 20,
    namespacesMax: 1 << 20,
  },
);

/** One for all trusted bytes: they are scanned as a whole, and a scanner is large beside a stanza. */
let trustedScanner = new Scanner();
/** A scanner that has grown beyond this many tokens is not kept. */
const TOKENS_KEPT_MAX = 65_536;

/** Scans one serialised element. What the scanner found is valid until the next call. */
export function scanTrusted(buffer: Buffer, start: number, end: number): Scanner {
  if (trustedScanner.tokens.length > TOKENS_KEPT_MAX) trustedScanner = new Scanner();
  const scanner = trustedScanner;
  scanner.enter(TRUSTED);
  const event = scanner.scan(buffer, start, end);
  if (event !== Scan.ELEMENT) {
    // It may have stopped inside an element, and is used again.
    scanner.reset();
    throw new Error(`stored stanza does not parse: ${scanner.errorText}`);
  }
  return scanner;
}

/**
 * Whether these bytes are one well-formed element of this name, and nothing else: what {@link Stanza.toBuffer} makes without addresses; with `hasAddresses` it may have some. For bytes that were
 * out of our hands, on a disk. No tree is made.
 */
export function isStored(buffer: Buffer, name: string, hasAddresses = false): boolean {
  let scanner: Scanner;
  try {
    scanner = scanTrusted(buffer, 0, buffer.length);
  } catch {
    return false;
  }
  return (
    scanner.base === 0 &&
    scanner.pos === buffer.length &&
    (hasAddresses || (scanner.fromToken < 0 && scanner.toToken < 0)) &&
    // Bound by the opening tag of a stream, and not all have one.
    !scanner.usesStreamPrefix &&
    scanner.nameEnd === name.length + 1 &&
    spells(buffer, 1, name)
  );
}

/** Parses one serialised element in the context of a client stream. The bytes must be ones that this server wrote. */
export function parseElement(buffer: Buffer, start: number, end: number): Element {
  return buildElement(scanTrusted(buffer, start, end), buffer);
}

/** Parses serialised XML text of one element. */
export function parseElementText(text: string): Element {
  const buffer = Buffer.from(text);
  return parseElement(buffer, 0, buffer.length);
}

/** Parses serialised XML text of any number of elements. */
export function parseChildren(xml: string): Element[] {
  return xml === '' ? [] : parseElementText(`<x>${xml}</x>`).elements();
}
