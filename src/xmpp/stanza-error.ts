import { Element } from '../xml/element.ts';
import { NS_CLIENT, NS_STANZA_ERROR } from './namespaces.ts';

export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait';

/** Stanza error conditions (RFC 6120 §8.3.3) with their usual type, and the legacy code of XEP-0086. */
export const STANZA_ERRORS = {
  'bad-request': { type: 'modify', code: 400 },
  conflict: { type: 'cancel', code: 409 },
  'feature-not-implemented': { type: 'cancel', code: 501 },
  forbidden: { type: 'auth', code: 403 },
  gone: { type: 'cancel', code: 302 },
  'internal-server-error': { type: 'wait', code: 500 },
  'item-not-found': { type: 'cancel', code: 404 },
  'jid-malformed': { type: 'modify', code: 400 },
  'not-acceptable': { type: 'modify', code: 406 },
  'not-allowed': { type: 'cancel', code: 405 },
  'not-authorized': { type: 'auth', code: 401 },
  'policy-violation': { type: 'modify', code: 500 },
  'recipient-unavailable': { type: 'wait', code: 404 },
  redirect: { type: 'modify', code: 302 },
  'registration-required': { type: 'auth', code: 407 },
  'remote-server-not-found': { type: 'cancel', code: 404 },
  'remote-server-timeout': { type: 'wait', code: 504 },
  'resource-constraint': { type: 'wait', code: 500 },
  'service-unavailable': { type: 'cancel', code: 503 },
  'subscription-required': { type: 'auth', code: 407 },
  'undefined-condition': { type: 'cancel', code: 500 },
  'unexpected-request': { type: 'wait', code: 400 },
} as const satisfies Record<string, { type: ErrorType; code: number }>;

export type StanzaErrorCondition = keyof typeof STANZA_ERRORS;

/** What went wrong with one stanza. The stream lives on. */
export class StanzaError {
  readonly condition: StanzaErrorCondition;
  readonly type: ErrorType;
  readonly text: string | undefined;
  /** An application-specific condition (RFC 6120 §8.3.4). */
  readonly extra: Element | undefined;

  constructor(
    condition: StanzaErrorCondition,
    text?: string,
    options: { type?: ErrorType; extra?: Element } = {},
  ) {
    this.condition = condition;
    this.type = options.type ?? STANZA_ERRORS[condition].type;
    this.text = text;
    this.extra = options.extra;
  }

  /** The `<error/>` element. */
  toElement(): Element {
    const error = Element.of(
      'error',
      NS_CLIENT,
      { type: this.type, code: String(STANZA_ERRORS[this.condition].code) },
      new Element(this.condition, NS_STANZA_ERROR),
    );
    if (this.text !== undefined) {
      error.children.push(Element.of('text', NS_STANZA_ERROR, { 'xml:lang': 'en' }, this.text));
    }
    if (this.extra !== undefined) error.children.push(this.extra);
    return error;
  }
}
