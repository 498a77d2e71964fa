import {
  type Element,
  NS_CARBONS,
  NS_CARBONS_OLD,
  NS_CHAT_MARKERS,
  NS_CHAT_STATES,
  NS_CONFERENCE,
  NS_HINTS,
  NS_MUC_USER,
  NS_RECEIPTS,
  type Stanza,
} from '../module.ts';

export type Direction = 'sent' | 'received';

/** Elements that may keep a message from being copied. */
const DECIDING = ['private', 'no-copy', 'sent', 'received'] as const;

/**
 * Whether copies of a message are made (XEP-0280 §6.1). Most messages of a chat are decided by their bytes, without a tree.
 * `isFromRoom` is for messages that are received: whether their sender has a resource, as the occupants of a room do.
 */
export function isEligible(stanza: Stanza, direction: Direction, isFromOccupant: boolean): boolean {
  const { type } = stanza;
  if (type === 'groupchat') return false;
  if (type === 'chat' && stanza.isPlain) return true;
  // Of a chat nothing else can be wrong than one of these; what comes from a room's occupant must be looked at.
  const mayBeOfRoom = direction === 'received' && isFromOccupant && stanza.mayContain('x');
  if (type === 'chat' && !mayBeOfRoom && !DECIDING.some((name) => stanza.mayContain(name))) return true;
  return isEligibleElement(stanza.element, direction, isFromOccupant);
}

function isEligibleElement(message: Element, direction: Direction, isFromOccupant: boolean): boolean {
  if (isExcluded(message)) return false;
  if (isInvitation(message)) return true;
  // Every client that is in the room gets the private messages of its occupants anyway.
  if (direction === 'received' && isFromOccupant && message.child('x', NS_MUC_USER) !== undefined)
    return false;
  switch (message.attribute('type')) {
    case 'chat':
      return true;
    case 'error':
      // An error repeats what it is about, as a rule: if that was copied, this is.
      return hasBody(message) || isConversation(message);
    case 'headline':
      return isConversation(message);
    default:
      // `normal`, no type, or one that nobody knows (RFC 6121 §5.2.2).
      return hasBody(message) || isConversation(message);
  }
}

/** What its sender wants to keep from copies, and what is a copy already, whoever says so. */
function isExcluded(message: Element): boolean {
  for (const { name, ns } of message.elements()) {
    if (ns === NS_CARBONS || ns === NS_CARBONS_OLD) {
      if (name === 'private' || name === 'sent' || name === 'received') return true;
    } else if (ns === NS_HINTS && name === 'no-copy') return true;
  }
  return false;
}

function hasBody(message: Element): boolean {
  return message.child('body') !== undefined;
}

/** Receipts (XEP-0184), chat states (XEP-0085), chat markers (XEP-0333). */
function isConversation(message: Element): boolean {
  return message
    .elements()
    .some(({ ns }) => ns === NS_RECEIPTS || ns === NS_CHAT_STATES || ns === NS_CHAT_MARKERS);
}

/** An invitation to a room: direct (XEP-0249), or by way of the room (XEP-0045 §7.8.2). */
function isInvitation(message: Element): boolean {
  if (message.child('x', NS_CONFERENCE) !== undefined) return true;
  return message.child('x', NS_MUC_USER)?.child('invite') !== undefined;
}
