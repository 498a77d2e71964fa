import {
  type Accumulator,
  Element,
  NS_CARBONS,
  NS_CARBONS_OLD,
  NS_CLIENT,
  NS_FORWARD,
  Stanza,
  serialize,
} from '../module.ts';
import type { Direction } from './eligible.ts';

/** Types that a copy has in common with its original. */
const TYPES: ReadonlySet<string> = new Set(['chat', 'normal', 'error', 'headline']);

/** Length of `<message`. */
const NAME_END = 8;

/**
 * The copy of a message, as its receivers get it apart from the address (XEP-0280 §7, §8): the original, with both its addresses, in a wrapper.
 * `isOld`: as version 0.6 of the specification had it, with the direction beside `<forwarded/>` and not around it.
 */
export function copyOf(acc: Accumulator, direction: Direction, isOld: boolean): Stanza {
  const { type } = acc.stanza!;
  const attribute = type !== undefined && TYPES.has(type) ? ` type='${type}'` : '';
  const ns = isOld ? NS_CARBONS_OLD : NS_CARBONS;
  const forwarded = `<forwarded xmlns='${NS_FORWARD}'>`;
  const [open, close] = isOld
    ? [`<${direction} xmlns='${ns}'/>${forwarded}`, '</forwarded>']
    : [`<${direction} xmlns='${ns}'>${forwarded}`, `</forwarded></${direction}>`];
  const head = Buffer.from(`<message${attribute}>${open}`);
  return Stanza.ofStored(Buffer.concat([head, ...original(acc), Buffer.from(`${close}</message>`)]));
}

/** The bytes of the original with its addresses and its namespace, which is not the one around it any more. */
function original(acc: Accumulator): Buffer[] {
  const { stanza, from, to } = acc;
  const bytes = stanza!.toBuffer(from.wire, to.wire);
  if (!namesItsNamespace(bytes)) {
    return [bytes.subarray(0, NAME_END), Buffer.from(` xmlns='${NS_CLIENT}'`), bytes.subarray(NAME_END)];
  }
  const { name, ns, attributes, children } = stanza!.element;
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
