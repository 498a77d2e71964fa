import {
  type Accumulator,
  type C2sParams,
  type Jid,
  type ModuleContext,
  STOP,
  StanzaError,
  type Verdict,
} from '../module.ts';
import type { LostSessions } from './lost-sessions.ts';
import { type PresenceState, stateFor, stateOf } from './presence-state.ts';
import { isKnownType, presenceStanza } from './presence-text.ts';
import { send, tell } from './telling.ts';

/** Probes of a session that has so much left to say, because what privacy lists say of somebody has to be read first, are not answered. */
const WAITING_MAX = 1_000;

/** Presence for sessions, and probes of those who are not there. */
export class Incoming {
  readonly #context: ModuleContext;
  readonly #lost: LostSessions;

  constructor(context: ModuleContext, lost: LostSessions) {
    this.#context = context;
    this.#lost = lost;
  }

  /** Presence for our client (`user_receive_presence`). */
  receive(acc: Accumulator, session: C2sParams): Verdict {
    const state = stateOf(this.#context, session);
    const { type } = acc.stanza!;
    switch (type) {
      case undefined:
      case 'available':
        if (this.#lost.isWorthNoting(acc, session, state))
          this.#lost.heard(acc.from.full, session, stateFor(this.#context, session));
        return undefined;
      case 'probe':
        if (state?.isAvailable) this.#answerProbe(acc, session, state);
        return STOP;
      case 'unavailable':
        // The end of an earlier session of our resource, which we have replaced.
        if (acc.from.full === session.jid!.full && state?.isAvailable) return STOP;
        break;
      case 'error':
        break;
      default:
        return isKnownType(type) ? undefined : this.#refuse(acc);
    }
    if (state !== undefined) {
      state.forget(acc.from);
      this.#lost.unheard(acc.from, session, state);
    }
    return undefined;
  }

  #refuse(acc: Accumulator): typeof STOP {
    const reply = acc.errorReply(new StanzaError('bad-request', 'Invalid presence type'));
    if (reply !== undefined) void this.#context.route(reply);
    return STOP;
  }

  /** RFC 6121 §4.3.2: our last presence for whoever may see it; a bare one for whoever was sent it directly. */
  #answerProbe(acc: Accumulator, session: C2sParams, state: PresenceState): void {
    const own = session.jid!;
    if (acc.from.full === own.full || (state.waiting?.count ?? 0) >= WAITING_MAX) return;
    if (acc.from.bare === own.bare || state.contacts.isSeenBy(acc.from.bare)) {
      void this.#context.runHook('presence_probe', acc, { from: acc.from, to: own, sid: session.sid! });
      void tell(this.#context, acc, session, state.lastWithTime(own), [acc.from]);
    } else if (state.wasDirectedTo(acc.from)) {
      void tell(this.#context, acc, session, presenceStanza(undefined), [acc.from]);
    }
  }

  /**
   * A probe to an account that has no available resource: whoever may see its presence is told so (RFC 6121 §4.3.2). Anybody else hears nothing, as from
   * accounts that are there, and from those that do not exist (threat T68).
   */
  answerForAbsent(acc: Accumulator): undefined | Promise<unknown> {
    const isSubscribed = this.#context.isSubscribed(acc.from, acc.to);
    if (!(isSubscribed instanceof Promise)) return this.#absent(acc, isSubscribed);
    acc.retain();
    return isSubscribed.then((may) => this.#absent(acc, may));
  }

  #absent(acc: Accumulator, isSubscribed: boolean): undefined | Promise<unknown> {
    const { from, to } = acc;
    // To the own resource that asks there is nothing to say.
    if (!isSubscribed || from.bare === to.bare) {
      this.#context.outcome(acc, 'dropped');
      return undefined;
    }
    const allowed = this.#context.presenceTargets(acc, to.bareJid, [from], 'unavailable');
    if (!(allowed instanceof Promise)) return this.#tellAbsent(acc, allowed);
    acc.retain();
    return allowed.then((found) => this.#tellAbsent(acc, found));
  }

  /** Whoever has come while this was looked up answers himself: he must not be called unavailable after his presence. */
  #tellAbsent(acc: Accumulator, targets: readonly Jid[]): undefined | Promise<unknown> {
    const own = acc.to.bareJid;
    if (this.#context.sessions(own).some(({ priority }) => priority !== undefined))
      return this.#context.route(acc);
    return send(this.#context, acc, own, presenceStanza('unavailable'), targets);
  }
}
