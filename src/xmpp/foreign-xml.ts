import { SCAN_LIMITS, STANZA_BYTES_HARD_MAX } from '../limits.ts';
import { buildElement, type Element } from '../xml/element.ts';
import { Scan, Scanner } from '../xml/scanner.ts';
import { StreamContext } from '../xml/stream-context.ts';

/** Like a client's stream after login, but that nothing is in scope. */
const FOREIGN = new StreamContext('data', [], { ...SCAN_LIMITS, stanzaBytesMax: STANZA_BYTES_HARD_MAX });

/** One for all: it is large beside what it reads. A tree is made before it reads the next. */
const scanner = new Scanner();

/** Parses one element that somebody else wrote, within the limits of a client's stanza. Undefined unless the text is just that. */
export function parseForeign(text: string): Element | undefined {
  const buffer = Buffer.from(text);
  scanner.reset();
  scanner.enter(FOREIGN);
  const isElement = scanner.scan(buffer, 0, buffer.length) === Scan.ELEMENT;
  return isElement && scanner.pos === buffer.length ? buildElement(scanner, buffer) : undefined;
}
