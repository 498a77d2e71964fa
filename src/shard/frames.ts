import { decodeFrame } from '../frame/codec.ts';
import {
  type CloseSessionFrame,
  FrameKind,
  type IqAnswerFrame,
  type NoticeFrame,
  type ReroutedFrame,
  type RouteFrame,
  type SessionEventFrame,
  type StoreReplyFrame,
} from '../frame/kinds.ts';
import { Accumulator, type Origin } from '../hooks/accumulator.ts';
import type { HostType } from '../hooks/host-type.ts';
import type { Trace } from '../hooks/trace.ts';
import { isMeant } from '../sm/local-session.ts';
import type { SessionManager } from '../sm/session-manager.ts';
import type { JidCache } from '../xmpp/jid-cache.ts';
import { Stanza, StanzaKind } from '../xmpp/stanza.ts';
import type { Components } from './components.ts';
import type { Fences } from './fences.ts';
import type { PermanentKeys } from './permanent-keys.ts';
import { BY_ACCOUNT, FRAME_FLAGS, SOLE_TARGET, TO_COMPONENT, TO_MANY } from './remote-sessions.ts';
import type { Routing } from './routing.ts';
import type { TakeOvers } from './take-overs.ts';

/** What handling frames needs of the shard. */
export interface FrameSurroundings {
  readonly jids: JidCache;
  readonly sm: SessionManager;
  readonly routing: Routing;
  readonly components: Components;
  readonly keys: PermanentKeys;
  readonly fences: Fences;
  readonly takeOvers: TakeOvers;
  hostType(name: string): HostType | undefined;
  trace(acc: Accumulator): Trace;
  /** A store answers. */
  answered(thread: number, frame: StoreReplyFrame): void;
  notice(notice: string, payload: unknown): void;
}

/** Frames from other threads. A routed stanza is still in the ring: whoever keeps it retains it. */
export class FrameReceiver {
  readonly #around: FrameSurroundings;

  constructor(around: FrameSurroundings) {
    this.#around = around;
  }

  /** A frame has come from another thread. */
  handle(thread: number, bytes: Buffer, start: number, end: number): void {
    const frame = decodeFrame(bytes, start, end);
    switch (frame.kind) {
      case FrameKind.ROUTE:
        this.#route(frame);
        break;
      case FrameKind.STORE_REPLY:
        this.#around.answered(thread, frame);
        break;
      case FrameKind.SESSION_EVENT:
        this.#event(frame);
        break;
      case FrameKind.CLOSE_SESSION:
        this.#close(frame);
        break;
      case FrameKind.IQ_ANSWER:
        this.#answer(frame);
        break;
      case FrameKind.FENCE:
        this.#around.fences.asked(frame);
        break;
      case FrameKind.FENCE_PASSED:
        this.#around.fences.passed(frame);
        break;
      case FrameKind.REROUTED:
        this.#rerouted(frame);
        break;
      case FrameKind.TAKE_OVER:
        this.#around.takeOvers.handOvers.asked(frame);
        break;
      case FrameKind.TAKEN_OVER:
        this.#around.takeOvers.answered(frame);
        break;
      case FrameKind.ARRIVED:
        this.#around.takeOvers.handOvers.arrived(frame);
        break;
      case FrameKind.NOTICE:
        this.#notice(frame);
        break;
      default:
        break;
    }
  }

  /** A frame that never reached its shard, because that died: its stanza is routed again. */
  returned(bytes: Buffer): void {
    const frame = decodeFrame(bytes, 0, bytes.length);
    if (frame.kind === FrameKind.TAKEN_OVER) this.#around.takeOvers.returned(frame);
    if (frame.kind !== FrameKind.ROUTE || (frame.flags & SOLE_TARGET) === 0) return;
    const acc = this.#accumulator(frame);
    this.#around.routing.outcomes.takenBack(acc);
    if ((frame.flags & TO_COMPONENT) !== 0) void this.#around.components.routeAgain(acc);
    else void this.#around.routing.routeAgain(acc);
  }

