import { type Accumulator, Flag } from '../hooks/accumulator.ts';
import type { ConnectionInfo } from '../hooks/session.ts';
import { addressedMoved } from '../sm/addressed.ts';
import type { Delivery } from '../sm/delivery.ts';
import type { LocalSession } from '../sm/local-session.ts';
import type { SessionManager } from '../sm/session-manager.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { SessionId } from '../xmpp/session-id.ts';

export interface MovedSurroundings {
  readonly sm: SessionManager;
  readonly delivery: Delivery;
  /** The new shard is gone: the stanza finds its way anew. */
  routeAgain(acc: Accumulator): void;
  /** False: it has done so too often, and is done with. */
  goesAfterSession(acc: Accumulator): boolean;
  /** A stanza that was given to the session goes on. */
  takenBack(acc: Accumulator): void;
  forwarded(acc: Accumulator): void;
}

/**
 * Stands in the place of a session that another shard has taken over, as long as stanzas may be under way to it here: sends everything after it, in order,
 * behind the session itself.
 */
export class MovedSession implements LocalSession {
  readonly jid: Jid;
  readonly sid: SessionId;
  readonly info: ConnectionInfo;
  readonly directoryHandle: number;
  /** What the session is now. */
  readonly to: SessionId;
  readonly #around: MovedSurroundings;

  constructor(session: LocalSession, to: SessionId, around: MovedSurroundings) {
    this.jid = session.jid;
    this.sid = session.sid;
    this.info = session.info;
    this.directoryHandle = session.directoryHandle;
    this.to = to;
    this.#around = around;
  }

  deliver(acc: Accumulator): void {
    const { sm, delivery } = this.#around;
    const { shard, number } = this.to;
    this.#around.takenBack(acc);
    if (!this.#around.goesAfterSession(acc)) return;
    if (acc.receiverSid !== undefined) acc.receiverSid = this.to;
    addressedMoved(acc, this.sid, this.to);
    // Should it have to be routed again from there, whoever waits for it must ask there, too.
    delivery.wasRerouted(acc.to, acc.from.full, 1 << shard);
    sm.remote.rerouted(acc, 1 << shard);
    const isSole = (acc.flags & Flag.SHARED) === 0;
    if (sm.remote.forward(shard, [number], acc, isSole, true)) this.#around.forwarded(acc);
    else this.#around.routeAgain(acc);
  }

  closeWithConflict(reason: string, text: string, by: SessionId | undefined): void {
    this.#around.sm.remote.closeSession(this.to, this.jid.full, reason, text, by);
  }

  event(tag: string, payload: unknown): void {
    const { shard, number } = this.to;
    this.#around.sm.remote.sendEvent(shard, [number], this.jid.full, tag, payload);
  }
}
