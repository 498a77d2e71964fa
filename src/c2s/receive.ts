import { type Accumulator, Flag } from '../hooks/accumulator.ts';
import type { Chain, Verdict } from '../hooks/chain.ts';
import { HOOK_INDEX } from '../hooks/points.ts';
import { INBOX_BYTES_MAX, INBOX_STANZAS_MAX } from '../limits.ts';
import { Counter } from '../memory/counters.ts';
import { applyActions } from './actions.ts';
import type { C2s } from './c2s.ts';
import { debugChain, showWritten } from './debug-traffic.ts';

const USER_RECEIVE_PACKET = HOOK_INDEX.user_receive_packet;
/** The hook of each kind of stanza, by `StanzaKind`. */
const USER_RECEIVE = [
  HOOK_INDEX.user_receive_message,
  HOOK_INDEX.user_receive_presence,
  HOOK_INDEX.user_receive_iq,
  HOOK_INDEX.user_receive_xmlel,
];
const XMPP_PRESEND_ELEMENT = HOOK_INDEX.xmpp_presend_element;
const XMPP_SEND_ELEMENT = HOOK_INDEX.xmpp_send_element;
const COUNTERS = [Counter.message_out, Counter.presence_out, Counter.iq_out, Counter.other_out];

/**
 * A stanza for this session arrives: from a session of this shard, or out of a ring. While receiving is suspended it waits its turn, within limits;
 * over them its sender is told so.
 */
export function deliver(c2s: C2s, acc: Accumulator): void {
  if ((acc.flags & Flag.STORED) !== 0) {
    deliverStored(c2s, acc);
    return;
  }
  const { inbox } = c2s;
  if (inbox === undefined) {
    receive(c2s, acc);
    return;
  }
  const size = acc.stanza!.sizeMax('', '');
  if (inbox.length >= INBOX_STANZAS_MAX || c2s.inboxBytes + size > INBOX_BYTES_MAX) {
    c2s.host.inboxFull(acc);
    return;
  }
  acc.stanza!.retain();
  inbox.push(acc);
  c2s.inboxBytes += size;
}

/**
 * A message that was stored is older than all that waits, so it waits for none of that; only for stored ones before it. How many there are was
 * limited when they were fetched.
 */
function deliverStored(c2s: C2s, acc: Accumulator): void {
  if (c2s.storedInbox !== undefined) {
    acc.stanza!.retain();
    c2s.storedInbox.push(acc);
    return;
  }
  if (c2s.state === 'closed') {
    c2s.host.undeliverable(acc);
    return;
  }
  if (c2s.isTraced && acc.trace === undefined) acc.trace = c2s.host.trace(c2s, acc);
  const rest = receivePacket(c2s, acc);
  if (rest === undefined) return;
  c2s.storedInbox = [];
  holdReceiving(
    c2s,
    rest.finally(() => releaseStored(c2s)),
  );
}

function releaseStored(c2s: C2s): void {
  const waiting = c2s.storedInbox ?? [];
  c2s.storedInbox = undefined;
  c2s.connection.touch();
  for (const acc of waiting) deliverStored(c2s, acc);
  const callbacks = c2s.whenReceived;
  if (callbacks === undefined || c2s.storedInbox !== undefined) return;
  c2s.whenReceived = undefined;
  for (const callback of callbacks) callback(c2s.state !== 'closed');
}

/** The session has ended: whatever is being received will not get to the client. */
export function giveUpReceiving(c2s: C2s): void {
  const callbacks = c2s.whenReceived;
  c2s.whenReceived = undefined;
  if (callbacks !== undefined) for (const callback of callbacks) callback(false);
}

/** Runs the receive pipeline: `user_receive_packet`, the hook of the kind, `xmpp_presend_element`, the socket, `xmpp_send_element`. */
export function receive(c2s: C2s, acc: Accumulator): void {
  if (c2s.state === 'closed') {
    c2s.host.undeliverable(acc);
    return;
  }
  // Made by the server or by somebody who is not watched.
  if (c2s.isTraced && acc.trace === undefined) acc.trace = c2s.host.trace(c2s, acc);
  const rest = receivePacket(c2s, acc);
  if (rest !== undefined) holdReceiving(c2s, rest);
}

function receivePacket(c2s: C2s, acc: Accumulator): undefined | Promise<unknown> {
  // The context from here on is the recipient's, whose domain may be another than the one just passed through.
  acc.hostType = c2s.hostType;
  const chain = c2s.hostType!.chains[USER_RECEIVE_PACKET]!;
  if (chain === null) return receiveKind(c2s, acc, undefined);
  const verdict = chain.run(acc, c2s);
  if (verdict instanceof Promise) return verdict.then((v) => receiveKind(c2s, acc, v));
  return receiveKind(c2s, acc, verdict);
}

function receiveKind(c2s: C2s, acc: Accumulator, before: Verdict): undefined | Promise<unknown> {
  if (before !== undefined) {
    applyActions(c2s, acc.actions);
    return undefined;
  }
  const chain = c2s.hostType!.chains[USER_RECEIVE[acc.stanza!.kind]!]!;
  if (chain === null) return runPresend(c2s, acc, undefined);
  const verdict = chain.run(acc, c2s);
  if (verdict instanceof Promise) return verdict.then((v) => runPresend(c2s, acc, v));
  return runPresend(c2s, acc, verdict);
}

