import {
  type C2sParams,
  type Element,
  type Jid,
  KeptStanza,
  type ModuleContext,
  STOP,
  StanzaKind,
  type TakeOverResult,
  type TakeOverVerdict,
  type Verdict,
} from '../module.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { SmOptions } from './options.ts';
import type { SmSessions } from './sessions.ts';
import { resumed } from './sm-xml.ts';
import type { SmStream } from './stream.ts';
import { Travel } from './travel.ts';
import { reroute, withDelay } from './unacknowledged.ts';

/** What a stream knows of the session that it wants: plain data, for other shards. */
type Wanted = readonly [id: string, h: number];

/** Why a session is refused: more acknowledged than sent. */
type Refusal = readonly [h: number, sent: number];

/** How a resumption ended. */
export type Resumption =
  /** `session` goes on with the stream; its state is `external` if the stream has ended meanwhile. `answer`: what the client is told. */
  | { readonly kind: 'resumed'; readonly session: C2sParams; readonly answer: Element }
  /** `h`: how many stanzas the session had handled, if that is remembered. */
  | { readonly kind: 'not_found'; readonly h: number | undefined }
  | { readonly kind: 'too_high'; readonly h: number; readonly sent: number };

/** Sessions without a connection: waiting, going on with another one, ending. */
export class Resumer {
  readonly #context: ModuleContext<SmOptions>;
  readonly #sessions: SmSessions;
  readonly #acks: Acknowledgements;

  constructor(context: ModuleContext<SmOptions>, sessions: SmSessions, acks: Acknowledgements) {
    this.#context = context;
    this.#sessions = sessions;
    this.#acks = acks;
    const travel = new Travel(context, sessions, acks);
    context.onTakeOver({
      judge: (bare, content) => this.#judge(bare, content as Wanted),
      salvage: (state, jid) => travel.salvage(state, jid),
    });
  }

  // ── waiting ────────────────────────────────────────────────────────────────────────────────────────────────

  /** The connection is lost, or given up (`user_socket_closed` and its companions): a session that can be resumed waits. */
  lost(session: C2sParams): Verdict {
    const stream = this.#acks.of(session);
    if (stream?.id === undefined) return undefined;
    // It waits already, and what a module asks for is no more than that.
    if (stream.detachedMs !== undefined) return STOP;
    this.#wait(stream);
    this.#tellUnacknowledged(stream);
    this.#context.count('detached');
    return STOP;
  }

  #wait(stream: SmStream): void {
    const { detached } = this.#sessions;
    stream.detachedMs = performance.now();
    stream.isAsked = false;
    detached.add(stream);
    if (detached.size <= this.#context.options.detached_max) return;
    const [oldest] = detached;
    this.#context.count('detached_given_up');
    oldest!.handle.end('resource-constraint');
  }

