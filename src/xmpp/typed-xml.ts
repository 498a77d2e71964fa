import { SCAN_LIMITS, STANZA_BYTES_HARD_MAX } from '../limits.ts';
import { buildElement, type Element } from '../xml/element.ts';
import { Scan, Scanner } from '../xml/scanner.ts';
import { StreamContext } from '../xml/stream-context.ts';

const LIMITS = { ...SCAN_LIMITS, stanzaBytesMax: STANZA_BYTES_HARD_MAX };

/**
 * Parses XML that an operator typed: any number of elements with nothing but white space around them, as strictly as what clients send (no DTD, comments or
 * processing instructions, the same limits). `defaultNs` is the namespace of elements that name none. Throws an Error that says what is wrong.
 */
export function parseTyped(xml: string, defaultNs = ''): Element[] {
  const buffer = Buffer.from(xml);
  const scanner = new Scanner();
  scanner.enter(new StreamContext('stream:stream', [{ prefix: '', uri: defaultNs }], LIMITS));
  const elements: Element[] = [];
  for (let pos = 0; ; pos = scanner.pos) {
    const event = scanner.scan(buffer, pos, buffer.length);
    if (event === Scan.ELEMENT) elements.push(buildElement(scanner, buffer));
    else if (event === Scan.MORE && !scanner.isInside) return elements;
    else throw new Error(wordsFor(event, scanner));
  }
}

function wordsFor(event: Scan, scanner: Scanner): string {
  if (event === Scan.MORE) return 'it ends in the middle of an element';
  return event === Scan.ERROR ? scanner.errorText : 'a closing tag without its element';
}
