import type { Accumulator } from '../hooks/accumulator.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { RemoteSessions } from './outbox.ts';

/**
 * Keeps the order of stanzas from one sender to one address when the address moves between shards.
 *
 * A stanza may still be on its way to the shard where the recipient was, and be routed again from there. What comes after it
 * must not take a shorter way: before the first stanza that goes elsewhere, wait until everything sent to the old shards was
 * handled, and what they sent on because of it is on its way. (That a third shard then handles both in the right order is
 * the doing of `memory/ring-merge.ts`.) While waiting, only the sender's input is suspended.
 */
export class DeliveryOrder {
  readonly #remote: RemoteSessions;
  readonly #own: number;
  /** Addresses that must wait: all stanzas to one of them do, and go on in the order they came. */
  readonly #waits = new Map<Jid, Promise<void>>();

  constructor(remote: RemoteSessions, shard: number) {
    this.#remote = remote;
    this.#own = 1 << shard;
  }

  /**
   * Undefined if a stanza for `to` may go to the shards in `mask` now (a bit set; 0 = it goes to no session). Otherwise a promise; then
   * the decision where it goes must be made again.
   */
  before(acc: Accumulator, to: Jid, mask: number): Promise<void> | undefined {
    const last = to.lastShards;
    if (last === mask && this.#waits.size === 0) return undefined;
    // A dry run sends nothing that could overtake anything.
    if (acc.trace?.isDryRun) return undefined;
    const wait = this.#waits.get(to) ?? this.#move(to, last, mask);
    if (wait !== undefined) acc.stanza?.retain();
    return wait;
  }

  #move(to: Jid, last: number, mask: number): Promise<void> | undefined {
    // Where it goes, what went before is ahead of it.
    const isCovered = (mask & ~last) === 0 && (mask !== 0 || last === 0);
    const fence = isCovered ? undefined : this.#remote.fence(last & ~this.#own);
    if (fence === undefined) {
      to.lastShards = mask;
      return undefined;
    }
    const wait = fence.then(() => {
      this.#waits.delete(to);
      to.lastShards = 0;
    });
    this.#waits.set(to, wait);
    return wait;
  }
}
