import { Element, NS_CLIENT, serialize } from '../module.ts';

/** What stream management says on the wire (XEP-0198). */

export const NS_SM = 'urn:xmpp:sm:3';
const NS_CONDITION = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** Asks for an acknowledgement. */
export const REQUEST = `<r xmlns='${NS_SM}'/>`;

export function answerXml(h: number): string {
  return `<a xmlns='${NS_SM}' h='${h}'/>`;
}

/** `id` and `max` (seconds) only for a session that can be resumed. */
export function enabled(id: string | undefined, maxSeconds: number): Element {
  return id === undefined
    ? new Element('enabled', NS_SM)
    : Element.of('enabled', NS_SM, { id, resume: 'true', max: String(maxSeconds) });
}

export function resumed(previd: string, h: number): Element {
  return Element.of('resumed', NS_SM, { previd, h: String(h) });
}

export type FailedCondition =
  | 'feature-not-implemented'
  | 'unexpected-request'
  | 'bad-request'
  | 'item-not-found'
  | 'not-allowed'
  | 'internal-server-error';

export function failed(condition: FailedCondition, h?: number): Element {
  const count = h === undefined ? undefined : String(h);
  return Element.of('failed', NS_SM, { h: count }, new Element(condition, NS_CONDITION));
}

/** An element as it stands in a stream, outside of others. */
export function xmlOf(element: Element): string {
  return serialize(element, NS_CLIENT);
}

export function tooHighXml(h: number, sent: number): string {
  return `<handled-count-too-high xmlns='${NS_SM}' h='${h}' send-count='${sent}'/>`;
}

/** A count of stanzas: an integer below 2^32 in decimal digits (XEP-0198 §4); undefined when it is none (threat T44). */
export function parseCount(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,10}$/.test(text)) return undefined;
  const count = Number(text);
  return count <= 0xffffffff ? count : undefined;
}

/** The value of an `xs:boolean`; undefined when it is none. */
export function parseBoolean(text: string): boolean | undefined {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : undefined;
}
