import type { Accumulator, C2sParams, Jid, ModuleContext, SessionRecord } from '../module.ts';
import type { PresenceState } from './presence-state.ts';
import { presenceStanza, statusFor } from './presence-text.ts';

/** Senders of directed presence that one session remembers. */
const HEARD_MAX = 1_000;
/** Addresses in one announcement. */
const BATCH = 1_000;

/**
 * Directed presence, and the death of a shard. A session that ends tells whoever it had sent presence to; one that dies with its shard cannot,
 * and nobody else knows its list. So the receivers remember from whom they have heard, and when the sessions of a dead shard are announced, each
 * shard tells its own. Also from whom on the same shard: either of the two may be resumed on another one. Contacts need none of this: rosters know them.
 */
export class LostSessions {
  readonly #context: ModuleContext;
  /** By the sender's full JID: who of this shard has heard, by full JID. */
  readonly #receivers = new Map<string, Map<string, Jid>>();

  constructor(context: ModuleContext) {
    this.#context = context;
    context.onAnnouncement((content) => {
      for (const sender of content as readonly string[]) this.#gone(sender);
    });
  }

  /** Whether available presence comes straight from a session that is no contact. */
  isWorthNoting(acc: Accumulator, session: C2sParams, state: PresenceState | undefined): boolean {
    const { from, originSid, originJid } = acc;
    if (originSid === undefined || originJid === undefined || originJid.full !== from.full) return false;
    return from.bare !== session.jid!.bare && !(state?.contacts.sees(from.bare) ?? false);
  }

  heard(sender: string, session: C2sParams, state: PresenceState): void {
    if (!state.heard(sender, HEARD_MAX)) return;
    let receivers = this.#receivers.get(sender);
    if (receivers === undefined) {
      receivers = new Map();
      this.#receivers.set(sender, receivers);
    }
    receivers.set(session.jid!.full, session.jid!);
  }

  unheard(from: Jid, session: C2sParams, state: PresenceState): void {
    if (state.unheard(from.full)) this.#forget(from.full, session.jid!.full);
  }

  /** The session ends. */
  ended(session: C2sParams, state: PresenceState): void {
    for (const sender of state.heardFrom()) this.#forget(sender, session.jid!.full);
  }

  #forget(sender: string, receiver: string): void {
    const receivers = this.#receivers.get(sender);
    if (receivers === undefined) return;
    receivers.delete(receiver);
    if (receivers.size === 0) this.#receivers.delete(sender);
  }

  /** Sessions died with their shard (`sessions_cleanup`): tells all shards. */
  announce(sessions: readonly SessionRecord[]): undefined {
    const gone = sessions.map(({ jid }) => jid.full);
    for (let i = 0; i < gone.length; i += BATCH) this.#context.announce(gone.slice(i, i + BATCH));
  }

  #gone(sender: string): void {
    const receivers = this.#receivers.get(sender);
    if (receivers === undefined) return;
    const from = this.#context.trustedJid(sender);
    const stanza = presenceStanza('unavailable', statusFor('lost'));
    // Receiving it makes each of them forget the sender.
    for (const to of [...receivers.values()]) {
      void this.#context.route(this.#context.accumulator(from, to, stanza));
    }
  }
}
