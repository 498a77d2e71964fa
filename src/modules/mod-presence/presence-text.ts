import { Element, NS_CLIENT, Stanza } from '../module.ts';

const TYPES: ReadonlySet<string | undefined> = new Set([
  undefined,
  'available',
  'unavailable',
  'error',
  'probe',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
]);

/** Whether a presence type is one of RFC 6121 §4.7.1; `available` is taken for none. */
export function isKnownType(type: string | undefined): boolean {
  return TYPES.has(type);
}

/** RFC 6121 §4.7.2.3: an integer from -128 to 127, as XML Schema writes a byte; anything else counts as 0. */
export function priorityOf(stanza: Stanza): number {
  const text = stanza.isEmpty ? undefined : stanza.element.childText('priority', NS_CLIENT);
  const digits = text === undefined ? null : /^[ \t\r\n]*([+-]?[0-9]{1,10})[ \t\r\n]*$/.exec(text);
  const value = digits === null ? 0 : Number(digits[1]);
  // Adding 0 makes 0 of -0.
  return value >= -128 && value <= 127 ? value + 0 : 0;
}

/** The first `<status/>` text. */
export function statusOf(stanza: Stanza): string {
  return stanza.isEmpty ? '' : (stanza.element.childText('status', NS_CLIENT) ?? '');
}

/** A presence of the server's own. */
export function presenceStanza(type: string | undefined, status?: string): Stanza {
  const element = Element.of('presence', NS_CLIENT, { type });
  if (status !== undefined) element.children.push(Element.of('status', NS_CLIENT, {}, status));
  return Stanza.of(element);
}

/** What contacts read when a session ended for this reason; undefined when it ended in order. */
export function statusFor(reason: string): string | undefined {
  switch (reason) {
    case 'normal':
    case 'resumed':
      return undefined;
    case 'replaced':
      return 'Replaced by new connection';
    case 'error':
    case 'lost':
      return 'Unknown condition';
    default:
      return `Shutdown by reason: ${reason}`;
  }
}
