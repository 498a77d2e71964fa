import { decodeSaslData } from '../auth/sasl/data.ts';
import type { SaslCondition } from '../auth/sasl/result.ts';
import { foldHook } from '../hooks/run.ts';
import { Counter } from '../memory/counters.ts';
import type { Element } from '../xml/element.ts';
import { escapeText } from '../xml/writer.ts';
import { Jid, parseJid } from '../xmpp/jid.ts';
import { NS_SASL } from '../xmpp/namespaces.ts';
import { type C2s, UNOPENED } from './c2s.ts';
import { Pause } from './connection.ts';
import type { SaslExchange, SaslResult } from './login-service.ts';

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
  failSasl(c2s, 'aborted');
}

function step(c2s: C2s, exchange: SaslExchange, element: Element): void {
  const negotiation = c2s.negotiation!;
  negotiation.exchange = exchange;
  const decoded = decodeSaslData(element.text());
  if (decoded.kind === 'failure') {
    settle(c2s, decoded);
    return;
  }
  const result = exchange.step(decoded.data);
  if (!(result instanceof Promise)) {
    settle(c2s, result);
    return;
  }
  c2s.connection.pause(Pause.SUSPENDED);
  void result.then((settled) => {
    if (c2s.state === 'closed') return;
    settle(c2s, settled);
    c2s.connection.unpause(Pause.SUSPENDED);
  });
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
      failSasl(c2s, outcome.condition, outcome.text, outcome.username);
      return;
    case 'success':
      succeed(c2s, outcome.username, outcome.data);
  }
}

function succeed(c2s: C2s, username: string, data: Buffer | undefined): void {
  const negotiation = c2s.negotiation!;
  const { host } = c2s;
  const { tentativeFrom } = negotiation;
  const jid = host.jids.intern(new Jid(username, c2s.lserver, ''));
  if (tentativeFrom !== undefined && parseJid(tentativeFrom)?.bare !== jid.bare) {
    // RFC 6120 §6.4.6: the stream was opened in another account's name.
    c2s.fail('invalid-from');
    return;
  }
  host.counters[Counter.c2s_auth_success]!++;
  host.log.debug({ what: 'login', jid: jid.bare, address: c2s.info.address }, 'authenticated');
  negotiation.exchange = undefined;
  negotiation.stepped(host.monotonicMs());
  c2s.jid = jid;
  c2s.isAuthenticated = true;
  c2s.state = 'wait_for_stream';
  c2s.connection.restart(UNOPENED);
  const additional = data === undefined || data.length === 0 ? '' : data.toString('base64');
  c2s.write(`<success xmlns='${NS_SASL}'>${additional}</success>`);
}

/** Tells the client that authentication failed; after the last retry the stream is closed. */
export function failSasl(c2s: C2s, condition: SaslCondition, text?: string, username?: string): void {
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
  if (--negotiation.saslFailuresLeft >= 0) negotiation.stepped(host.monotonicMs());
  else c2s.end('too_many_auth_failures');
}
