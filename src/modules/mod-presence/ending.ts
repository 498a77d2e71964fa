import type { Accumulator, C2sParams, Jid, ModuleContext, Stanza } from '../module.ts';
import { loadLists } from './loading.ts';
import type { LostSessions } from './lost-sessions.ts';
import { PresenceState, stateOf } from './presence-state.ts';
import { presenceStanza, statusFor } from './presence-text.ts';
import { tell } from './telling.ts';

/** Asks the session of this full JID to announce itself once more. */
export interface AnnounceAgain {
  readonly again: string;
}

/** The end of sessions: everybody who was told of them learns it. */
export class Ending {
  readonly #context: ModuleContext;
  readonly #lost: LostSessions;

  constructor(context: ModuleContext, lost: LostSessions) {
    this.#context = context;
    this.#lost = lost;
  }

  /** The session ends (`user_terminate`): everybody who was told learns it, with a status that says why. */
  terminate(acc: Accumulator, session: C2sParams): undefined {
    const state = stateOf(this.#context, session);
    if (state === undefined) return;
    const reason = session.reason ?? 'normal';
    const status = statusFor(reason);
    const own = session.jid!;
    const contacts = state.isAvailable ? [...state.audience(), own.bareJid] : [];
    const others = state.directedJids();
    this.#lost.ended(session, state);
    // A resumed session goes on under the same address, on another shard: nobody is to notice.
    if (reason === 'resumed') return;
    if (state.isAvailable) this.#context.unsetPresence(session, acc, status ?? '');
    state.becomeUnavailable();
    const stanza = presenceStanza('unavailable', status);
    if (reason === 'replaced') {
      void tell(this.#context, acc, session, stanza, others);
      void this.#endUnlessTaken(acc, session, stanza, contacts);
    } else void tell(this.#context, acc, session, stanza, [...others, ...contacts]);
  }

  /**
   * Another session may have the same address by now. If it is available already, contacts must not be told that the address is not; and if
   * it becomes so while they are told, it announces itself once more, so that nobody is left with the wrong word.
   */
  async #endUnlessTaken(
    acc: Accumulator,
    ending: C2sParams | Jid,
    stanza: Stanza,
    contacts: readonly Jid[],
  ): Promise<undefined> {
    const own = 'jid' in ending ? ending.jid! : ending;
    if (contacts.length === 0 || (await this.#isAvailable(own))) return;
    await tell(this.#context, acc, ending, stanza, contacts);
    if (this.#context.sessions(own.bareJid).length === 0) return;
    await this.#context.whenHandled();
    if (!(await this.#isAvailable(own))) return;
    const request: AnnounceAgain = { again: own.full };
    this.#context.sendEvent(own.bareJid, request);
  }

  async #isAvailable(own: Jid): Promise<boolean> {
    const resources = await this.#context.availableResources(own.bareJid);
    return resources.some((jid) => jid.full === own.full);
  }

  /** A session died with its shard, and what it knew of directed presence with it (`session_cleanup`). */
  async lost(acc: Accumulator, own: Jid): Promise<undefined> {
    const lists = await loadLists(this.#context, acc, own, new PresenceState());
    const contacts = [...(lists?.from ?? []), own.bareJid];
    await this.#endUnlessTaken(acc, own, presenceStanza('unavailable', statusFor('lost')), contacts);
  }
}
