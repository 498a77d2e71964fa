import type { C2s } from '../c2s/c2s.ts';
import { Pause } from '../c2s/pause.ts';
import { eventAccumulator } from '../c2s/session-event.ts';
import { FormerOwner, leaveConnection, takeConnection } from '../c2s/take-over.ts';
import { endSession } from '../c2s/terminate.ts';
import { encodeFrame } from '../frame/codec.ts';
import {
  type ArrivedFrame,
  type Frame,
  FrameKind,
  type SessionRecord,
  type TakenOverFrame,
  type TakeOverFrame,
} from '../frame/kinds.ts';
import type { TakeOverJudge, TakeOverResult, TakeOverVerdict } from '../modules/module.ts';
import type { Logger } from '../observe/log.ts';
import type { SessionManager } from '../sm/session-manager.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { JidCache } from '../xmpp/jid-cache.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import { MovedSession, type MovedSurroundings } from './moved-session.ts';
import type { SessionStates } from './session-states.ts';
import type { Sessions } from './sessions.ts';
import type { Threads } from './threads.ts';

export interface TakeOversSurroundings extends MovedSurroundings {
  readonly shard: number;
  readonly shards: number;
  readonly sm: SessionManager;
  readonly threads: Threads;
  readonly jids: JidCache;
  readonly sessions: Sessions;
  readonly states: SessionStates;
  readonly log: Pick<Logger, 'warn' | 'error'>;
  /** The name of the host type that serves a domain. */
  hostTypeOf(domain: string): string | undefined;
  /** The server stops: sessions are ended, and this one came too late for that. */
  isDraining(): boolean;
  /** A session was lost on its way: cleans up as after a dead shard. */
  lostSession(jid: Jid, sid: SessionId): void;
}

/** A stream of this shard that asks others for a session. */
interface Asked {
  readonly stream: C2s;
  readonly sid: SessionId;
  /** Shards that have not answered. */
  readonly shards: Set<number>;
  readonly done: (result: TakeOverResult) => void;
  best: TakeOverResult;
}

const NONE: TakeOverResult = { kind: 'none', content: undefined };

/**
 * Sessions that go on with another connection. If session and connection are on one shard, the session gets the connection, and that is all. Otherwise the
 * session moves to the shard of the connection (a TLS connection cannot move):
 *
 * ```
 *   new shard                                  old shard
 *   TAKE_OVER ───────────────────────────────▶ judged; waits until nothing of the session is suspended
 *   makes the session of it        ◀────────── TAKEN_OVER: the session as data. In its place stands a MovedSession
 *   is found instead of the old one ◀───────── what comes for the old one follows in the same ring
 *   ARRIVED ─────────────────────────────────▶ the old entry in the directory is freed; the MovedSession goes when nothing can come any more
 * ```
 *
 * The directory's index changes from the old entry to the new one in one atomic step. A sender whose stanzas went to the old shard asks there before it sends the
 * next one to the new shard (`sm/delivery-order.ts`), so nothing is overtaken.
 */
export class TakeOvers {
  readonly #around: TakeOversSurroundings;
  readonly #judges = new Map<string, TakeOverJudge>();
  readonly #asked = new Map<number, Asked>();
  /** Sessions handed over that have not arrived, by the number that they had. */
  readonly #handed = new Map<number, MovedSession>();
  #nextId = 1;

  constructor(around: TakeOversSurroundings) {
    this.#around = around;
  }

