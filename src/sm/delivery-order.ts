import type { Accumulator } from '../hooks/accumulator.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { RemoteSessions } from './outbox.ts';

/**
 * Keeps the order of stanzas from one sender to one address when the address moves between shards.
 *
 * A stanza may still be on its way to the shard where the recipient was, and be routed again from there. What comes after it
 * must not take a shorter way: before the first stanza that goes elsewhere, wait until everything sent to the old shard was
 * handled, and what it sent on because of it is on its way. (That a third shard then handles both in the right order is
 * the doing of `memory/ring-merge.ts`.) While waiting, only the sender's input is suspended.
 */
export class DeliveryOrder {
  readonly #remote: RemoteSessions;
  readonly #shard: number;

  constructor(remote: RemoteSessions, shard: number) {
    this.#remote = remote;
    this.#shard = shard;
  }

  /**
   * Undefined if a stanza for `to` may go to the shards in `mask` now (a bit set of other shards; 0 = it stays here or goes
   * nowhere). Otherwise a promise; then the decision where it goes must be made again.
   */
  before(acc: Accumulator, to: Jid, mask: number): Promise<void> | undefined {
    const last = to.lastShards;
    // A dry run sends nothing that could overtake anything.
    if (last === mask || acc.trace?.isDryRun) return undefined;
    const left = last & ~mask & ~(1 << (this.#shard & 31));
    if (left !== 0) {
      const wait = this.#remote.fence(left);
      if (wait !== undefined) {
        acc.stanza?.retain();
        return wait;
      }
    }
    to.lastShards = mask;
    return undefined;
  }
}
