import { foldHook } from '../hooks/run.ts';
import { Element } from '../xml/element.ts';
import { serialize } from '../xml/writer.ts';
import {
  NS_BIND,
  NS_CLIENT,
  NS_SASL,
  NS_SASL_CB,
  NS_SESSION,
  NS_STREAM_LIMITS,
  NS_TLS,
} from '../xmpp/namespaces.ts';
import type { C2s } from './c2s.ts';
import { suspendUntil } from './suspend.ts';

/** Whether TLS must come before anything else on this stream. */
export function needsTls(c2s: C2s): boolean {
  return c2s.listener.tls?.mode === 'starttls_required' && !c2s.isEncrypted;
}

/** Writes `<stream:features/>` for the present state (RFC 6120 §4.3.2). */
export function sendFeatures(c2s: C2s): void {
  const all = features(c2s);
  if (all instanceof Promise) suspendUntil(c2s, all, (settled) => writeFeatures(c2s, settled));
  else writeFeatures(c2s, all);
}

/** What is offered in the present state; a promise where a module has to think. */
export function features(c2s: C2s): readonly Element[] | Promise<readonly Element[]> {
  // Nothing else is offered, and no module asked, before the channel is safe.
  if (needsTls(c2s)) return [Element.of('starttls', NS_TLS, {}, new Element('required', NS_TLS))];
  if (!c2s.isAuthenticated) return withModules(c2s, featuresBeforeLogin(c2s));
  const versioning = foldHook(c2s.hostType, 'roster_get_versioning_feature', [], {});
  const own = featuresAfterLogin(c2s);
  if (versioning instanceof Promise) return versioning.then((more) => withModules(c2s, [...own, ...more]));
  return withModules(c2s, [...own, ...versioning]);
}

function withModules(c2s: C2s, own: Element[]): readonly Element[] | Promise<readonly Element[]> {
  return foldHook(c2s.hostType, 'c2s_stream_features', [...own, streamLimits(c2s)], c2s);
}

export function writeFeatures(c2s: C2s, offered: readonly Element[]): void {
  let xml = '<stream:features>';
  for (const feature of offered) xml += serialize(feature, NS_CLIENT);
  c2s.write(`${xml}</stream:features>`);
}

function featuresBeforeLogin(c2s: C2s): Element[] {
  const offered: Element[] = [];
  if (c2s.listener.tls !== undefined && !c2s.isEncrypted) offered.push(new Element('starttls', NS_TLS));
  const { mechanisms, channelBindings } = c2s.host.login.offer(c2s);
  if (channelBindings.length > 0) {
    // XEP-0440: which channel bindings the -PLUS mechanisms can use.
    const types = channelBindings.map((type) => Element.of('channel-binding', NS_SASL_CB, { type }));
    offered.push(Element.of('sasl-channel-binding', NS_SASL_CB, {}, ...types));
  }
  if (mechanisms.length > 0) {
    const list = mechanisms.map((name) => Element.of('mechanism', NS_SASL, {}, name));
    offered.push(Element.of('mechanisms', NS_SASL, {}, ...list));
  }
  return offered;
}

function featuresAfterLogin(c2s: C2s): Element[] {
  // A session that was opened together with the login has nothing to bind any more (XEP-0386).
  if (c2s.isEstablished) return [];
  const offered: Element[] = [];
  if (c2s.listener.isBackwardsCompatibleSession) {
    // Optional, so that a client of RFC 6121 leaves it out; it does nothing (RFC 6121 dropped it).
    offered.push(Element.of('session', NS_SESSION, {}, new Element('optional', NS_SESSION)));
  }
  offered.push(new Element('bind', NS_BIND));
  return offered;
}

/** XEP-0478: what the server enforces, told in advance. */
function streamLimits(c2s: C2s): Element {
  const { stanzaBytesMax } = c2s.connection.context.limits;
  return Element.of(
    'limits',
    NS_STREAM_LIMITS,
    {},
    Element.of('max-bytes', NS_STREAM_LIMITS, {}, String(stanzaBytesMax)),
  );
}
