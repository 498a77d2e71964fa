import type { Accumulator } from '../hooks/accumulator.ts';
import { type Chain, STOP, type Verdict } from '../hooks/chain.ts';
import { HOOK_INDEX } from '../hooks/points.ts';
import { Counter } from '../memory/counters.ts';
import { buildElement } from '../xml/element.ts';
import type { Scanner } from '../xml/scanner.ts';
import { NS_STREAM } from '../xml/tokens.ts';
import { type Jid, parseJid } from '../xmpp/jid.ts';
import { NS_CLIENT, NS_STREAM as NS_STREAM_URI } from '../xmpp/namespaces.ts';
import { Stanza, StanzaKind } from '../xmpp/stanza.ts';
import { applyActions } from './actions.ts';
import { answerHere, isSessionRequest, malformedAddressError, sessionResult } from './answer.ts';
import type { C2s } from './c2s.ts';
import { debugChain, showRead } from './debug-traffic.ts';
import { refuseElement } from './foreign-element.ts';
import { withoutForgedDelays } from './forged-delay.ts';
import { ownAccumulator } from './own-accumulator.ts';
import { streamElement } from './stream-element.ts';
import { holdInput } from './suspend.ts';

const USER_SEND_PACKET = HOOK_INDEX.user_send_packet;
/** The hook of each kind of stanza, by {@link StanzaKind}. */
const USER_SEND = [
  HOOK_INDEX.user_send_message,
  HOOK_INDEX.user_send_presence,
  HOOK_INDEX.user_send_iq,
  HOOK_INDEX.user_send_xmlel,
];
const COUNTERS = [Counter.message_in, Counter.presence_in, Counter.iq_in, Counter.other_in];

/**
 * An element from a client whose session is established, on its way to the router: check its addresses, run `user_send_packet` and
 * then the hook of its kind, route it (presence is routed by mod_presence), do what handlers asked for.
 *
 * This is the hot path: no tree, promise or closure unless a handler asks for one.
 */
export function sessionElement(c2s: C2s, scanner: Scanner, buffer: Buffer): void {
  if (c2s.ignoresInput) return;
  const kind = classify(c2s, scanner, buffer);
  c2s.host.counters[COUNTERS[kind]!]!++;
  if (kind === StanzaKind.OTHER) {
    other(c2s, scanner, buffer);
    return;
  }
  const stanza = Stanza.read(scanner, buffer, kind, NAMES[kind]);
  const debug = debugChain(c2s);
  if (debug !== null) showRead(debug, c2s, stanza);
  if (scanner.fromToken >= 0 && !isOwn(c2s, stanza)) {
    // RFC 6120 §8.1.2.1: a forged sender ends the stream.
    c2s.fail('invalid-from');
    return;
  }
  const to = recipient(c2s, scanner, buffer, stanza);
  if (to === undefined) {
    answerHere(c2s, stanza, malformedAddressError(stanza));
    return;
  }
  if (kind === StanzaKind.IQ && isSessionRequest(c2s, stanza, to)) {
    answerHere(c2s, stanza, sessionResult(stanza, to));
    return;
  }
  const clean = kind === StanzaKind.IQ ? stanza : withoutForgedDelays(c2s, scanner, buffer, stanza);
  const acc = ownAccumulator(c2s, clean, to);
  send(c2s, acc, USER_SEND[kind]!, kind !== StanzaKind.PRESENCE);
}

const NAMES = ['message', 'presence', 'iq', ''] as const;

/** Runs the hooks, then routes if that is the session's task. */
function send(c2s: C2s, acc: Accumulator, hook: number, isRouted: boolean): void {
  const { chains } = c2s.hostType!;
  const packetChain = chains[USER_SEND_PACKET]!;
  if (packetChain !== null) {
    const verdict = packetChain.run(acc, c2s);
    if (verdict instanceof Promise) {
      holdInput(
        c2s,
        verdict.then((v) => runKind(c2s, acc, hook, isRouted, v)),
      );
      return;
    }
    if (verdict !== undefined) {
      applyActions(c2s, acc.actions);
      return;
    }
  }
  const rest = runKind(c2s, acc, hook, isRouted, undefined);
  if (rest !== undefined) holdInput(c2s, rest);
}

function runKind(
  c2s: C2s,
  acc: Accumulator,
  hook: number,
  isRouted: boolean,
  before: Verdict,
): undefined | Promise<unknown> {
  if (before !== undefined) {
    applyActions(c2s, acc.actions);
    return undefined;
  }
  const chain = c2s.hostType!.chains[hook]!;
  if (chain === null) return finish(c2s, acc, isRouted);
  const verdict = chain.run(acc, c2s);
  if (verdict instanceof Promise) {
    return verdict.then((v) => finish(c2s, acc, isRouted && v === undefined));
  }
  return finish(c2s, acc, isRouted && verdict === undefined);
}

