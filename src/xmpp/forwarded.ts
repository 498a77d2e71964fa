import { Element } from '../xml/element.ts';
import { serialize } from '../xml/writer.ts';
import { NS_CLIENT, NS_FORWARD } from './namespaces.ts';
import { parseElement } from './trusted-xml.ts';

/** Length of `<message`. */
const NAME_END = 8;
const NAMESPACE = ` xmlns='${NS_CLIENT}'`;

/**
 * A message in the bytes that `Stanza.toBuffer` makes, with or without its addresses, as it stands in `<forwarded/>` (XEP-0297), where its namespace is not the one around it: with a
 * declaration of it, and `attributes`, which are XML in one character a byte and begin with a space.
 */
export function forwardedMessage(bytes: Buffer, attributes = ''): Buffer {
  if (namesItsNamespace(bytes)) {
    // Of two declarations none could be read.
    const { name, ns, attributes: own, children } = parseElement(bytes, 0, bytes.length);
    const element = new Element(name, ns, own, children);
    return withAttributes(Buffer.from(serialize(element, NS_FORWARD)), attributes);
  }
  return withAttributes(bytes, NAMESPACE + attributes);
}

function withAttributes(bytes: Buffer, attributes: string): Buffer {
  const whole = Buffer.allocUnsafe(bytes.length + attributes.length);
  bytes.copy(whole, 0, 0, NAME_END);
  whole.latin1Write(attributes, NAME_END);
  bytes.copy(whole, NAME_END + attributes.length, NAME_END);
  return whole;
}

/** Whether the opening tag may have an `xmlns` already; a second one would be no XML. */
function namesItsNamespace(bytes: Buffer): boolean {
  const at = bytes.indexOf('xmlns', NAME_END, 'latin1');
  if (at < 0) return false;
  // A `>` may stand in a value: then this looks no further than it must, and finds an `xmlns` that is not there, or not the one that is.
  let quote = 0;
  for (let i = NAME_END; i < at; i++) {
    const c = bytes[i]!;
    if (quote !== 0) {
      if (c === quote) quote = 0;
    } else if (c === 0x27 || c === 0x22) quote = c;
    else if (c === 0x3e) return false;
  }
  return true;
}
