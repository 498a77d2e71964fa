import {
  type Accumulator,
  type C2sParams,
  Flag,
  type ModuleContext,
  STOP,
  StanzaError,
  StanzaKind,
  serialize,
  type Verdict,
} from '../module.ts';
import { type Importance, importanceOf } from './importance.ts';
import type { CsiOptions } from './mod-csi.ts';
import { type Pool, Waiting } from './waiting.ts';

/** Whatever `buffer_max` says, no more than this waits for one client. */
const STANZAS_MAX = 1_000;
const BYTES_MAX = 1_048_576;

/** Which clients are not being looked at, and what waits for them. A client that never said so costs nothing. */
export class ClientStates {
  readonly #context: ModuleContext<CsiOptions>;
  readonly #countMax: number;
  readonly #totalMax: number;
  readonly #pool: Pool = { bytes: 0 };
  /** Of this instance; one that ends lets go of them. */
  readonly #all = new Set<Waiting>();

  constructor(context: ModuleContext<CsiOptions>) {
    this.#context = context;
    const { buffer_max, total_max_bytes } = context.options;
    this.#totalMax = total_max_bytes;
    this.#countMax = buffer_max === 'infinity' ? STANZAS_MAX : Math.min(buffer_max, STANZAS_MAX);
  }

  /** `<active/>`, `<inactive/>`, or something else in the namespace (`user_send_xmlel`). */
  told(acc: Accumulator, session: C2sParams): typeof STOP {
    const { element } = acc.stanza!;
    if (element.name === 'inactive') this.becomeInactive(session);
    else if (element.name === 'active') this.#becomeActive(acc, session);
    else {
      const reply = acc.errorReply(new StanzaError('bad-request'))!;
      acc.addAction({ kind: 'socket_send', xml: serialize(reply.stanza!.element) });
    }
    return STOP;
  }

  becomeInactive(session: C2sParams): void {
    this.#context.count('inactive');
    const waiting = this.#waiting(session);
    if (waiting !== undefined) {
      waiting.isInactive = true;
      return;
    }
    const fresh = new Waiting(session, this.#pool);
    this.#all.add(fresh);
    session.setModuleState(this.#context.slot, fresh);
  }

  #becomeActive(acc: Accumulator, session: C2sParams): void {
    this.#context.count('active');
    this.release(acc, session);
  }

  /**
   * Lets everything out, in order, once the hook is over: the client is active, or its connection is lost and stream management takes over what it
   * did not get. If nobody takes over, the stanzas are still there at the end.
   */
  release(acc: Accumulator, session: C2sParams): undefined {
    const waiting = this.#waiting(session);
    if (waiting === undefined) return;
    waiting.isInactive = false;
    this.#flush(acc, waiting);
    if (waiting.count === 0) this.#forget(waiting);
  }

  /** Another connection takes the session over: what waits is part of what the client has not acknowledged, and the client is active. */
  beforeTakeOver(session: C2sParams): void {
    const waiting = this.#waiting(session);
    if (waiting === undefined) return;
    const handle = this.#context.handle(session);
    waiting.isInactive = false;
    for (const acc of waiting.all) {
      // It may be too much for the session: then the others have found another way already.
      if (session.state === 'closed') return;
      acc.set('mod_csi', 'buffered', true);
      handle.flush(acc);
    }
    if (waiting.count === 0) this.#forget(waiting);
  }

  /** A stanza is about to be written (`xmpp_presend_element`). */
  presend(acc: Accumulator, session: C2sParams): Verdict {
    const waiting = this.#waiting(session);
    if (waiting === undefined) return undefined;
    if (acc.get('mod_csi', 'buffered') === true) {
      waiting.remove(acc);
      // What its handlers asked for was done when it came.
      acc.actions = undefined;
      if (!waiting.isInactive && waiting.count === 0) this.#forget(waiting);
      return undefined;
    }
    // Messages from storage are older than all that waits; and they are stored until the client has them, so waiting here must not look like having.
    if (!waiting.isInactive || (acc.flags & Flag.STORED) !== 0) return undefined;
    return this.#keep(acc, waiting);
  }

  #keep(acc: Accumulator, waiting: Waiting): Verdict {
    const importance = this.#importance(acc);
    if (importance === 'now') {
      if (waiting.count === 0) return undefined;
      if (acc.stanza!.kind === StanzaKind.MESSAGE) waiting.forgetState(acc);
      if (waiting.count === 0) return undefined;
    }
    acc.retain();
    waiting.add(acc, importance);
    if (importance === 'now' || this.#isTooMuch(waiting)) this.#flush(acc, waiting);
    return STOP;
  }

  /** For this client, or for all of them: then it goes out to the one it has just grown for. */
  #isTooMuch({ count, bytes }: Waiting): boolean {
    return count > this.#countMax || bytes > BYTES_MAX || this.#pool.bytes > this.#totalMax;
  }

  /**
   * Without filtering everything waits, and nothing takes another one's place; but for requests, which somebody wants answered in time (RFC 6120 §8.2.3; the server itself,
   * when it pings a client that it may give up), and answers, which the client waits for itself.
   */
  #importance(acc: Accumulator): Importance {
    if (acc.stanza!.kind === StanzaKind.IQ) return 'now';
    return this.#context.options.filter ? importanceOf(acc) : 'later';
  }

  #flush(acc: Accumulator, waiting: Waiting): void {
    for (const one of waiting.all) {
      one.set('mod_csi', 'buffered', true);
      acc.addAction({ kind: 'flush', acc: one });
    }
  }

  /** The session has ended (`reroute_unacked_messages`): what still waits looks for another way. */
  ended(session: C2sParams): undefined | Promise<undefined> {
    const waiting = this.#waiting(session);
    if (waiting === undefined) return undefined;
    const all = waiting.all;
    this.#forget(waiting);
    if (all.length === 0) return undefined;
    const jid = session.jid!;
    const left = this.#context.foldHook('filter_unacknowledged_messages', all, { jid });
    if (!(left instanceof Promise)) return this.#reroute(left);
    return left.then((found) => this.#reroute(found));
  }

  #reroute(left: readonly Accumulator[]): undefined {
    for (const acc of left) {
      acc.delete('mod_csi', 'buffered');
      acc.actions = undefined;
      this.#context.takeBack(acc);
      if (isForOthers(acc)) void this.#context.routeAgain(acc);
      else this.#context.outcome(acc, 'dropped');
    }
  }

  /** The module stops: all its clients are active for all it knows. */
  stop(): void {
    for (const waiting of this.#all) {
      const { session } = waiting;
      const handle = this.#context.session(session.jid!);
      session.setModuleState(this.#context.slot, undefined);
      if (handle?.params !== session) continue;
      for (const acc of waiting.all) {
        acc.actions = undefined;
        handle.flush(acc);
      }
    }
    this.#all.clear();
  }

  #waiting(session: C2sParams): Waiting | undefined {
    return session.moduleState(this.#context.slot) as Waiting | undefined;
  }

  #forget(waiting: Waiting): void {
    waiting.leavePool();
    this.#all.delete(waiting);
    waiting.session.setModuleState(this.#context.slot, undefined);
  }
}

/** Messages may reach their user elsewhere, unless they did already or are copies of such, and requests are answered; everything else was meant for this session alone. */
function isForOthers({ stanza, flags }: Accumulator): boolean {
  const { kind, type } = stanza!;
  if (kind === StanzaKind.MESSAGE) return (flags & (Flag.SHARED | Flag.CARBON)) === 0;
  return kind === StanzaKind.IQ && (type === 'get' || type === 'set');
}
