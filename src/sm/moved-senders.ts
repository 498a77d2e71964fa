import { MOVED_ADDRESSES_MAX } from '../limits.ts';

/**
 * Sessions that have come from another shard, and what they have sent to since. Of what they sent before this shard knows nothing: it may be under way anywhere, so before the first
 * stanza to each address the others are asked (`delivery-order.ts`).
 */
export class MovedSenders {
  /** By full JID. */
  readonly #senders = new Map<string, Set<string>>();

  /** Whether there is any: most of the time nothing need be looked up. */
  get isEmpty(): boolean {
    return this.#senders.size === 0;
  }

  /** A session has come. */
  came(full: string): void {
    this.#senders.set(full, new Set());
  }

  /** It is here no more. */
  left(full: string): void {
    if (this.#senders.size > 0) this.#senders.delete(full);
  }

  /** Whether the others must be asked before this one sends to the address `to`. */
  isFirst(full: string, to: string): boolean {
    return this.#senders.get(full)?.has(to) === false;
  }

  /** They have answered. */
  asked(full: string, to: string): void {
    const known = this.#senders.get(full);
    if (known === undefined) return;
    // Asking again does no harm.
    if (known.size >= MOVED_ADDRESSES_MAX) known.clear();
    known.add(to);
  }
}