  /** Whoever notifies clients in other ways learns what this one has not acknowledged. What handlers change stays with the message. */
  #tellUnacknowledged(stream: SmStream): void {
    const { session } = stream;
    let isChanged = false;
    const queue = stream.queue().map((kept) => {
      if (kept.kind !== StanzaKind.MESSAGE) return kept;
      const acc = kept.restore(session);
      const { stanza, flags } = acc;
      void this.#context.runHook('unacknowledged_message', acc, { jid: session.jid! });
      if (acc.stanza === stanza && acc.flags === flags && acc.permanentKeys() === kept.keys) return kept;
      isChanged = true;
      return KeptStanza.of(acc);
    });
    if (isChanged) stream.replaceQueue(queue);
  }

  /** Ends sessions that have waited long enough. Called every second or so. */
  endLate(): void {
    const now = performance.now();
    for (const stream of [...this.#sessions.detached]) {
      if (now - stream.detachedMs! < stream.timeoutMs) continue;
      this.#context.count('expired');
      stream.handle.end('resume_timeout');
    }
  }

  /** The module ends for good: nobody could resume these any more. */
  endAll(): void {
    for (const stream of [...this.#sessions.detached]) {
      const queue = stream.queue();
      stream.handle.end('resume_timeout');
      this.ended(stream.session, queue);
    }
    for (const stream of this.#sessions.streams) {
      const { handle, session } = stream;
      handle.acknowledges(undefined);
      session.setModuleState(this.#context.slot, undefined);
      // The session goes on as one that does not acknowledge: what the kernel has taken is delivered.
      stream.endWaiting(true);
    }
    this.#sessions.clear();
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────

  /** The session is about to end (`user_terminate`, before its presence is forgotten). */
  ending(session: C2sParams): undefined {
    const stream = this.#acks.of(session);
    if (stream === undefined || stream.length === 0) return;
    const { shard, number } = session.sid!;
    const own = this.#context.sessions(session.jid!.bareJid);
    stream.priority = own.find((one) => one.shard === shard && one.number === number)?.priority ?? -1;
  }

  /** The session has ended (`reroute_unacked_messages`), or has moved to another shard. */
  ended(session: C2sParams, left?: readonly KeptStanza[]): undefined {
    const stream = this.#acks.of(session);
    if (stream === undefined) return;
    const queue = left ?? stream.queue();
    this.#sessions.forget(stream);
    session.setModuleState(this.#context.slot, undefined);
    if (session.reason === 'resumed') return;
    const { id, priority, received } = stream;
    const jid = session.jid!;
    if (id !== undefined && this.#context.options.stale_h.enabled) {
      this.#sessions.noteStale(id, jid.bare, received);
    }
    const { replacedBy } = stream.handle;
    reroute(this.#context, queue, { session, jid, priority, replacedBy });
  }

  // ── coming back ────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * A stream that has logged in and bound nothing wants the session `id`, of which its client has handled `h` stanzas. `done` is called once, at once or later; not if
   * the stream has ended before a session was found. Whoever writes the answer of a resumed session calls {@link repeat} right after it. The returned function gives up.
   */
  resume(stream: C2sParams, id: string, h: number, done: (resumption: Resumption) => void): () => void {
    const wanted: Wanted = [id, h];
    const isEverywhere = this.#context.options.stale_h.enabled;
    return this.#context.takeOver(stream, wanted, isEverywhere, (result) =>
      done(this.#resumed(result, id, h)),
    );
  }

  #resumed(result: TakeOverResult, id: string, h: number): Resumption {
    switch (result.kind) {
      case 'taken':
        return { kind: 'resumed', session: result.session, answer: this.#goOn(result.session, id, h) };
      case 'refused': {
        const [said, sent] = result.content as Refusal;
        return { kind: 'too_high', h: said, sent };
      }
      default:
        return { kind: 'not_found', h: typeof result.content === 'number' ? result.content : undefined };
    }
  }

  #goOn(session: C2sParams, id: string, h: number): Element {
    const stream = this.#acks.of(session)!;
    this.#sessions.detached.delete(stream);
    stream.detachedMs = undefined;
    // All of it is: a session is not found before. The client is told so, and nothing less afterwards.
    stream.countHandled(stream.received);
    this.#acks.settle(stream, h);
    this.#context.count('resumed');
    // The connection that wanted it was lost while it was on its way.
    if (session.state === 'external') this.#wait(stream);
    return resumed(id, stream.handled);
  }

  /** Sends again what the client of a resumed session has not acknowledged. */
  repeat(session: C2sParams): void {
    const stream = this.#acks.of(session);
    if (stream === undefined || session.state !== 'session_established') return;
    const host = this.#context.trustedJid(session.jid!.domain);
    for (const kept of stream.queue()) {
      // What was written has ended it: the rest finds its way with the rest of the queue.
      if (session.state !== 'session_established') return;
      stream.handle.writeStanza(withDelay(kept, kept.restore(session), host));
    }
    this.#acks.ask(stream);
  }

  #judge(account: Jid, [id, h]: Wanted): TakeOverVerdict {
    const stream = this.#sessions.byId.get(id);
    // Somebody else's session is none (threat T42).
    if (stream === undefined || stream.session.jid!.bare !== account.bare) {
      return { kind: 'none', content: this.#sessions.staleCount(id, account) };
    }
    if (stream.isPlausible(h)) return { kind: 'offered', session: stream.session };
    const refusal: Refusal = [h, stream.sent];
    // The two do not agree on what was said: there is nothing to go on with.
    stream.handle.end('resume_failed');
    return { kind: 'refused', content: refusal };
  }
}
