import { buildElement, type Element } from '../../../src/xml/element.ts';
import { Scan, type ScanError, Scanner } from '../../../src/xml/scanner.ts';
import { type Binding, type ScanLimits, StreamContext } from '../../../src/xml/stream-context.ts';
import { NS_CLIENT, NS_STREAM } from '../../../src/xmpp/namespaces.ts';

/** The limits after login. */
export const LIMITS: ScanLimits = {
  stanzaBytesMax: 262_144,
  elementsMax: 10_000,
  depthMax: 64,
  attributesMax: 64,
  nameBytesMax: 1_024,
  namespacesMax: 64,
};

/** For questions that no limit should answer. */
export const NO_LIMITS: ScanLimits = {
  stanzaBytesMax: 1 << 30,
  elementsMax: 1 << 30,
  depthMax: 1 << 20,
  attributesMax: 1 << 20,
  nameBytesMax: 1 << 20,
  namespacesMax: 1 << 20,
};

export const HEADER = `<stream:stream xmlns='${NS_CLIENT}' xmlns:stream='${NS_STREAM}'>`;

const BINDINGS: readonly Binding[] = [
  { prefix: '', uri: NS_CLIENT },
  { prefix: 'stream', uri: NS_STREAM },
];

/** A stream of a client that has been opened. */
export function opened(limits: ScanLimits = LIMITS, bindings: readonly Binding[] = BINDINGS): StreamContext {
  return new StreamContext('stream:stream', bindings, limits);
}

/** A stream whose opening tag is still to come. */
export function unopened(limits: ScanLimits = LIMITS): StreamContext {
  return new StreamContext('', [], limits);
}

export interface Header {
  name: string;
  namespace: string;
  bindings: Binding[];
  attributes: Map<string, string>;
}

export interface Reading {
  /** What the opening tag said, if one was read. */
  header: Header | undefined;
  /** The top-level elements, as far as they were whole. */
  elements: Element[];
  /** `between` elements, `inside` one, `closed`, or the condition of the stream error. */
  end: 'between' | 'inside' | 'closed' | ScanError;
  /** What the stream error says, or nothing. */
  text: string;
}

/**
 * Reads `input` as a connection does: what is unfinished is kept and moved to the front of another buffer when more arrives. The input
 * arrives in pieces that end at `cuts`; nothing follows the closing tag or an error.
 */
export function read(
  input: string | Uint8Array,
  context: StreamContext = opened(),
  cuts: readonly number[] = [],
): Reading {
  const bytes = typeof input === 'string' ? Buffer.from(input) : Buffer.from(input);
  const reading: Reading = { header: undefined, elements: [], end: 'between', text: '' };
  const scanner = new Scanner();
  let current = context;
  let kept = Buffer.alloc(0);
  let resumeAt = 0;
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    const piece = bytes.subarray(from, cut);
    from = cut;
    const buffer = Buffer.concat([kept, piece]);
    if (scanner.isInside) scanner.base = 0;
    let pos = resumeAt;
    for (;;) {
      if (!scanner.isInside) scanner.enter(current);
      const event = scanner.scan(buffer, pos, buffer.length);
      pos = scanner.pos;
      if (event === Scan.MORE) break;
      if (event === Scan.ELEMENT) reading.elements.push(buildElement(scanner, buffer));
      else if (event === Scan.STREAM_OPEN) {
        reading.header = header(scanner, buffer);
        current = new StreamContext(reading.header.name, reading.header.bindings, context.limits);
      } else {
        reading.end = event === Scan.STREAM_CLOSE ? 'closed' : scanner.error;
        if (event === Scan.ERROR) reading.text = scanner.errorText;
        return reading;
      }
    }
    const keepFrom = scanner.isInside ? scanner.base : pos;
    kept = buffer.subarray(keepFrom);
    resumeAt = pos - keepFrom;
  }
  // In the prolog, bytes may be left although no element has begun.
  reading.end = scanner.isInside || kept.length > 0 ? 'inside' : 'between';
  return reading;
}

function header(scanner: Scanner, buffer: Buffer): Header {
  return { ...scanner.openStream(buffer), attributes: buildElement(scanner, buffer).attributes };
}

/** The only element in `input`. */
export function readOne(input: string | Uint8Array, context?: StreamContext): Element {
  const { elements, end, text } = read(input, context);
  if (end !== 'between' || elements.length !== 1) {
    throw new Error(`expected one element, got ${elements.length} and then ${end} ${text}`);
  }
  return elements[0]!;
}

/** How reading ends: `between` when all is well, otherwise a condition. */
export function verdict(input: string | Uint8Array, context?: StreamContext): Reading['end'] {
  return read(input, context).end;
}
