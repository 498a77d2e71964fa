import { failure } from '../auth/sasl/result.ts';
import { buildElement, type Element } from '../xml/element.ts';
import type { Scanner } from '../xml/scanner.ts';
import { NS_CLIENT, NS_SASL, NS_STREAM, NS_TLS } from '../xmpp/namespaces.ts';
import { Stanza } from '../xmpp/stanza.ts';
import { bindElement } from './bind.ts';
import type { C2s } from './c2s.ts';
import { debugChain, showRead } from './debug-traffic.ts';
import { needsTls } from './features.ts';
import { foreignElement } from './foreign-element.ts';
import { abortSasl, failSasl, respondSasl, startSasl } from './sasl.ts';
import { startTls } from './starttls.ts';
import { streamElement } from './stream-element.ts';

/** A top-level element before the session is established. */
export function loginElement(c2s: C2s, scanner: Scanner, buffer: Buffer): void {
  const element = buildElement(scanner, buffer);
  const debug = debugChain(c2s);
  if (debug !== null) showRead(debug, c2s, Stanza.of(element));
  if (element.ns === NS_STREAM) {
    streamElement(c2s, element);
    return;
  }
  switch (c2s.state) {
    case 'wait_for_stream':
      c2s.fail('not-well-formed', 'expected the opening tag of a stream');
      break;
    case 'wait_for_feature_before_auth':
    case 'wait_for_sasl_response':
      beforeLogin(c2s, element);
      break;
    case 'wait_for_feature_after_auth':
      bindElement(c2s, element);
      break;
    case 'external':
      // A module that has taken over the stream knows what may come now.
      foreignElement(c2s, element);
      break;
    default:
      break;
  }
}

function beforeLogin(c2s: C2s, element: Element): void {
  if (element.name === 'starttls' && c2s.state === 'wait_for_feature_before_auth') {
    if (element.ns !== NS_TLS) c2s.fail('invalid-namespace');
    else startTls(c2s, element);
    return;
  }
  if (element.ns === NS_SASL) {
    sasl(c2s, element);
    return;
  }
  if (element.ns === NS_CLIENT && needsTls(c2s)) {
    c2s.fail('policy-violation', 'Use of STARTTLS required');
    return;
  }
  foreignElement(c2s, element);
}

function sasl(c2s: C2s, element: Element): void {
  if (needsTls(c2s)) {
    failSasl(c2s, failure('encryption-required', 'Use of STARTTLS required'));
    return;
  }
  const isWaiting = c2s.state === 'wait_for_sasl_response';
  if (element.name === 'auth' && !isWaiting) startSasl(c2s, element);
  else if (element.name === 'response' && isWaiting) respondSasl(c2s, element);
  else if (element.name === 'abort') abortSasl(c2s);
  else c2s.fail('policy-violation', 'unexpected SASL element');
}