/** The last stage alone: `xmpp_presend_element`, the socket, `xmpp_send_element`. */
export function presend(c2s: C2s, acc: Accumulator): void {
  if (c2s.state === 'closed') {
    c2s.host.undeliverable(acc);
    return;
  }
  acc.hostType = c2s.hostType;
  const chain = c2s.hostType!.chains[XMPP_PRESEND_ELEMENT]!;
  const verdict = chain === null ? undefined : runFlush(c2s, chain, acc);
  const rest =
    verdict instanceof Promise
      ? verdict.then((v) => afterPresend(c2s, acc, v))
      : afterPresend(c2s, acc, verdict);
  if (rest !== undefined) holdReceiving(c2s, rest);
}

/** Handlers see by `reason` that the stanza did not pass the receive hooks. */
function runFlush(c2s: C2s, chain: Chain, acc: Accumulator): Verdict | Promise<Verdict> {
  const { reason } = c2s;
  c2s.reason = 'flush';
  try {
    return chain.run(acc, c2s);
  } finally {
    c2s.reason = reason;
  }
}

function runPresend(c2s: C2s, acc: Accumulator, before: Verdict): undefined | Promise<unknown> {
  if (before !== undefined) {
    applyActions(c2s, acc.actions);
    return undefined;
  }
  const chain = c2s.hostType!.chains[XMPP_PRESEND_ELEMENT]!;
  if (chain === null) return afterPresend(c2s, acc, undefined);
  const verdict = chain.run(acc, c2s);
  if (verdict instanceof Promise) return verdict.then((v) => afterPresend(c2s, acc, v));
  return afterPresend(c2s, acc, verdict);
}

function afterPresend(c2s: C2s, acc: Accumulator, before: Verdict): undefined {
  if (before === undefined) writeStanza(c2s, acc);
  if (acc.actions !== undefined) applyActions(c2s, acc.actions);
  return undefined;
}

/** The last step: the stanza's bytes, stamped with its addresses, go into this turn's output. */
export function writeStanza(c2s: C2s, acc: Accumulator): void {
  const { connection } = c2s;
  if (c2s.state === 'closed' || !connection.isOpen) {
    c2s.host.undeliverable(acc);
    return;
  }
  const stanza = acc.stanza!;
  const from = acc.from.wire;
  const to = acc.to.wire;
  connection.reserve(stanza.sizeMax(from, to));
  connection.end = stanza.write(connection.chunk!, connection.end, from, to);
  c2s.host.counters[COUNTERS[stanza.kind]!]!++;
  if (acc.trace !== undefined) acc.trace.note({ step: 'socket', outcome: `written to ${c2s.jid.full}` });
  const debug = debugChain(c2s);
  if (debug !== null) showWritten(debug, c2s, acc);
  const chain = c2s.hostType!.chains[XMPP_SEND_ELEMENT]!;
  if (chain !== null) void chain.run(acc, c2s);
}

/** Receiving waits until the returned function is called; what arrives meanwhile is kept in order. `isForOrder`: see {@link holdReceiving}. */
export function hold(c2s: C2s, isForOrder = false): () => void {
  c2s.inbox ??= [];
  c2s.holds++;
  if (isForOrder) c2s.orderHolds++;
  return () => release(c2s, isForOrder);
}

function release(c2s: C2s, isForOrder: boolean): void {
  c2s.holds--;
  if (isForOrder) c2s.orderHolds--;
  if (isAtWork(c2s)) return;
  const callbacks = c2s.whenIdle;
  c2s.whenIdle = undefined;
  if (callbacks !== undefined) for (const callback of callbacks) callback();
  if (c2s.holds === 0) releaseReceiving(c2s);
}

/** Whether a stanza is being received, or something else of the session is under way that a move to another shard must wait for. */
export function isAtWork({ holds, orderHolds }: C2s): boolean {
  return holds > orderHolds;
}

/**
 * Receiving waits until `work` has settled; what arrives meanwhile is kept in order. `isForOrder`: that is all it is about, so the session may go to another shard
 * meanwhile, and what waits goes with it; whoever holds it here must do so there.
 */
export function holdReceiving(c2s: C2s, work: Promise<unknown>, isForOrder = false): void {
  const end = hold(c2s, isForOrder);
  work
    .catch((cause: unknown) => {
      c2s.host.log.error(
        { err: cause, what: 'receive_failed', jid: c2s.jid.full },
        'receiving a stanza failed',
      );
    })
    .finally(end);
}

/** Calls back when no stored message waits to be received any more; with false if the session has ended before. */
export function whenReceived(c2s: C2s, callback: (isReceived: boolean) => void): void {
  if (c2s.storedInbox === undefined) callback(c2s.state !== 'closed');
  else {
    c2s.whenReceived ??= [];
    c2s.whenReceived.push(callback);
  }
}

function releaseReceiving(c2s: C2s): void {
  const waiting = c2s.inbox;
  if (waiting === undefined) return;
  c2s.inbox = undefined;
  c2s.inboxBytes = 0;
  c2s.connection.touch();
  for (let i = 0; i < waiting.length; i++) {
    // A stanza may suspend receiving again: the rest waits on behind it.
    deliver(c2s, waiting[i]!);
  }
}
