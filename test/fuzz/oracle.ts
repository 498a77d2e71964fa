import { SaxesParser } from 'saxes';
import { Element } from '../../src/xml/element.ts';
import { XML_NS } from '../../src/xml/stream-context.ts';
import { HEADER } from '../unit/xml/reading.ts';

/** What another parser makes of a stream's content. */
export interface Judgement {
  /** The top-level elements that were whole before the first error. */
  elements: Element[];
  /** Whether the input ended between two elements, or with the stream's closing tag, without an error. */
  isClean: boolean;
}

// NameStartChar (XML 1.0 §2.3) without the colon. saxes lets any name character follow a colon; Namespaces 1.0 §4 does not.
const LOCAL_START =
  /^[A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\u{10000}-\u{effff}]/u;

class Refused extends Error {}

/**
 * saxes with namespaces, with guards for what XMPP forbids (RFC 6120 §11.1) and what a stream is (only space between elements). It gets
 * the content of a client stream, as bytes.
 */
export function judge(content: Uint8Array): Judgement {
  const judgement: Judgement = { elements: [], isClean: false };
  // What stands before the first invalid byte is judged by itself.
  const valid = validLength(content);
  const text = decode(content.subarray(0, valid));
  const open: Element[] = [];
  // saxes reports the end of an element before it complains that the closing tag was another one's.
  let whole: Element | undefined;
  let depth = 0;
  let isClosed = false;
  const refuse = (): never => {
    throw new Refused();
  };
  const parser = new SaxesParser({ xmlns: true, position: false });
  parser.on('error', refuse);
  parser.on('xmldecl', refuse);
  parser.on('doctype', refuse);
  parser.on('comment', refuse);
  parser.on('processinginstruction', refuse);
  parser.on('opentag', (tag) => {
    depth++;
    if (depth === 1) return;
    if (!LOCAL_START.test(tag.local)) refuse();
    const attributes = new Map<string, string>();
    for (const { prefix, local, uri, value } of Object.values(tag.attributes)) {
      if (!LOCAL_START.test(local)) refuse();
      if (prefix === 'xmlns' || (prefix === '' && local === 'xmlns')) continue;
      attributes.set(prefix === '' ? local : uri === XML_NS ? `xml:${local}` : `{${uri}}${local}`, value);
    }
    const element = new Element(tag.local, tag.uri, attributes);
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => {
    depth--;
    if (depth === 0) isClosed = true;
    const element = open.pop();
    if (open.length === 0) whole = element;
  });
  const characters = (data: string, isCdata: boolean): void => {
    if (open.length === 0) {
      if (isCdata || !/^[ \t\r\n]*$/.test(data)) refuse();
      return;
    }
    if (data === '') return;
    const siblings = open.at(-1)!.children;
    const last = siblings.length - 1;
    if (typeof siblings[last] === 'string') siblings[last] += data;
    else siblings.push(data);
  };
  parser.on('text', (data) => characters(data, false));
  parser.on('cdata', (data) => characters(data, true));
  try {
    parser.write(HEADER);
    // One character at a time: all that is whole before an error is reported, as it would be on a stream.
    for (const c of text) {
      parser.write(c);
      if (whole !== undefined) judgement.elements.push(whole);
      whole = undefined;
      // Nothing after the closing tag is looked at.
      if (isClosed) break;
    }
    // saxes gives out text when the next markup begins, and keeps a last carriage return for the next piece.
    if (!isClosed && valid === content.length) parser.write('</stream:stream>');
    judgement.isClean = isClosed;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  return judgement;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** How many bytes at the start are whole characters of valid UTF-8. */
function validLength(bytes: Uint8Array): number {
  for (let length = bytes.length; ; length--) {
    try {
      decode(bytes.subarray(0, length));
      return length;
    } catch {
      // Shorter, then.
    }
  }
}
