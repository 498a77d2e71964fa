import { decodeSaslData, type SaslData } from '../auth/sasl/data.ts';
import { failure, SASL_ABORTED, type SaslFailure, type SaslSuccess } from '../auth/sasl/result.ts';
import type { Element } from '../xml/element.ts';
import { escapeText } from '../xml/writer.ts';
import { NS_SASL } from '../xmpp/namespaces.ts';
import { authenticated, loginFailed } from './authenticated.ts';
import { type C2s, UNOPENED } from './c2s.ts';
import type { SaslExchange, SaslResult } from './login-service.ts';
import { suspendUntil } from './suspend.ts';

/** `<auth mechanism='…'/>` (RFC 6120 §6.4.2). */
export function startSasl(c2s: C2s, element: Element): void {
  const mechanism = element.attribute('mechanism') ?? '';
  const exchange = c2s.host.login.start(c2s, mechanism);
  if ('kind' in exchange) settle(c2s, exchange);
  else step(c2s, exchange, element);
}

/** `<response/>` (RFC 6120 §6.4.3). */
export function respondSasl(c2s: C2s, element: Element): void {
  step(c2s, c2s.negotiation!.exchange!, element);
}

/** `<abort/>` (RFC 6120 §6.4.4). */
export function abortSasl(c2s: C2s): void {
  failSasl(c2s, SASL_ABORTED);
}

function step(c2s: C2s, exchange: SaslExchange, element: Element): void {
  const negotiation = c2s.negotiation!;
  negotiation.exchange = exchange;
  const decoded = dataOf(element);
  if (decoded.kind === 'failure') {
    settle(c2s, decoded);
    return;
  }
  const result = exchange.step(decoded.data);
  if (result instanceof Promise) suspendUntil(c2s, result, (settled) => settle(c2s, settled));
  else settle(c2s, result);
}

const NOT_TEXT = failure('malformed-request', 'SASL data is text');

/** RFC 6120 §6.4.2, §6.4.3: these elements carry nothing but base64. */
function dataOf(element: Element): SaslData | SaslFailure {
  return element.elements().length > 0 ? NOT_TEXT : decodeSaslData(element.text());
}

function settle(c2s: C2s, outcome: SaslResult): void {
  const negotiation = c2s.negotiation!;
  switch (outcome.kind) {
    case 'challenge':
      c2s.state = 'wait_for_sasl_response';
      negotiation.stepped(c2s.host.monotonicMs());
      c2s.write(`<challenge xmlns='${NS_SASL}'>${outcome.data.toString('base64')}</challenge>`);
      return;
    case 'failure':
      failSasl(c2s, outcome);
      return;
    case 'success':
      succeed(c2s, outcome);
  }
}

function succeed(c2s: C2s, success: SaslSuccess): void {
  if (!authenticated(c2s, success)) return;
  c2s.state = 'wait_for_stream';
  c2s.connection.restart(UNOPENED);
  const { data } = success;
  const additional = data === undefined || data.length === 0 ? '' : data.toString('base64');
  c2s.write(`<success xmlns='${NS_SASL}'>${additional}</success>`);
  // From here on both sides consider the old stream replaced (RFC 6120 §6.4.6).
  c2s.negotiation!.renewStreamId();
}

/** Tells the client that authentication failed; after the last retry the stream is closed. */
export function failSasl(c2s: C2s, failed: SaslFailure): void {
  const { condition, text } = failed;
  const description = text === undefined ? '' : `<text xml:lang='en'>${escapeText(text)}</text>`;
  loginFailed(c2s, failed, `<failure xmlns='${NS_SASL}'><${condition}/>${description}</failure>`);
}
