import {
  type Accumulator,
  type Element,
  Flag,
  NS_CARBONS,
  NS_CARBONS_OLD,
  NS_CHAT_MARKERS,
  NS_CLIENT,
  NS_DELAY,
  NS_HINTS,
  type Stanza,
} from '../module.ts';

const MARKERS: ReadonlySet<string> = new Set(['received', 'displayed', 'acknowledged']);

/** Copies, repetitions, and what somebody wants not to be stored. */
const UNCOUNTED = Flag.DELAYED | Flag.CARBON | Flag.NO_STORE | Flag.STORED;

/**
 * Whether a message belongs into inboxes: it has a body or the hint `<store/>` (XEP-0334), and is no copy, no repetition, no chat marker, and not kept from being stored. Of its type only
 * `headline` and `error` do not.
 */
export function isCounted({ flags, stanza }: Accumulator): boolean {
  return (flags & UNCOUNTED) === 0 && isCountedStanza(stanza!);
}

export function isCountedStanza(stanza: Stanza): boolean {
  const { type } = stanza;
  if (type === 'error' || type === 'headline') return false;
  if (stanza.isPlain) return stanza.mayContain('<body');
  if (!stanza.mayContain('body') && !stanza.mayContain('store')) return false;
  return isCountedElement(stanza.element);
}

function isCountedElement(message: Element): boolean {
  let isMessage = false;
  for (const { name, ns } of message.elements()) {
    if (ns === NS_CLIENT) isMessage ||= name === 'body';
    else if (ns === NS_HINTS) {
      if (name === 'no-store' || name === 'no-permanent-store') return false;
      isMessage ||= name === 'store';
    } else if (name === 'result' || (name === 'delay' && ns === NS_DELAY)) return false;
    else if ((name === 'sent' || name === 'received') && (ns === NS_CARBONS || ns === NS_CARBONS_OLD)) {
      return false;
    } else if (ns === NS_CHAT_MARKERS && MARKERS.has(name)) return false;
  }
  return isMessage;
}

/** The id of the message that one of these chat markers is about; undefined when there is none. */
export function markedId(stanza: Stanza, markers: readonly string[]): string | undefined {
  if (stanza.isPlain || !markers.some((name) => stanza.mayContain(name))) return undefined;
  for (const { name, ns, attributes } of stanza.element.elements()) {
    if (ns === NS_CHAT_MARKERS && markers.includes(name)) return attributes.get('id') || undefined;
  }
  return undefined;
}

/** Two digits at the end of a stable id are the shard and the last bits of the time; ten before them are the rest of it. */
const STABLE_ID = /^[0-9A-V]{12}$/;
/** No message is older. */
const TIME_MIN = 1_500_000_000_000_000;

/** The time of the message that an id names, if it is an id of this server; microseconds since the epoch. Otherwise -1: younger than no message. */
export function timeOfId(id: string, now: number): number {
  if (!STABLE_ID.test(id)) return -1;
  const time = Number.parseInt(id.slice(0, 10), 32) * 4 + (Number.parseInt(id[10]!, 32) >> 3);
  return time >= TIME_MIN && time <= now ? time : -1;
}
