import { Element } from '../xml/element.ts';
import { serialize } from '../xml/writer.ts';
import type { Jid } from './jid.ts';
import { NS_CLIENT, NS_FORWARD } from './namespaces.ts';
import type { Stanza } from './stanza.ts';

/** Length of `<message`. */
const NAME_END = 8;

/** The bytes of a message as they stand in `<forwarded/>` (XEP-0297): with its addresses, and with its namespace, which is not the one around it. */
export function forwardedMessage(stanza: Stanza, from: Jid, to: Jid): Buffer[] {
  const bytes = stanza.toBuffer(from.wire, to.wire);
  if (!namesItsNamespace(bytes)) {
    return [bytes.subarray(0, NAME_END), Buffer.from(` xmlns='${NS_CLIENT}'`), bytes.subarray(NAME_END)];
  }
  const { name, ns, attributes, children } = stanza.element;
  const stamped = new Map([...attributes, ['from', from.full], ['to', to.full]]);
  return [Buffer.from(serialize(new Element(name, ns, stamped, children), NS_FORWARD))];
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
