import {
  type Accumulator,
  forwardedMessage,
  NS_CARBONS,
  NS_CARBONS_OLD,
  NS_FORWARD,
  Stanza,
} from '../module.ts';
import type { Direction } from './eligible.ts';

/** Types that a copy has in common with its original. */
const TYPES: ReadonlySet<string> = new Set(['chat', 'normal', 'error', 'headline']);

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
  const original = forwardedMessage(acc.stanza!.toBuffer(acc.from.wire, acc.to.wire));
  return Stanza.ofStored(Buffer.concat([head, original, Buffer.from(`${close}</message>`)]));
}
