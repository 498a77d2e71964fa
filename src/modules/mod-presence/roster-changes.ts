import { type C2sParams, isSeen, type Jid, type ModuleContext, type Subscription, sees } from '../module.ts';
import type { AnnounceAgain } from './ending.ts';
import { askingAccumulator, loadLists } from './loading.ts';
import { type PresenceState, stateOf } from './presence-state.ts';
import { presenceStanza } from './presence-text.ts';
import { tell } from './telling.ts';

/** What the roster module tells a session about a contact whose subscription may have changed. */
interface RosterChange {
  readonly jid: string;
  readonly subscription: Subscription | 'remove';
  /** The roster's version after the change, and before it. */
  readonly version?: number;
  readonly previous?: number;
  /** When the change was known, in microseconds since the epoch. */
  readonly at?: number;
}

/** What a session is told by an event. */
export type SessionEvent = RosterChange | AnnounceAgain;

/** Keeps sessions to what their user's roster says while they are online. */
export class RosterChanges {
  readonly #context: ModuleContext;

  constructor(context: ModuleContext) {
    this.#context = context;
  }

  /** An event for a session (`foreign_event`). */
  told(session: C2sParams, content: SessionEvent): void {
    const state = stateOf(this.#context, session);
    if (state === undefined) return;
    const own = session.jid!;
    if (!('again' in content)) this.#rosterChanged(session, state, content);
    else if (content.again === own.full && state.isAvailable) {
      this.#tell(session, state, [...state.audience(), own.bareJid], true);
    }
  }

  #rosterChanged(session: C2sParams, state: PresenceState, change: RosterChange): void {
    const { version, previous } = change;
    if (version !== undefined) {
      if (state.isLoading) state.heardOf = Math.max(state.heardOf ?? 0, version);
      // Whoever becomes available asks for the lists; and what they contain already is no news.
      if (state.isLoading || !state.isAvailable || version <= (state.version ?? 0)) return;
      if (state.version !== undefined) {
        if (previous !== state.version) {
          // One change has not come, or comes later.
          void this.#refresh(session, state);
          return;
        }
        state.version = version;
      }
    }
    const contact = this.#context.jid(change.jid)?.bareJid;
    if (contact === undefined) return;
    const { subscription } = change;
    const isNew = subscription !== 'remove' && isSeen(subscription);
    const before = state.contacts;
    state.contacts = before.with(contact, isNew, subscription !== 'remove' && sees(subscription));
    if (!state.isAvailable) return;
    if (isNew !== before.isSeenBy(contact.bare)) this.#tell(session, state, [contact], isNew);
    const isSeenNow = state.contacts.sees(contact.bare) && !before.sees(contact.bare);
    if (isSeenNow && change.at !== undefined && wasOnTheWay(change.at, state)) {
      this.#ask(session, [contact]);
    }
  }

  /** Contacts whom this session sees from now on, and who did not know of it yet when they told all sessions that were there. */
  #ask(session: C2sParams, contacts: readonly Jid[]): void {
    const own = session.jid!;
    const acc = askingAccumulator(this.#context, own);
    void tell(this.#context, acc, session, presenceStanza('probe'), contacts);
  }

  /** Asks for the lists anew, and tells those for whom something has changed. */
  async #refresh(session: C2sParams, state: PresenceState): Promise<void> {
    const own = session.jid!;
    const lists = await loadLists(this.#context, askingAccumulator(this.#context, own), own, state);
    if (!state.isAvailable) return;
    if (lists === undefined) {
      // The next presence asks again.
      state.version = undefined;
      return;
    }
    const before = state.contacts;
    state.adopt(lists);
    const now = state.contacts;
    const gone = before.from().filter(({ bare }) => !now.isSeenBy(bare));
    const come = now.from().filter(({ bare }) => !before.isSeenBy(bare));
    if (gone.length > 0) this.#tell(session, state, gone, false);
    if (come.length > 0) this.#tell(session, state, come, true);
    const seen = now.to().filter(({ bare }) => !before.sees(bare));
    if (seen.length > 0) this.#ask(session, seen);
  }

  /** Contacts gained or lost sight of us while we are online (RFC 6121 §3.1.5, §3.2.2, §3.3.3). */
  #tell(session: C2sParams, state: PresenceState, contacts: readonly Jid[], isAvailable: boolean): void {
    const own = session.jid!;
    const stanza = isAvailable ? state.last() : presenceStanza('unavailable');
    if (!isAvailable) for (const contact of contacts) state.forget(contact);
    const acc = this.#context.accumulator(own, own.bareJid, stanza);
    void tell(this.#context, acc, session, stanza, contacts);
  }
}

/**
 * Whether a change was known when the session was not available yet, and came to it when it was. A contact who had agreed has told whoever was available then. The
 * clocks of two shards are the same to the millisecond; to be asked once too often hurts nobody.
 */
function wasOnTheWay(at: number, state: PresenceState): boolean {
  return Math.floor(at / 1_000) <= Math.floor(state.timestamp / 1_000) + 1;
}
