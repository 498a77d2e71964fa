import { SCAN_LIMITS_BEFORE_LOGIN } from '../limits.ts';
import { decodeValue, type Scanner } from '../xml/scanner.ts';
import { StreamContext } from '../xml/stream-context.ts';
import { ATTRIBUTE, KIND_MASK, TOKEN_WORDS, WANTS_DECODING } from '../xml/tokens.ts';
import { escapeValue } from '../xml/writer.ts';
import { parseDomain } from '../xmpp/jid.ts';
import { NS_CLIENT, NS_STREAM } from '../xmpp/namespaces.ts';
import type { C2s } from './c2s.ts';
import { sendFeatures } from './features.ts';

/** Longest `xml:lang` that is taken over. */
const LANG_LENGTH_MAX = 35;

/** The attributes of an opening tag, by qualified name. */
function attributes(scanner: Scanner, buffer: Buffer): Map<string, string> {
  const result = new Map<string, string>();
  const { tokens, tokenWords, base } = scanner;
  for (let t = 0; t < tokenWords; t += TOKEN_WORDS) {
    if ((tokens[t]! & KIND_MASK) !== ATTRIBUTE) continue;
    const raw = buffer.utf8Slice(base + tokens[t + 3]!, base + tokens[t + 4]!);
    const name = buffer.utf8Slice(base + tokens[t + 1]!, base + tokens[t + 2]!);
    result.set(name, (tokens[t]! & WANTS_DECODING) !== 0 ? decodeValue(raw) : raw);
  }
  return result;
}

/** Streams with the same opening tag share one context: nearly all clients write one of a handful. */
const contexts = new Map<string, StreamContext>();
const CONTEXTS_MAX = 256;

function contextOf(
  name: string,
  bindings: StreamContext['bindings'],
  limits: StreamContext['limits'],
): StreamContext {
  const key = JSON.stringify([name, bindings, limits.stanzaBytesMax]);
  const known = contexts.get(key);
  if (known !== undefined) return known;
  const context = new StreamContext(name, bindings, limits);
  if (contexts.size < CONTEXTS_MAX && key.length < 1024) contexts.set(key, context);
  return context;
}

/** A stream's opening tag was read (RFC 6120 §4.7, §4.8). Its checks are in the order of the reference. */
export function openStream(c2s: C2s, scanner: Scanner, buffer: Buffer): void {
  const { host } = c2s;
  const negotiation = c2s.negotiation!;
  const said = attributes(scanner, buffer);
  const { name, namespace, bindings } = scanner.openStream(buffer);
  const limits = c2s.isAuthenticated ? c2s.listener.limits : SCAN_LIMITS_BEFORE_LOGIN;
  c2s.connection.context = contextOf(name, bindings, limits);
  negotiation.renewStreamId();
  const lang = said.get('xml:lang');
  c2s.lang =
    lang !== undefined && lang.length > 0 && lang.length <= LANG_LENGTH_MAX ? lang : host.defaultLanguage;
  const isStream = namespace === NS_STREAM && (name === 'stream' || name.endsWith(':stream'));
  const content = bindings.find((binding) => binding.prefix === '')?.uri;
  const carriesClient =
    content === NS_CLIENT || bindings.some((binding) => binding.prefix !== '' && binding.uri === NS_CLIENT);
  const to = said.get('to');
  const prepared = to === undefined ? undefined : parseDomain(to);
  const domain = prepared === undefined ? undefined : host.domain(prepared);
  if (!isStream || !carriesClient) {
    c2s.fail('invalid-namespace');
    return;
  }
  if (domain === undefined) {
    // A client that names no domain means the default one only if it says so; guessing would log it in elsewhere.
    c2s.fail('host-unknown');
    return;
  }
  if (c2s.isAuthenticated && domain.name !== c2s.lserver) {
    c2s.fail('host-unknown', 'not the domain of the authenticated account');
    return;
  }
  c2s.lserver = domain.name;
  c2s.hostType = domain.hostType;
  if (said.get('version') !== '1.0') {
    c2s.fail('unsupported-version');
    return;
  }
  const from = said.get('from');
  if (!c2s.isAuthenticated) negotiation.tentativeFrom = from;
  sendHeader(c2s);
  c2s.state = c2s.isAuthenticated ? 'wait_for_feature_after_auth' : 'wait_for_feature_before_auth';
  negotiation.stepped(host.monotonicMs());
  sendFeatures(c2s);
}

/** Writes our own opening tag. */
export function sendHeader(c2s: C2s): void {
  const negotiation = c2s.negotiation!;
  if (negotiation.streamId === '') negotiation.renewStreamId();
  negotiation.isHeaderSent = true;
  const from = negotiation.tentativeFrom;
  const to = from === undefined ? '' : ` to='${escapeValue(from)}'`;
  c2s.write(
    `<?xml version='1.0'?><stream:stream xmlns='${NS_CLIENT}' xmlns:stream='${NS_STREAM}' version='1.0'` +
      ` xml:lang='${escapeValue(c2s.lang)}' id='${negotiation.streamId}' from='${escapeValue(c2s.lserver)}'${to}>`,
  );
}
