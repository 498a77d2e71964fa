import { SCAN_LIMITS_BEFORE_LOGIN } from '../limits.ts';
import { decodeValue, type Scanner } from '../xml/scanner.ts';
import { type ScanLimits, StreamContext } from '../xml/stream-context.ts';
import { ATTRIBUTE, KIND_MASK, TOKEN_WORDS, WANTS_DECODING } from '../xml/tokens.ts';
import { escapeValue } from '../xml/writer.ts';
import { type Jid, parseDomain, parseJid } from '../xmpp/jid.ts';
import { NS_CLIENT, NS_STREAM } from '../xmpp/namespaces.ts';
import type { C2s } from './c2s.ts';
import type { DomainInfo } from './c2s-host.ts';
import { sendFeatures } from './features.ts';

/** Longest `xml:lang` that is taken over. */
const LANG_BYTES_MAX = 35;

/** RFC 6120 §4.7.5: two numbers, leading zeros ignored. Any 1.x is answered with the 1.0 that we speak. */
const VERSION = /^0*1\.[0-9]+$/;

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
const CONTEXT_KEY_CHARS_MAX = 1_024;

function contextOf(name: string, bindings: StreamContext['bindings'], limits: ScanLimits): StreamContext {
  const key = JSON.stringify([name, bindings, limits.stanzaBytesMax, limits.elementsMax]);
  const known = contexts.get(key);
  if (known !== undefined) return known;
  const context = new StreamContext(name, bindings, limits);
  if (key.length > CONTEXT_KEY_CHARS_MAX) return context;
  if (contexts.size >= CONTEXTS_MAX) contexts.delete(contexts.keys().next().value!);
  contexts.set(key, context);
  return context;
}

/** The client is known: the stream that it has open may carry more from now on (SASL2 opens no new one). */
export function widenLimits(c2s: C2s): void {
  const { connection, listener } = c2s;
  const { headerName, bindings } = connection.context;
  connection.context = contextOf(headerName, bindings, listener.limits);
}

/** A stream's opening tag was read (RFC 6120 §4.7, §4.8). */
export function openStream(c2s: C2s, scanner: Scanner, buffer: Buffer): void {
  const { host } = c2s;
  const negotiation = c2s.negotiation!;
  const said = attributes(scanner, buffer);
  const { name, namespace, bindings } = scanner.openStream(buffer);
  const limits = c2s.isAuthenticated ? c2s.listener.limits : SCAN_LIMITS_BEFORE_LOGIN;
  c2s.connection.context = contextOf(name, bindings, limits);
  negotiation.renewStreamId();
  takeLanguage(c2s, said.get('xml:lang'));
  takeFrom(c2s, said.get('from'));
  const domain = hostedDomain(c2s, said.get('to'));
  if (!isClientStream(name, namespace, bindings)) {
    c2s.fail('invalid-namespace');
    return;
  }
  if (domain === undefined || (c2s.isAuthenticated && domain.name !== c2s.lserver)) {
    // A client that names no domain does not mean the default one: guessing would log it in elsewhere.
    c2s.fail('host-unknown');
    return;
  }
  c2s.lserver = domain.name;
  c2s.hostType = domain.hostType;
  if (!VERSION.test(said.get('version') ?? '')) {
    c2s.fail('unsupported-version');
    return;
  }
  if (c2s.isAuthenticated && isForeignFrom(c2s)) {
    c2s.fail('invalid-from');
    return;
  }
  sendHeader(c2s);
  c2s.state = c2s.isAuthenticated ? 'wait_for_feature_after_auth' : 'wait_for_feature_before_auth';
  negotiation.stepped(host.monotonicMs());
  sendFeatures(c2s);
}

function takeLanguage(c2s: C2s, lang: string | undefined): void {
  const isTaken = lang !== undefined && lang !== '' && Buffer.byteLength(lang) <= LANG_BYTES_MAX;
  c2s.lang = isTaken ? lang : c2s.host.defaultLanguage;
}

/** Before login, `from` says who is going to log in; after it, it must be who did. */
function takeFrom(c2s: C2s, from: string | undefined): void {
  const negotiation = c2s.negotiation!;
  if (!c2s.isAuthenticated || from !== undefined) negotiation.tentativeFrom = from;
}

/** Whether the opening tag names another account than the one that logged in (RFC 6120 §6.4.6), or is about to. */
export function isForeignFrom(c2s: C2s, account: Jid = c2s.jid): boolean {
  const { tentativeFrom } = c2s.negotiation!;
  return tentativeFrom !== undefined && parseJid(tentativeFrom)?.bare !== account.bare;
}

function hostedDomain(c2s: C2s, to: string | undefined): DomainInfo | undefined {
  const domain = to === undefined ? undefined : parseDomain(to);
  return domain === undefined ? undefined : c2s.host.domain(domain);
}

/** RFC 6120 §4.8.1 and §4.8.2. The content namespace need not be the default one. */
function isClientStream(name: string, namespace: string, bindings: StreamContext['bindings']): boolean {
  if (namespace !== NS_STREAM || (name !== 'stream' && !name.endsWith(':stream'))) return false;
  return bindings.some((binding) => binding.uri === NS_CLIENT);
}

/** Writes our own opening tag. */
export function sendHeader(c2s: C2s): void {
  const negotiation = c2s.negotiation!;
  if (negotiation.streamId === '') negotiation.renewStreamId();
  negotiation.isHeaderSent = true;
  const to = headerTo(negotiation.tentativeFrom);
  c2s.write(
    `<?xml version='1.0'?><stream:stream xmlns='${NS_CLIENT}' xmlns:stream='${NS_STREAM}' version='1.0'` +
      ` xml:lang='${escapeValue(c2s.lang)}' id='${negotiation.streamId}' from='${escapeValue(c2s.lserver)}'${to}>`,
  );
}

/** RFC 6120 §4.7.2: the bare JID of the client's `from`. What is no address is not repeated. */
function headerTo(from: string | undefined): string {
  if (from === undefined || parseJid(from) === undefined) return '';
  const slash = from.indexOf('/');
  return ` to='${escapeValue(slash < 0 ? from : from.slice(0, slash))}'`;
}