function finish(c2s: C2s, acc: Accumulator, isRouted: boolean): undefined | Promise<unknown> {
  // Routing strips the accumulator: what was asked of this session is kept for after it.
  const { actions } = acc;
  if (!isRouted) {
    applyActions(c2s, actions);
    return undefined;
  }
  const routing = c2s.host.route(acc);
  if (routing === undefined) {
    if (actions !== undefined) applyActions(c2s, actions);
    return undefined;
  }
  return actions === undefined ? routing : routing.then(() => applyActions(c2s, actions));
}

/** The kind of a top-level element: by name, in the content namespace of the stream. */
function classify(c2s: C2s, scanner: Scanner, buffer: Buffer): StanzaKind {
  const { tokens, base } = scanner;
  const colon = tokens[3]!;
  const start = base + (colon < 0 ? tokens[1]! : colon + 1);
  const length = base + tokens[2]! - start;
  const first = buffer[start];
  let kind: StanzaKind;
  if (length === 7 && first === 0x6d && buffer.latin1Slice(start, start + 7) === 'message')
    kind = StanzaKind.MESSAGE;
  else if (length === 8 && first === 0x70 && buffer.latin1Slice(start, start + 8) === 'presence') {
    kind = StanzaKind.PRESENCE;
  } else if (length === 2 && first === 0x69 && buffer[start + 1] === 0x71) kind = StanzaKind.IQ;
  else return StanzaKind.OTHER;
  const { context } = c2s.connection;
  const ns = tokens[4]!;
  if (ns === NS_STREAM - context.defaultBinding && context.defaultNamespace === NS_CLIENT) return kind;
  return scanner.namespaceUri(buffer, ns) === NS_CLIENT ? kind : StanzaKind.OTHER;
}

/** RFC 6120 §8.1.2.1: `from` may be the session's full JID or its bare one. */
function isOwn(c2s: C2s, stanza: Stanza): boolean {
  const from = stanza.attribute('from')!;
  if (from === c2s.jid.full || from === c2s.jid.bare) return true;
  const jid = parseJid(from);
  return jid !== undefined && (jid.isBare ? jid.bare === c2s.jid.bare : jid.full === c2s.jid.full);
}

/** The recipient; undefined when the address is malformed. Without `to` it is the sender's account (RFC 6120 §10.3). */
function recipient(c2s: C2s, scanner: Scanner, buffer: Buffer, stanza: Stanza): Jid | undefined {
  const token = scanner.toToken;
  if (token < 0) return c2s.jid.bareJid;
  const last = c2s.lastTo;
  if (last !== undefined && isLast(scanner, buffer, token, last.wire)) return last;
  const to = c2s.host.jids.parse(stanza.attribute('to')!);
  c2s.lastTo = to;
  return to;
}

function isLast(scanner: Scanner, buffer: Buffer, token: number, wire: string): boolean {
  const { tokens, base } = scanner;
  const start = base + tokens[token + 3]!;
  if (base + tokens[token + 4]! - start !== wire.length) return false;
  for (let i = 0; i < wire.length; i++) if (buffer[start + i] !== wire.charCodeAt(i)) return false;
  return true;
}

/** Anything but a stanza: modules may know it; nobody else does. */
function other(c2s: C2s, scanner: Scanner, buffer: Buffer): void {
  const element = buildElement(scanner, buffer);
  const debug = debugChain(c2s);
  if (debug !== null) showRead(debug, c2s, Stanza.of(element));
  if (element.ns === NS_STREAM_URI) {
    streamElement(c2s, element);
    return;
  }
  const acc = ownAccumulator(c2s, Stanza.of(element), c2s.jid.bareJid);
  const chain = c2s.hostType!.chains[USER_SEND[StanzaKind.OTHER]!]!;
  const packetChain = c2s.hostType!.chains[USER_SEND_PACKET]!;
  const before = packetChain === null ? undefined : packetChain.run(acc, c2s);
  if (before instanceof Promise) {
    holdInput(
      c2s,
      before.then((v) => runOther(c2s, acc, chain, v)),
    );
    return;
  }
  const rest = runOther(c2s, acc, chain, before);
  if (rest !== undefined) holdInput(c2s, rest);
}

function runOther(
  c2s: C2s,
  acc: Accumulator,
  chain: Chain | null,
  before: Verdict,
): undefined | Promise<unknown> {
  const verdict = before === undefined && chain !== null ? chain.run(acc, c2s) : before;
  if (verdict instanceof Promise) return verdict.then((v) => finishOther(c2s, acc, v));
  finishOther(c2s, acc, verdict);
  return undefined;
}

function finishOther(c2s: C2s, acc: Accumulator, verdict: Verdict): void {
  applyActions(c2s, acc.actions);
  if (verdict !== STOP) refuseElement(c2s, acc.stanza!.element, 'unsupported-stanza-type');
}
