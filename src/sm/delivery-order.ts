import type { Accumulator } from '../hooks/accumulator.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { MovedSenders } from './moved-senders.ts';
import { ALL_SHARDS, type RemoteSessions } from './outbox.ts';
import type { Reroutes } from './reroutes.ts';

/** In `Jid.lastShards`: not every shard of the set got all of the last stanzas. */
const SPREAD = 1 << 31;

/** Other shards were asked about an address. */
interface Wait {
  readonly passed: Promise<void>;
  /** Meanwhile something went on to another shard: what was asked is not all there is to ask. */
  isOutdated: boolean;
}

/** The shards that a stanza need not ask any more, unless there have been news since. */
interface Behind {
  readonly shards: number;
  readonly news: number;
}

/**
 * Keeps the order of stanzas from one sender to one address when the address moves between shards.
 *
 * A stanza may still be on its way to the shard where the recipient was, and be routed again from there. What comes after it
 * must not take a shorter way: before the first stanza that goes elsewhere, wait until the old shards have done with everything sent
 * to them for that account, and what they sent on because of it is on its way. (That a third shard then handles both in the right order is
 * the doing of `memory/ring-merge.ts`.) While waiting, only the sender's input is suspended.
 *
 * Of what a session sent before it came from another shard nothing is known here: its first stanza to each address may have to wait for any shard.
 *
 * Whoever routes a stanza again tells the shards that it came through where it goes, before it answers any question: from there it may have to be routed
 * again, so they ask that shard, too. A round of questions that has brought no news is the last one.
 *
 * A stanza that is routed again waits only for earlier ones of its own sender. So every wait is for something that was sent before, and no two shards
 * ever wait for each other.
 */
export class DeliveryOrder {
  readonly #remote: RemoteSessions;
  readonly #reroutes: Reroutes;
  readonly #own: number;
  readonly #movedSenders: MovedSenders;
  /** Addresses that must wait: all stanzas to one of them do, and go on in the order they came. */
  readonly #waits = new Map<Jid, Wait>();
  /** Stanzas that are routed again. */
  readonly #behind = new WeakMap<Accumulator, Behind>();

  constructor(remote: RemoteSessions, shard: number, reroutes: Reroutes, movedSenders: MovedSenders) {
    this.#remote = remote;
    this.#reroutes = reroutes;
    this.#own = 1 << shard;
    this.#movedSenders = movedSenders;
  }

  /**
   * Undefined if a stanza for `to` may go to the shards in `mask` now (a bit set; 0 = it goes to no session). Otherwise a promise; then
   * the decision where it goes must be made again.
   */
  before(acc: Accumulator, to: Jid, mask: number): Promise<void> | undefined {
    const last = to.lastShards;
    const isFirst = !this.#movedSenders.isEmpty && this.#movedSenders.isFirst(acc.from.full, to.full);
    if (last === mask && this.#waits.size === 0 && acc.visits === 0 && !isFirst) return undefined;
    // A dry run sends nothing that could overtake anything.
    if (acc.trace?.isDryRun) return undefined;
    const wait =
      acc.visits > 0
        ? this.#again(acc, to, mask)
        : (this.#waits.get(to)?.passed ?? this.#move(to, mask, isFirst ? acc.from.full : undefined));
    if (wait !== undefined) acc.stanza?.retain();
    return wait;
  }

  /** Whether a stanza for `to` may go to the shards in `mask` at once, behind all that went to it before. Unless it may, {@link before} tells. */
  goesStraight(from: Jid, to: Jid, mask: number): boolean {
    if (this.#waits.size > 0) return false;
    if (!this.#movedSenders.isEmpty && this.#movedSenders.isFirst(from.full, to.full)) return false;
    if (to.lastShards === 0) to.lastShards = mask;
    return to.lastShards === mask;
  }

  /** Another shard tells that a stanza from the full JID `from`, which had come through this one, went to the shards in `mask`. */
  wasRerouted(to: Jid, from: string, mask: number): void {
    to.lastShards |= mask | SPREAD;
    this.#reroutes.heard(to.bare, from);
    this.#outdate(to);
  }

  /** `mover`: a sender (full JID) whose earlier stanzas may be anywhere. */
  #move(to: Jid, mask: number, mover: string | undefined): Promise<void> | undefined {
    const last = mover === undefined ? to.lastShards : ALL_SHARDS;
    const settled = this.#remote.settled(toAsk(last, mask) & ~this.#own & ~SPREAD, to.bare);
    if (settled === undefined) {
      to.lastShards = mask;
      if (mover !== undefined) this.#movedSenders.asked(mover, to.full);
      return undefined;
    }
    const passed = settled.then(() => {
      this.#waits.delete(to);
      if (mover !== undefined) this.#movedSenders.asked(mover, to.full);
      // What is not done with is where this was about to go: ahead of it, unless its decision will be another one.
      if (!wait.isOutdated) to.lastShards = mask;
    });
    const wait: Wait = { passed, isOutdated: false };
    this.#waits.set(to, wait);
    return passed;
  }

  #again(acc: Accumulator, to: Jid, mask: number): Promise<void> | undefined {
    const last = to.lastShards;
    const news = this.#reroutes.news(acc);
    const known = this.#behind.get(acc);
    const behind = known?.news === news ? known.shards : 0;
    const others = last & ~mask & ~this.#own & ~SPREAD & ~behind;
    const settled = this.#remote.settled(others, to.bare, acc.from.full, acc.timestamp);
    if (settled !== undefined) {
      this.#behind.set(acc, { shards: behind | others, news });
      return settled;
    }
    this.#behind.delete(acc);
    if (mask !== 0) {
      this.#outdate(to);
      this.#remote.rerouted(acc, mask);
    }
    // Others' stanzas may be under way to where these went: for them nothing has changed.
    const all = (last & ~SPREAD) | mask;
    to.lastShards = all === mask && (last & SPREAD) === 0 ? mask : all | SPREAD;
    return undefined;
  }

  #outdate(to: Jid): void {
    const wait = this.#waits.get(to);
    if (wait !== undefined) wait.isOutdated = true;
  }
}

/**
 * Which shards of `last` must have done with what they have, before something may go to those in `mask`. Not those where it goes itself: there what went
 * before is ahead of it. But if it goes to more than one, what is ahead on one of these might be routed again to another.
 */
function toAsk(last: number, mask: number): number {
  const isAhead = (mask & (mask - 1)) === 0 || ((mask & ~last) === 0 && (last & SPREAD) === 0);
  return isAhead ? last & ~mask : last;
}
