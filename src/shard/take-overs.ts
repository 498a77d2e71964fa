import type { C2s } from '../c2s/c2s.ts';
import { Pause } from '../c2s/pause.ts';
import { FormerOwner, takeConnection } from '../c2s/take-over.ts';
import { FrameKind, type SessionRecord, type TakenOverFrame } from '../frame/kinds.ts';
import { COMMIT_WAIT_MS_MAX } from '../limits.ts';
import type { TakeOverResult, TakeOverVerdict } from '../modules/module.ts';
import { within } from '../util/within.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import { commitsOf, HandOvers, isEnded } from './hand-overs.ts';
import { TakeOverJudges } from './take-over-judges.ts';
import { sendSurely, type TakeOversSurroundings } from './take-over-surroundings.ts';

/** A stream of this shard that wants a session. */
interface Wish {
  readonly stream: C2s;
  readonly module: string;
  readonly content: unknown;
  readonly isEverywhere: boolean;
  readonly done: (result: TakeOverResult) => void;
  /** It will not be waited for any longer. */
  isGivenUp: boolean;
}

/** One that other shards are asked for. */
interface Asked {
  readonly wish: Wish;
  readonly sid: SessionId;
  /** Shards that have not answered. */
  readonly shards: Set<number>;
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
  /** Who judges. */
  readonly judges: TakeOverJudges;
  /** The other side: sessions of this shard that others take over. */
  readonly handOvers: HandOvers;
  readonly #asked = new Map<number, Asked>();
  #nextId = 1;

  constructor(around: TakeOversSurroundings) {
    this.#around = around;
    this.judges = new TakeOverJudges(around.jids, around.hostTypeOf);
    this.handOvers = new HandOvers(around, this.judges);
  }

  /**
   * Looks for a session that `stream` may take over: on this shard, then on those that have sessions of the account (all, if `isEverywhere`). The stream's input
   * waits. `done` is called once, at once or later; not if the stream has ended before a session was found. The returned function gives it up: `done` is not called any
   * more then, and a session that is on its way ends.
   */
  request(
    stream: C2s,
    module: string,
    content: unknown,
    isEverywhere: boolean,
    done: (result: TakeOverResult) => void,
  ): () => void {
    const { connection } = stream;
    // Where the input waits for something larger that this is part of, it goes on after that.
    const isOurs = connection.pause(Pause.SUSPENDED);
    // The client's time for a step stands still: it is us who take it.
    stream.negotiation?.serverBusy();
    const answer = (result: TakeOverResult): void => {
      connection.touch();
      stream.negotiation?.stepped(stream.host.monotonicMs());
      done(result);
      if (isOurs) connection.unpause(Pause.SUSPENDED);
    };
    const wish: Wish = { stream, module, content, isEverywhere, done: answer, isGivenUp: false };
    this.#look(wish);
    return () => {
      wish.isGivenUp = true;
      if (isOurs) connection.unpause(Pause.SUSPENDED);
    };
  }

  #look(wish: Wish): void {
    const { stream, module, content, done } = wish;
    if (isOver(wish)) return;
    const verdict = this.judges.judge(module, stream.jid.bareJid, content);
    if (verdict.kind === 'offered') {
      const session = verdict.session as C2s;
      this.#around.states.beforeTakeOver(session);
      if (isEnded(session)) {
        this.#look(wish);
        return;
      }
      const wait = commitsOf(session);
      if (wait !== undefined) {
        void within(wait, COMMIT_WAIT_MS_MAX).then((isDone) => {
          if (isDone) this.#look(wish);
          else if (!isOver(wish)) done(NONE);
        });
        return;
      }
      const { info } = session;
      takeConnection(session, stream);
      this.#around.sessions.resumed(session, info);
      done({ kind: 'taken', session });
    } else if (verdict.kind === 'refused') done(verdict);
    else this.#ask(wish, verdict);
  }

  #ask(wish: Wish, verdict: Extract<TakeOverVerdict, { kind: 'none' }>): void {
    const { stream, module, content, isEverywhere } = wish;
    const { sm, threads, shards, sessions } = this.#around;
    const bare = stream.jid.bareJid;
    const all = isEverywhere
      ? Array.from({ length: shards }, (_unused, shard) => shard)
      : sm.sessionsOf(bare).map(({ shard }) => shard);
    const there = new Set(all.filter((shard) => shard !== this.#around.shard));
    for (const shard of there) if (threads.outbox.lane(shard) === undefined) there.delete(shard);
    const best: TakeOverResult = { kind: 'none', content: verdict.content };
    if (there.size === 0) {
      wish.done(best);
      return;
    }
    const id = this.#nextId++;
    const sid = sessions.newId();
    this.#asked.set(id, { wish, sid, shards: there, best });
    for (const shard of there) {
      sendSurely(this.#around.threads, shard, {
        kind: FrameKind.TAKE_OVER,
        id,
        sid,
        bare: bare.bare,
        module,
        content,
      });
    }
  }

  /** Another shard has answered. */
  answered({ id, shard, session, content, sid }: TakenOverFrame): void {
    const asked = this.#asked.get(id);
    if (session !== undefined) {
      this.#asked.delete(id);
      this.#adopt(asked?.wish, session, sid);
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
    if (!isOver(asked.wish)) asked.wish.done(asked.best);
  }

  #adopt(wish: Wish | undefined, record: SessionRecord, sid: SessionId): void {
    const { sm, jids, sessions, states } = this.#around;
    const jid = jids.trusted(record.jid);
    const isWanted = wish?.isGivenUp === false;
    const { priority, flags } = record;
    const handle = isWanted ? sm.enterInPlaceOf(record.handle, jid, sid, priority, flags) : -1;
    sendSurely(this.#around.threads, record.sid.shard, {
      kind: FrameKind.ARRIVED,
      number: record.sid.number,
    });
    if (handle < 0 || !isWanted) {
      // Nobody waits for it, or there is no room in the directory: its entry is freed by the other shard.
      sessions.cancelId(sid);
      this.judges.salvage(record);
      this.#around.lostSession(jid, record.sid);
      if (isWanted) wish.done(NONE);
      return;
    }
    const { stream } = wish;
    stream.host.unwatchLogin(stream);
    stream.negotiation = undefined;
    stream.jid = jid;
    stream.sid = sid;
    stream.directoryHandle = handle;
    stream.priority = priority;
    stream.flags = flags;
    stream.reason = undefined;
    stream.state = 'session_established';
    if (!stream.connection.isOpen) {
      // Its connection was lost meanwhile: it waits for another one, here.
      stream.connection.owner = new FormerOwner(stream);
      stream.state = 'external';
    }
    states.decode(stream, record.states);
    sessions.adopted(stream);
    wish.done({ kind: 'taken', session: stream });
    // What modules have to say comes behind what the client is told of the resumption, and gets again.
    if (!isEnded(stream)) states.arrived(stream);
    if (this.#around.isDraining()) stream.fail('system-shutdown');
  }

  /** A shard has died. Called before what it had not read is looked after. */
  shardLost(shard: number): void {
    for (const [id, asked] of this.#asked)
      if (asked.shards.has(shard)) this.#answeredNothing(id, asked, shard);
    this.handOvers.shardLost(shard);
  }

  /** An answer with a session comes back: the shard that wanted it has died before it read it. */
  returned({ session }: TakenOverFrame): void {
    if (session !== undefined) this.judges.salvage(session);
  }
}

/** Whether nobody waits for it any more. A session that comes from another shard is adopted even by a stream that has ended. */
function isOver({ stream, isGivenUp }: Wish): boolean {
  return isGivenUp || stream.state === 'closed';
}