  /** Says who judges for a module and a host type. Returns how to end that. */
  register(module: string, hostType: string, judge: TakeOverJudge): () => void {
    const key = `${module} ${hostType}`;
    this.#judges.set(key, judge);
    return () => {
      if (this.#judges.get(key) === judge) this.#judges.delete(key);
    };
  }

  // ── the shard with the connection ──────────────────────────────────────────────────────────────────────────

  /**
   * Looks for a session that `stream` may take over: on this shard, then on those that have sessions of the account (all, if `isEverywhere`). The stream's input
   * waits. `done` is called once, at once or later; not if the stream has ended before a session was found.
   */
  request(
    stream: C2s,
    module: string,
    content: unknown,
    isEverywhere: boolean,
    done: (result: TakeOverResult) => void,
  ): void {
    const { connection } = stream;
    connection.pause(Pause.SUSPENDED);
    this.#look(stream, module, content, isEverywhere, (result) => {
      connection.touch();
      done(result);
      connection.unpause(Pause.SUSPENDED);
    });
  }

  #look(
    stream: C2s,
    module: string,
    content: unknown,
    isEverywhere: boolean,
    done: (result: TakeOverResult) => void,
  ): void {
    if (stream.state === 'closed') return;
    const bare = stream.jid.bareJid;
    const verdict = this.#judge(module, bare, content);
    if (verdict.kind === 'offered') {
      const session = verdict.session as C2s;
      const wait = commitsOf(session);
      if (wait !== undefined) {
        void wait.then(() => this.#look(stream, module, content, isEverywhere, done));
        return;
      }
      const { info } = session;
      takeConnection(session, stream);
      this.#around.sessions.resumed(session, info);
      done({ kind: 'taken', session });
    } else if (verdict.kind === 'refused') done(verdict);
    else this.#ask(stream, module, content, isEverywhere, verdict, done);
  }

  #ask(
    stream: C2s,
    module: string,
    content: unknown,
    isEverywhere: boolean,
    verdict: Extract<TakeOverVerdict, { kind: 'none' }>,
    done: (result: TakeOverResult) => void,
  ): void {
    const { sm, threads, shards, sessions } = this.#around;
    const bare = stream.jid.bareJid;
    const all = isEverywhere
      ? Array.from({ length: shards }, (_unused, shard) => shard)
      : sm.sessionsOf(bare).map(({ shard }) => shard);
    const there = new Set(all.filter((shard) => shard !== this.#around.shard));
    for (const shard of there) if (threads.outbox.lane(shard) === undefined) there.delete(shard);
    const best: TakeOverResult = { kind: 'none', content: verdict.content };
    if (there.size === 0) {
      done(best);
      return;
    }
    const id = this.#nextId++;
    const sid = sessions.newId();
    this.#asked.set(id, { stream, sid, shards: there, done, best });
    for (const shard of there) {
      this.#send(shard, { kind: FrameKind.TAKE_OVER, id, sid, bare: bare.bare, module, content });
    }
  }

  /** Another shard has answered. */
  answered({ id, shard, session, content, sid }: TakenOverFrame): void {
    const asked = this.#asked.get(id);
    if (session !== undefined) {
      this.#asked.delete(id);
      this.#adopt(asked, session, sid);
      return;
    }
    if (asked === undefined) return;
    const { kind, data } = content as { kind: 'none' | 'refused'; data: unknown };
    if (kind === 'refused' || (data !== undefined && data !== null)) asked.best = { kind, content: data };
    this.#answeredNothing(id, asked, shard);
  }

  #answeredNothing(id: number, asked: Asked, shard: number): void {
    if (!asked.shards.delete(shard) || asked.shards.size > 0) return;
    this.#asked.delete(id);
    this.#around.sessions.cancelId(asked.sid);
    if (asked.stream.state !== 'closed') asked.done(asked.best);
  }

  #adopt(asked: Asked | undefined, record: SessionRecord, sid: SessionId): void {
    const { sm, jids, sessions, states } = this.#around;
    const jid = jids.trusted(record.jid);
    const handle = asked === undefined ? -1 : sm.enterInPlaceOf(record.handle, jid, sid, record.priority);
    this.#send(record.sid.shard, { kind: FrameKind.ARRIVED, number: record.sid.number });
    if (handle < 0 || asked === undefined) {
      // No room in the directory: its entry is freed by the other shard.
      sessions.cancelId(sid);
      this.#lost(record);
      asked?.done(NONE);
      return;
    }
    const { stream } = asked;
    stream.host.unwatchLogin(stream);
    stream.negotiation = undefined;
    stream.jid = jid;
    stream.sid = sid;
    stream.directoryHandle = handle;
    stream.priority = record.priority;
    stream.reason = undefined;
    stream.state = 'session_established';
    if (!stream.connection.isOpen) {
      // Its connection was lost meanwhile: it waits for another one, here.
      stream.connection.owner = new FormerOwner(stream);
      stream.state = 'external';
    }
    states.decode(stream, record.states);
    sessions.adopted(stream);
    states.arrived(stream);
    asked.done({ kind: 'taken', session: stream });
    if (this.#around.isDraining()) stream.fail('system-shutdown');
  }

  // ── the shard with the session ─────────────────────────────────────────────────────────────────────────────

  /** A stream of another shard asks. */
  asked(frame: TakeOverFrame): void {
    const { threads, jids } = this.#around;
    const { shard } = frame.sid;
    const lane = threads.outbox.lane(shard);
    // The one who asked has died.
    if (lane === undefined) return;
    const verdict = this.#judge(frame.module, jids.trusted(frame.bare), frame.content);
    if (verdict.kind !== 'offered') {
      this.#answer(frame, verdict.kind, verdict.content);
      return;
    }
    const session = verdict.session as C2s;
    const wait = commitsOf(session) ?? idleOf(session) ?? this.#room(shard);
    if (wait === undefined) {
      this.#handOver(session, frame);
      return;
    }
    const again = (): void => {
      if (threads.outbox.lane(shard) === lane) this.asked(frame);
    };
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
    const { jid, sid, directoryHandle, priority } = session;
    // It stays as old as it is: a session that binds its resource meanwhile is the newer one.
    const to = { ...frame.sid, time: sid.time };
    const record: SessionRecord = {
      jid: jid.full,
      sid,
      handle: directoryHandle,
      priority,
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
    // What others sent before they could see that comes in until they have answered. Every bit: all shards.
    const wait = sm.remote.fence(-1) ?? Promise.resolve();
    void wait.then(() => sessions.forget(number));
  }

  // ── both ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** A shard has died. Called before what it had not read is looked after. */
  shardLost(shard: number): void {
    const { sm, sessions } = this.#around;
    for (const [id, asked] of this.#asked)
      if (asked.shards.has(shard)) this.#answeredNothing(id, asked, shard);
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

  /** An answer with a session comes back: the shard that wanted it has died before it read it. */
  returned({ session }: TakenOverFrame): void {
    if (session !== undefined) this.#salvage(session);
  }

  #lost(record: SessionRecord): void {
    this.#salvage(record);
    this.#around.lostSession(this.#around.jids.trusted(record.jid), record.sid);
  }

  #salvage({ jid, states }: SessionRecord): void {
    const own = this.#around.jids.trusted(jid);
    const hostType = this.#around.hostTypeOf(own.domain);
    for (const [module, state] of states) this.#judges.get(`${module} ${hostType}`)?.salvage(state, own);
  }

  #judge(module: string, bare: Jid, content: unknown): TakeOverVerdict {
    const judge = this.#judges.get(`${module} ${this.#around.hostTypeOf(bare.domain)}`);
    return judge?.judge(bare, content) ?? { kind: 'none' };
  }

  #answer({ id, sid }: TakeOverFrame, kind: 'none' | 'refused', data: unknown): void {
    const { shard } = this.#around;
    this.#send(sid.shard, {
      kind: FrameKind.TAKEN_OVER,
      id,
      shard,
      sid,
      session: undefined,
      content: { kind, data },
    });
  }

  /** While the way is full, it is tried again at the end of each turn; until the other one is gone. */
  #send(shard: number, frame: Frame): void {
    const { outbox, loop } = this.#around.threads;
    loop.touch();
    const lane = outbox.lane(shard);
    if (lane === undefined || outbox.send(shard, encodeFrame(frame))) return;
    void loop.whenDone(() => outbox.lane(shard) !== lane || outbox.send(shard, encodeFrame(frame)));
  }
}

/** What the session's client sent and is being stored: before that is done nobody can say how much was handled. */
function commitsOf({ commits }: C2s): Promise<unknown> | undefined {
  return commits === undefined ? undefined : Promise.allSettled(commits);
}

/** How to wait until receiving is not suspended. */
function idleOf(c2s: C2s): ((callback: () => void) => void) | undefined {
  if (c2s.holds === 0) return undefined;
  return (callback) => {
    c2s.whenIdle ??= [];
    c2s.whenIdle.push(callback);
  };
}
