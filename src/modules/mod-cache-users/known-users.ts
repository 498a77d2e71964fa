import { type Jid, SegmentedCache } from '../module.ts';

/** Users that a shard remembers. */
const USERS_MAX = 65_536;
/** Users and domains that were removed lately and are remembered as such; beyond it the earlier ones are forgotten. */
const REMOVED_MAX = 10_000;

/**
 * Users who are known to exist. One who was removed is not remembered again before the next rotation: the answer to a question that was asked before the removal
 * may come after it.
 */
export class KnownUsers {
  readonly #users: SegmentedCache;
  readonly #removed = new Set<string>();
  readonly #removedDomains = new Set<string>();

  constructor({ strategy, segments }: { readonly strategy: 'fifo' | 'lru'; readonly segments: number }) {
    this.#users = new SegmentedCache({ strategy, segments, entriesMax: USERS_MAX });
  }

  has(jid: Jid): boolean {
    return this.#users.has(jid.bare);
  }

  add(jid: Jid): void {
    if (this.#removed.has(jid.bare) || this.#removedDomains.has(jid.domain)) return;
    this.#users.add(jid.bare);
  }

  removed(bare: string): void {
    this.#users.delete(bare);
    this.#note(this.#removed, bare);
  }

  domainRemoved(domain: string): void {
    this.#users.deleteAll((bare) => bare.endsWith(`@${domain}`));
    this.#note(this.#removedDomains, domain);
  }

  /** The time of a segment is over. */
  rotate(): void {
    this.#users.rotate();
    this.#removed.clear();
    this.#removedDomains.clear();
  }

  #note(set: Set<string>, entry: string): void {
    if (set.size >= REMOVED_MAX) set.delete(set.values().next().value!);
    set.add(entry);
  }
}
