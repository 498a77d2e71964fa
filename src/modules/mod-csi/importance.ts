import {
  type Accumulator,
  type Element,
  NS_CARBONS,
  NS_CARBONS_OLD,
  NS_CHAT_STATES,
  NS_CLIENT,
  NS_FORWARD,
  NS_HINTS,
  NS_PUBSUB_EVENT,
  StanzaKind,
} from '../module.ts';

/** What a stanza is to somebody who is not looking (XEP-0352 §3.2). */
export type Importance =
  /** It cannot wait. */
  | 'now'
  /** It can wait. */
  | 'later'
  /** Only the last of its sender is of any use: presence, a chat state alone. */
  | 'last_presence'
  | 'last_state';

export function importanceOf({ stanza }: Accumulator): Importance {
  const { kind, type } = stanza!;
  if (kind === StanzaKind.PRESENCE) {
    return type === undefined || type === 'available' || type === 'unavailable' ? 'last_presence' : 'now';
  }
  // Without extensions it says something.
  if (kind !== StanzaKind.MESSAGE || type === 'error' || stanza!.isPlain) return 'now';
  const { element } = stanza!;
  if (element.child('body') !== undefined) return 'now';
  if (isStateAlone(element) || isCopyOfState(element)) return 'last_state';
  return element.childOf(NS_PUBSUB_EVENT) === undefined ? 'now' : 'later';
}

/**
 * What two stanzas of the same kind must have in common for the later one to take the earlier one's place: the sender, and in copies (XEP-0280) both
 * parties.
 */
export function placeOf({ from, stanza }: Accumulator, importance: Importance): string {
  const inner = importance === 'last_state' ? forwarded(stanza!.element) : undefined;
  if (inner === undefined) return `${importance} ${from.full}`;
  return `${importance} ${from.full} ${inner.attribute('from')} ${inner.attribute('to')}`;
}

function isStateAlone(message: Element): boolean {
  let hasState = false;
  for (const { name, ns } of message.elements()) {
    if (ns === NS_CHAT_STATES) hasState = true;
    else if (ns !== NS_HINTS && !(name === 'thread' && ns === NS_CLIENT)) return false;
  }
  return hasState;
}

function isCopyOfState(message: Element): boolean {
  const inner = forwarded(message);
  return inner !== undefined && isStateAlone(inner);
}

function forwarded(message: Element): Element | undefined {
  const wrapper = message.childOf(NS_CARBONS) ?? message.childOf(NS_CARBONS_OLD);
  const around = wrapper?.child('forwarded', NS_FORWARD) ?? message.child('forwarded', NS_FORWARD);
  return wrapper === undefined ? undefined : around?.child('message', NS_CLIENT);
}
