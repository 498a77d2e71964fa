import type { Accumulator } from '../hooks/accumulator.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { RemoteSessions } from './outbox.ts';

/** In `Jid.lastShards`: not every shard of the set got all of the last stanzas. */
const SPREAD = 1 << 31;

/**
 * Keeps the order of stanzas from one sender to one address when the address moves between shards.
 *
 * A stanza may still be on its way to the shard where the recipient was, and be routed again from there. What comes after it
 * must not take a shorter way: before the first stanza that goes elsewhere, wait until the old shards have done with everything sent
 * to them for that account, and what they sent on because of it is on its way. (That a third shard then handles both in the right order is
 * the doing of `memory/ring-merge.ts`.) While waiting, only the sender's input is suspended.
 *
 * A stanza that is routed again waits only for earlier ones of its own sender. So every wait is for something that was sent before, and no two shards
 * ever wait for each other.
 */
export class DeliveryOrder {
  readonly #remote: RemoteSessions;
  readonly #own: number;
  /** Addresses that must wait: all stanzas to one of them do, and go on in the order they came. */
  readonly #waits = new Map<Jid, Promise<void>>();
  /** Stanzas that are routed again: the shards that have done with all before them. */
  readonly #behind = new WeakMap<Accumulator, number>();

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
    const wait = acc.hops > 0 ? this.#again(acc, to, mask) : (this.#waits.get(to) ?? this.#move(to, mask));
    if (wait !== undefined) acc.stanza?.retain();
    return wait;
  }

  #move(to: Jid, mask: number): Promise<void> | undefined {
    const last = to.lastShards;
    // Where it goes, what went before is ahead of it.
    const isCovered = (mask & ~last) === 0 && (mask !== 0 || last === 0) && (last & SPREAD) === 0;
    const settled = isCovered ? undefined : this.#remote.settled(last & ~this.#own & ~SPREAD, to.bare);
    if (settled === undefined) {
      to.lastShards = mask;
      return undefined;
    }
    const wait = settled.then(() => {
      this.#waits.delete(to);
      to.lastShards = 0;
    });
    this.#waits.set(to, wait);
    return wait;
  }

  #again(acc: Accumulator, to: Jid, mask: number): Promise<void> | undefined {
    const last = to.lastShards;
    const behind = this.#behind.get(acc) ?? 0;
    const others = last & ~mask & ~this.#own & ~SPREAD & ~behind;
    const settled = this.#remote.settled(others, to.bare, acc.from.full, acc.timestamp);
    if (settled !== undefined) {
      this.#behind.set(acc, behind | others);
      return settled;
    }
    // Others' stanzas may be under way to where these went: for them nothing has changed.
    const all = (last & ~SPREAD) | mask;
    to.lastShards = all === mask && (last & SPREAD) === 0 ? mask : all | SPREAD;
    return undefined;
  }
}
