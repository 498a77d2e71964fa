import type { C2s } from '../c2s/c2s.ts';
import { isAtWork } from '../c2s/receive.ts';
import { eventAccumulator } from '../c2s/session-event.ts';
import { leaveConnection } from '../c2s/take-over.ts';
import { endSession } from '../c2s/terminate.ts';
import { encodeFrame } from '../frame/codec.ts';
import { type ArrivedFrame, FrameKind, type SessionRecord, type TakeOverFrame } from '../frame/kinds.ts';
import { COMMIT_WAIT_MS_MAX } from '../limits.ts';
import { ALL_SHARDS } from '../sm/outbox.ts';
import { within } from '../util/within.ts';
import { MovedSession } from './moved-session.ts';
import type { TakeOverJudges } from './take-over-judges.ts';
import { sendSurely, type TakeOversSurroundings } from './take-over-surroundings.ts';

/** Sessions of this shard that streams of other shards take over; see `take-overs.ts`. */
export class HandOvers {
  readonly #around: TakeOversSurroundings;
  readonly #judges: TakeOverJudges;
  /** Sessions handed over that have not arrived, by the number that they had. */
  readonly #handed = new Map<number, MovedSession>();

  constructor(around: TakeOversSurroundings, judges: TakeOverJudges) {
    this.#around = around;
    this.#judges = judges;
  }

  /** A stream of another shard asks. */
  asked(frame: TakeOverFrame): void {
    const { threads, jids } = this.#around;
    const { shard } = frame.sid;
    const lane = threads.outbox.lane(shard);
    // The one who asked has died.
    if (lane === undefined) return;
    const verdict = this.#judges.judge(frame.module, jids.trusted(frame.bare), frame.content);
    if (verdict.kind !== 'offered') {
      this.#answer(frame, verdict.kind, verdict.content);
      return;
    }
    const session = verdict.session as C2s;
    this.#around.states.beforeTakeOver(session);
    if (isEnded(session)) {
      this.asked(frame);
      return;
    }
    const again = (): void => {
      if (threads.outbox.lane(shard) === lane) this.asked(frame);
    };
    const commits = commitsOf(session);
    if (commits !== undefined) {
      void within(commits, COMMIT_WAIT_MS_MAX).then((isDone) => {
        if (isDone) again();
        else this.#answer(frame, 'none', undefined);
      });
      return;
    }
    const wait = idleOf(session) ?? this.#room(shard);
    if (wait === undefined) {
      this.#handOver(session, frame);
      return;
    }
    // At once, where that keeps what waits in the session from going on before.
    if (typeof wait === 'function') wait(again);
    else void wait.then(again);
  }

  /** What waits for room goes first: the session must not be refused for it. */
  #room(shard: number): Promise<void> | undefined {
    const { outbox, loop } = this.#around.threads;
    if (outbox.overflowLength(shard) === 0) return undefined;
    return loop.whenDone(() => outbox.overflowLength(shard) === 0);
  }

  #handOver(session: C2s, frame: TakeOverFrame): void {
    const { sm, shard, states, threads, log } = this.#around;
    const { jid, sid, directoryHandle, priority, flags } = session;
    // It stays as old as it is: a session that binds its resource meanwhile is the newer one.
    const to = { ...frame.sid, time: sid.time };
    const record: SessionRecord = {
      jid: jid.full,
      sid,
      handle: directoryHandle,
      priority,
      flags,
      states: states.encode(session),
    };
    const answer = { kind: FrameKind.TAKEN_OVER, id: frame.id, shard, sid: to, session: record } as const;
    threads.loop.touch();
    if (!threads.outbox.send(to.shard, encodeFrame({ ...answer, content: undefined }))) {
      log.warn({ what: 'hand_over_failed', jid: jid.full }, 'a session is too large to be handed over');
      this.#answer(frame, 'none', undefined);
      return;
    }
    const moved = new MovedSession(session, to, this.#around);
    sm.table.exchange(sid.number, moved);
    this.#handed.set(sid.number, moved);
    // The entry is found until the session has arrived; it is not this object's any more.
    session.directoryHandle = -1;
    const waiting = session.inbox ?? [];
    session.inbox = undefined;
    session.inboxBytes = 0;
    for (const acc of waiting) moved.deliver(acc);
    states.left(session, to);
    session.reason = 'resumed';
    leaveConnection(session);
    endSession(session, eventAccumulator(session));
  }

  /** A session that was handed over is found on its new shard. */
  arrived({ number }: ArrivedFrame): void {
    const moved = this.#handed.get(number);
    if (moved === undefined) return;
    this.#handed.delete(number);
    const { sessions, sm } = this.#around;
    sessions.freeEntry(moved.jid, moved.directoryHandle);
    // What others sent before they could see that comes in until they have answered.
    const wait = sm.remote.fence(ALL_SHARDS) ?? Promise.resolve();
    void wait.then(() => sessions.forget(number));
  }

  /** A shard has died, and what it had not read is not looked after yet. */
  shardLost(shard: number): void {
    const { sm, sessions } = this.#around;
    for (const [number, moved] of this.#handed) {
      if (moved.to.shard !== shard) continue;
      this.#handed.delete(number);
      // If it had arrived, it was that shard's to lose.
      const isLost = sm.directory.isEntered(moved.directoryHandle);
      sessions.freeEntry(moved.jid, moved.directoryHandle);
      sessions.forget(number);
      if (isLost) this.#around.lostSession(moved.jid, moved.sid);
    }
  }

  #answer({ id, sid }: TakeOverFrame, kind: 'none' | 'refused', data: unknown): void {
    const { shard } = this.#around;
    sendSurely(this.#around.threads, sid.shard, {
      kind: FrameKind.TAKEN_OVER,
      id,
      shard,
      sid,
      session: undefined,
      content: { kind, data },
    });
  }
}

/**
 * What the session's client sent and is being stored, or waits for room on its way to another shard, or is still on its way there: before that is done nobody can say how much was
 * handled.
 */
export function commitsOf({ commits, handling, host }: C2s): Promise<unknown> | undefined {
  const sent = host.whenSent();
  if (commits === undefined && sent === undefined) return handling;
  return Promise.allSettled([...(commits ?? []), handling, sent]);
}

/** Whether what waited in the session for its client was too much for it. */
export function isEnded({ state }: C2s): boolean {
  return state === 'closed';
}

/** How to wait until nothing of the session is at work. */
function idleOf(c2s: C2s): ((callback: () => void) => void) | undefined {
  if (!isAtWork(c2s)) return undefined;
  return (callback) => {
    c2s.whenIdle ??= [];
    c2s.whenIdle.push(callback);
  };
}
