import type { Accumulator } from '../hooks/accumulator.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import type { Stanza } from '../xmpp/stanza.ts';

/** A set of shards, a bit for each: all there are. */
export const ALL_SHARDS = -1;

/** What the session manager needs to reach sessions of other shards. */
export interface RemoteSessions {
  /**
   * Hands a stanza to sessions of another shard. `isSole`: nobody else gets it, so it must be routed again if they are gone;
   * `isByAccount`: they were chosen by the bare JID. False when it could not be sent.
   */
  forward(
    shard: number,
    numbers: readonly number[],
    acc: Accumulator,
    isSole: boolean,
    isByAccount: boolean,
  ): boolean;
  /**
   * Hands a stanza to sessions of several accounts on another shard, in one frame. `targets`: for each account how many sessions, then their numbers;
   * `accounts`: the bare JIDs, one a line. `again`: 1 if somebody else's stanza is the cause. False when it could not be sent.
   */
  forwardMany(
    shard: number,
    targets: readonly number[],
    accounts: string,
    cause: Accumulator,
    stanza: Stanza,
    from: Jid,
    again: 0 | 1,
  ): boolean;
  /** Asks another shard to end one of its sessions. */
  closeSession(target: SessionId, jid: string, reason: string, text: string, by: SessionId | undefined): void;
  /** Delivers an event to sessions of another shard. */
  sendEvent(shard: number, numbers: readonly number[], jid: string, tag: string, payload: unknown): void;
  /**
   * Undefined when nothing sent to the shards in `mask` (a bit set) is under way; otherwise a promise that resolves when
   * all of it, and what they sent back because of it, was handled.
   */
  fence(mask: number): Promise<void> | undefined;
  /**
   * Like {@link fence}, and what those shards route again for the account `to` (a bare JID) is done with, too: delivered, on its way, stored. `from`: only what this
   * sender (a full JID) sent before the time `before`, and with `visits` the stanza of that time if it came there with at least so many. Undefined when `mask` is empty.
   */
  settled(
    mask: number,
    to: string,
    from?: string,
    before?: number,
    visits?: number,
  ): Promise<void> | undefined;
  /** Tells the shards that `acc` came through where it goes, now that it is routed again: to the shards in `shards` (a bit set). */
  rerouted(acc: Accumulator, shards: number): void;
}
