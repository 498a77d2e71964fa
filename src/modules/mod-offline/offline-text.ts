import { Element, NS_CHAT_STATES, NS_CLIENT, NS_DELAY, NS_EVENT, NS_EXPIRE, parseStamp } from '../module.ts';

/** Longest that a message may ask to be kept. */
const EXPIRY_SECONDS_MAX = 10 * 365 * 86_400;

/** What a message says about how it wants to be kept. */
export interface OfflineExtensions {
  /** Seconds after which it is void. */
  readonly expiresIn: number | undefined;
  /** The time in its first `<delay/>`, in microseconds since the epoch. */
  readonly stamp: number | undefined;
  /** The message without its `<delay/>` elements, if there are any. */
  readonly stripped: Element | undefined;
  /** Whether its sender wants to hear that it was stored. */
  readonly wantsStoredEvent: boolean;
}

/** Of a message without extensions. */
export const NO_EXTENSIONS: OfflineExtensions = {
  expiresIn: undefined,
  stamp: undefined,
  stripped: undefined,
  wantsStoredEvent: false,
};

export function extensionsOf(message: Element): OfflineExtensions {
  const { stripped, stamp } = withoutDelays(message);
  return {
    expiresIn: expiryOf(message),
    stamp,
    stripped: stripped === message ? undefined : stripped,
    wantsStoredEvent: requestsStoredEvent(message),
  };
}

/** Whether a message is worth keeping: not a chat state alone (XEP-0085 §5.5), not the answer to a message event (XEP-0022). */
export function isStorable(message: Element): boolean {
  const event = message.childOf(NS_EVENT);
  if (event?.child('id') !== undefined) return false;
  const elements = message.elements();
  const states = elements.filter((element) => element.ns === NS_CHAT_STATES);
  // Hints and the like beside a chat state do not make it content; a thread alone does not either (XEP-0085 §5.7).
  const others = elements.filter((element) => element.ns !== NS_CHAT_STATES && element.name !== 'thread');
  return states.length === 0 || others.length > 0;
}

/** Seconds after which a message is void (XEP-0023); undefined when it does not expire. */
export function expiryOf(message: Element): number | undefined {
  const seconds = message.childOf(NS_EXPIRE)?.attribute('seconds');
  if (seconds === undefined || !/^[0-9]{1,10}$/.test(seconds)) return undefined;
  const value = Number(seconds);
  return value > 0 && value <= EXPIRY_SECONDS_MAX ? value : undefined;
}

/** The message without the `<delay/>` elements in it, and the time of the first: delivery will add its own. */
export function withoutDelays(message: Element): {
  readonly stripped: Element;
  readonly stamp: number | undefined;
} {
  const first = message.child('delay', NS_DELAY);
  if (first === undefined) return { stripped: message, stamp: undefined };
  const children = message.children.filter(
    (child) => typeof child === 'string' || child.name !== 'delay' || child.ns !== NS_DELAY,
  );
  const stripped = new Element(message.name, message.ns, message.attributes, children);
  return { stripped, stamp: parseStamp(first.attribute('stamp')) };
}

/** Whether the sender wants to hear that the message was stored (XEP-0022 §2.2). */
export function requestsStoredEvent(message: Element): boolean {
  const event = message.childOf(NS_EVENT);
  return event?.child('offline') !== undefined && event.child('id') === undefined;
}

/** The event that a message was stored. */
export function storedEvent(message: Element): Element {
  const id = message.attribute('id') ?? '';
  const event = Element.of(
    'x',
    NS_EVENT,
    {},
    new Element('offline', NS_EVENT),
    Element.of('id', NS_EVENT, {}, id),
  );
  return Element.of('message', NS_CLIENT, {}, event);
}