  #route(frame: RouteFrame): void {
    if ((frame.flags & TO_COMPONENT) !== 0) {
      const acc = this.#accumulator(frame);
      this.#around.routing.outcomes.arrived(acc, 1);
      if (this.#around.components.receive(acc) instanceof Promise) acc.stanza!.retain();
      return;
    }
    if ((frame.flags & TO_MANY) !== 0) {
      this.#routeMany(frame);
      return;
    }
    const isSole = (frame.flags & SOLE_TARGET) !== 0;
    const isByAccount = (frame.flags & BY_ACCOUNT) !== 0;
    const acc = this.#accumulator(frame);
    this.#around.routing.outcomes.arrived(acc, frame.targets.length);
    this.#around.routing.delivery.handIn.arrived(frame.targets, acc, isSole, isByAccount);
  }

  #routeMany(frame: RouteFrame): void {
    const { jids, keys, routing } = this.#around;
    const { ref, timestamp, stanzaKind, type, stanza, originSid } = frame;
    // One for all: nobody changes it.
    const shared = Stanza.ofBytes(stanzaKind, type, stanza, 0, stanza.length, false);
    const from = jids.trusted(frame.from);
    const originJid =
      frame.originJid === frame.from
        ? from
        : frame.originJid === undefined
          ? undefined
          : jids.trusted(frame.originJid);
    const permanent = keys.decode(frame.keys);
    routing.multicast.deliverHere(frame.targets, frame.to, shared, (to) => {
      const acc = new Accumulator(
        ref,
        timestamp,
        frame.origin as Origin,
        undefined,
        to.domain,
        shared,
        from,
        to,
      );
      acc.hops = frame.hops;
      acc.visits = frame.visits;
      acc.originSid = originSid;
      acc.originJid = originJid;
      acc.adoptPermanent(permanent);
      return acc;
    });
  }

  #accumulator(frame: RouteFrame): Accumulator {
    const { jids, keys } = this.#around;
    const acc = new Accumulator(
      frame.ref,
      frame.timestamp,
      frame.origin as Origin,
      frame.hostType === undefined ? undefined : this.#around.hostType(frame.hostType),
      frame.lserver,
      Stanza.ofBytes(frame.stanzaKind, frame.type, frame.stanza, 0, frame.stanza.length),
      jids.trusted(frame.from),
      jids.trusted(frame.to),
    );
    acc.flags = frame.flags & ~FRAME_FLAGS;
    acc.hops = frame.hops;
    acc.visits = frame.visits;
    acc.isRouted = true;
    acc.via = frame.via;
    acc.originSid = frame.originSid;
    acc.originJid = frame.originJid === undefined ? undefined : jids.trusted(frame.originJid);
    acc.receiverSid = frame.receiverSid;
    acc.adoptPermanent(keys.decode(frame.keys));
    if (frame.isTraced) acc.trace = this.#around.trace(acc);
    return acc;
  }

  #event({ targets, jid, tag, payload }: SessionEventFrame): void {
    this.#around.sm.eventHere(targets, jid, tag, payload);
  }

  #close({ number, time, jid, reason, text, by }: CloseSessionFrame): void {
    const session = this.#around.sm.table.get(number);
    if (session !== undefined && isMeant(session, time, jid)) session.closeWithConflict(reason, text, by);
  }

  #answer({ from, to, stanza }: IqAnswerFrame): void {
    const { jids, routing } = this.#around;
    const parsed = Stanza.ofBytes(StanzaKind.IQ, undefined, stanza, 0, stanza.length);
    const answer = Stanza.of(parsed.element);
    const acc = new Accumulator(0, 0, 0, undefined, '', answer, jids.trusted(from), jids.trusted(to));
    if (answer.id !== undefined) routing.pending.answer(answer.id, acc);
  }

  #rerouted({ to, from, shards }: ReroutedFrame): void {
    this.#around.routing.delivery.wasRerouted(this.#around.jids.trusted(to), from, shards);
  }

  #notice({ notice, payload }: NoticeFrame): void {
    this.#around.notice(notice, payload);
  }
}
