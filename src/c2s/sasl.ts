import { decodeSaslData, type SaslData } from '../auth/sasl/data.ts';
import { failure, SASL_ABORTED, type SaslFailure, type SaslSuccess } from '../auth/sasl/result.ts';
import { foldHook } from '../hooks/run.ts';
import { Counter } from '../memory/counters.ts';
import type { Element } from '../xml/element.ts';
import { escapeText } from '../xml/writer.ts';
import { Jid } from '../xmpp/jid.ts';
import { NS_SASL } from '../xmpp/namespaces.ts';
import { type C2s, UNOPENED } from './c2s.ts';
import { isForeignFrom } from './header.ts';
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
      if (outcome.cause !== undefined) {
        const { cause, username } = outcome;
        c2s.host.log.error(
          { err: cause, what: 'auth_backend_failed', user: username },
          'cannot authenticate',
        );
      }
      failSasl(c2s, outcome);
      return;
    case 'success':
      succeed(c2s, outcome);
  }
}

function succeed(c2s: C2s, { username, data, method }: SaslSuccess): void {
  const negotiation = c2s.negotiation!;
  const { host } = c2s;
  const jid = host.jids.intern(new Jid(username, c2s.lserver, ''));
  c2s.jid = jid;
  if (isForeignFrom(c2s)) {
    // RFC 6120 §6.4.6: the stream was opened in another account's name.
    c2s.fail('invalid-from');
    return;
  }
  host.counters[Counter.c2s_auth_success]!++;
  host.log.debug({ what: 'login', jid: jid.bare, address: c2s.info.address }, 'authenticated');
  negotiation.exchange = undefined;
  negotiation.stepped(host.monotonicMs());
  c2s.isAuthenticated = true;
  c2s.info = { ...c2s.info, authMethod: method };
  c2s.state = 'wait_for_stream';
  c2s.connection.restart(UNOPENED);
  const additional = data === undefined || data.length === 0 ? '' : data.toString('base64');
  c2s.write(`<success xmlns='${NS_SASL}'>${additional}</success>`);
  // From here on both sides consider the old stream replaced (RFC 6120 §6.4.6).
  negotiation.renewStreamId();
}

/** Tells the client that authentication failed; after the last retry the stream is closed. */
export function failSasl(c2s: C2s, { condition, text, username, isRefusal }: SaslFailure): void {
  const negotiation = c2s.negotiation!;
  const { host } = c2s;
  host.counters[Counter.c2s_auth_failed]!++;
  void foldHook(c2s.hostType, 'auth_failed', undefined, { username, server: c2s.lserver });
  host.log.info(
    { what: 'auth_failed', user: username, server: c2s.lserver, address: c2s.info.address, condition },
    'authentication failed',
  );
  negotiation.exchange = undefined;
  c2s.state = 'wait_for_feature_before_auth';
  const description = text === undefined ? '' : `<text xml:lang='en'>${escapeText(text)}</text>`;
  c2s.write(`<failure xmlns='${NS_SASL}'><${condition}/>${description}</failure>`);
  const left = isRefusal ? --negotiation.saslRefusalsLeft : --negotiation.saslFailuresLeft;
  if (left >= 0) negotiation.stepped(host.monotonicMs());
  // RFC 6120 §6.4.5 wants a stream error.
  else c2s.fail('policy-violation', 'too many failed logins', 'too_many_auth_failures');
}
