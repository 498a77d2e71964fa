import { encodeFrame } from '../frame/codec.ts';
import { FrameKind } from '../frame/kinds.ts';
import type { Accumulator } from '../hooks/accumulator.ts';
import { VISITS_MAX } from '../limits.ts';
import { fence } from '../memory/fence.ts';
import type { RemoteSessions } from '../sm/outbox.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import type { Fences } from './fences.ts';
import type { PermanentKeys } from './permanent-keys.ts';
import type { Threads } from './threads.ts';

/** Frame flag: nobody else got this stanza, so it must be routed again if its session is gone. Above the accumulator's flags. */
export const SOLE_TARGET = 1 << 15;
/** Frame flag: the sessions were chosen by the bare JID; the address may name a resource that does not exist. */
export const BY_ACCOUNT = 1 << 14;
/** Frame flag: the stanza is for the component that the receiving shard serves. It has no sessions. */
export const TO_COMPONENT = 1 << 13;
/** Frame flag: the stanza is for sessions of several accounts (`RemoteSessions.forwardMany`); its bytes carry no addresses. */
export const TO_MANY = 1 << 12;
/** All frame flags. */
export const FRAME_FLAGS = SOLE_TARGET | BY_ACCOUNT | TO_COMPONENT | TO_MANY;

const NO_SESSIONS: readonly number[] = [];

/** The way to sessions of other shards: frames through rings. */
export class ShardRemoteSessions implements RemoteSessions {
  readonly #threads: Threads;
  readonly #shards: number;
  readonly #keys: PermanentKeys;
  readonly #fences: Fences;
  #scratch = Buffer.allocUnsafeSlow(4_096);

  constructor(threads: Threads, shards: number, keys: PermanentKeys, fences: Fences) {
    this.#threads = threads;
    this.#shards = shards;
    this.#keys = keys;
    this.#fences = fences;
  }

  forward(
    shard: number,
    numbers: readonly number[],
    acc: Accumulator,
    isSole: boolean,
    isByAccount: boolean,
  ): boolean {
    if (acc.trace !== undefined) {
      const outcome = numbers.length === 1 ? '1 session' : `${numbers.length} sessions`;
      acc.trace.note({ step: `frame to shard ${shard}`, outcome, sessions: { shard, numbers } });
      if (acc.trace.isDryRun) return true;
    }
    return this.#send(shard, numbers, acc, (isSole ? SOLE_TARGET : 0) | (isByAccount ? BY_ACCOUNT : 0));
  }

  forwardMany(
    shard: number,
    targets: readonly number[],
    accounts: string,
    cause: Accumulator,
    stanza: Stanza,
    from: Jid,
    again: 0 | 1,
  ): boolean {
    const size = stanza.sizeMax('', '');
    if (size > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(size * 2);
    const end = stanza.write(this.#scratch, 0, '', '');
    const bytes = encodeFrame({
      kind: FrameKind.ROUTE,
      targets,
      ref: cause.ref,
      timestamp: cause.timestamp,
      origin: cause.origin,
      // Each recipient has a domain of its own.
      hostType: undefined,
      lserver: '',
      from: from.full,
      to: accounts,
      stanzaKind: stanza.kind,
      type: stanza.type,
      stanza: this.#scratch.subarray(0, end),
      originSid: cause.originSid,
      originJid: cause.originJid?.full,
      receiverSid: undefined,
      flags: TO_MANY,
      hops: cause.hops + again,
      visits: Math.min(cause.visits + again, VISITS_MAX),
      via: 0,
      keys: this.#keys.encode(cause.permanentKeys()),
      isTraced: false,
    });
    this.#threads.loop.touch();
    return this.#threads.outbox.send(shard, bytes);
  }

  /** Hands a stanza to the component that another shard serves. False when it could not be sent. */
  toComponent(shard: number, acc: Accumulator): boolean {
    if (acc.trace !== undefined) {
      acc.trace.note({ step: `frame to shard ${shard}`, outcome: `component ${acc.to.domain}` });
      if (acc.trace.isDryRun) return true;
    }
    return this.#send(shard, NO_SESSIONS, acc, TO_COMPONENT | SOLE_TARGET);
  }

  #send(shard: number, numbers: readonly number[], acc: Accumulator, flags: number): boolean {
    const stanza = acc.stanza!;
    const from = acc.from.wire;
    const to = acc.to.wire;
    const size = stanza.sizeMax(from, to);
    if (size > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(size * 2);
    // Stamped here, once: the receiver writes the bytes as they are.
    const end = stanza.write(this.#scratch, 0, from, to);
    const bytes = encodeFrame({
      kind: FrameKind.ROUTE,
      targets: numbers,
      ref: acc.ref,
      timestamp: acc.timestamp,
      origin: acc.origin,
      hostType: acc.hostType?.name,
      lserver: acc.lserver,
      from: acc.from.full,
      to: acc.to.full,
      stanzaKind: stanza.kind,
      type: stanza.type,
      stanza: this.#scratch.subarray(0, end),
      originSid: acc.originSid,
      originJid: acc.originJid?.full,
      receiverSid: acc.receiverSid,
      flags: acc.flags | flags,
      hops: acc.hops,
      visits: acc.visits,
      via: acc.via | (1 << this.#threads.shard),
      keys: this.#keys.encode(acc.permanentKeys()),
      isTraced: acc.trace !== undefined,
    });
    this.#threads.loop.touch();
    return this.#threads.outbox.send(shard, bytes);
  }

  closeSession(
    target: SessionId,
    jid: string,
    reason: string,
    text: string,
    by: SessionId | undefined,
  ): void {
    const { number, time } = target;
    this.#threads.loop.touch();
    this.#threads.outbox.send(
      target.shard,
      encodeFrame({ kind: FrameKind.CLOSE_SESSION, number, time, jid, reason, text, by }),
    );
  }

  sendEvent(shard: number, numbers: readonly number[], jid: string, tag: string, payload: unknown): void {
    this.#threads.loop.touch();
    this.#threads.outbox.send(
      shard,
      encodeFrame({ kind: FrameKind.SESSION_EVENT, targets: numbers, jid, tag, payload }),
    );
  }

  settled(
    mask: number,
    to: string,
    from?: string,
    before?: number,
    visits?: number,
  ): Promise<void> | undefined {
    return this.#fences.settled(mask & ((1 << this.#shards) - 1), { to, from, before, visits });
  }

  rerouted(acc: Accumulator, shards: number): void {
    const frame = { kind: FrameKind.REROUTED, to: acc.to.full, from: acc.from.full, shards } as const;
    this.#fences.tell(acc.via & ~(1 << this.#threads.shard), frame);
  }

  fence(mask: number): Promise<void> | undefined {
    const { outbox, inbox, loop } = this.#threads;
    let waits: Promise<void>[] | undefined;
    for (let shard = 0; shard < this.#shards; shard++) {
      if ((mask & (1 << shard)) === 0 || shard === this.#threads.shard) continue;
      const wait = fence(shard, outbox, inbox, loop);
      if (wait === undefined) continue;
      waits ??= [];
      waits.push(wait);
    }
    if (waits === undefined) return undefined;
    return waits.length === 1 ? waits[0] : Promise.all(waits).then(() => undefined);
  }
}
