import { type Jid, type ModuleContext, NO_PRIVACY_LIST, type PrivacyList } from '../module.ts';
import { CACHED_ACCOUNTS_MAX, CACHED_ITEMS_MAX } from './limits.ts';
import { privacyList } from './list-xml.ts';

/** What is remembered of one account's lists; null: there is no list of that name. */
export interface CachedAccount {
  /** Undefined while it has not been asked for. */
  readonly default: PrivacyList | undefined;
  readonly named: ReadonlyMap<string, PrivacyList | null> | undefined;
}

/** An account without a default list: most are, and share this. */
const WITHOUT: CachedAccount = Object.freeze({ default: NO_PRIVACY_LIST, named: undefined });

/** One reading of the store, for all who wait for the same. */
interface Load {
  readonly bare: string;
  readonly promise: Promise<PrivacyList | null>;
}

/**
 * The lists of accounts that this shard has to do with: of its own users, and of those to whom its users write. Bounded by accounts and by items: when the
 * young generation is full, it becomes the old one, and what the old one still holds is forgotten.
 *
 * Whatever changes a list tells all shards to {@link forget}. A reading that was under way then is done again.
 */
export class ListCache {
  readonly #context: ModuleContext;
  #young = new Map<string, CachedAccount>();
  #old = new Map<string, CachedAccount>();
  #youngItems = 0;
  readonly #loads = new Map<string, Load>();
  readonly #stale = new Set<string>();
  /** How often something was forgotten: whoever remembers what he has found looks at it before and after. */
  changes = 0;

  constructor(context: ModuleContext) {
    this.#context = context;
  }

  /** What is remembered of an account. */
  peek(bare: string): CachedAccount | undefined {
    return this.#young.get(bare) ?? this.#old.get(bare);
  }

  /** The list of that name, or the default list (`name` null): {@link NO_PRIVACY_LIST} without one, and null for a name that no list has. */
  get(owner: Jid, name: string | null): PrivacyList | null | Promise<PrivacyList | null> {
    const account = this.#find(owner.bare);
    const known = name === null ? account?.default : account?.named?.get(name);
    return known === undefined ? this.#load(owner, name) : known;
  }

  /** The lists of an account have changed, or may have. */
  forget(bare: string): void {
    this.changes++;
    this.#young.delete(bare);
    this.#old.delete(bare);
    for (const [key, load] of this.#loads) if (load.bare === bare) this.#stale.add(key);
  }

  /** The same for all accounts. */
  clear(): void {
    this.changes++;
    this.#young.clear();
    this.#old.clear();
    this.#youngItems = 0;
    for (const key of this.#loads.keys()) this.#stale.add(key);
  }

  #find(bare: string): CachedAccount | undefined {
    const young = this.#young.get(bare);
    if (young !== undefined) return young;
    const old = this.#old.get(bare);
    if (old !== undefined) this.#keep(bare, old);
    return old;
  }

  #load(owner: Jid, name: string | null): Promise<PrivacyList | null> {
    // The answer to a question that is not asked would never come.
    if (this.#context.isDryRun) return this.#read(owner, name);
    const key = name === null ? owner.bare : `${owner.bare}\0${name}`;
    const running = this.#loads.get(key);
    if (running !== undefined) return running.promise;
    const promise = this.#readUntilCurrent(owner, name, key);
    this.#loads.set(key, { bare: owner.bare, promise });
    return promise;
  }

  async #readUntilCurrent(owner: Jid, name: string | null, key: string): Promise<PrivacyList | null> {
    try {
      for (;;) {
        const list = await this.#read(owner, name);
        // It has changed since it was read.
        if (this.#stale.delete(key)) continue;
        this.#remember(owner.bare, name, list);
        return list;
      }
    } finally {
      this.#loads.delete(key);
      this.#stale.delete(key);
    }
  }

  async #read({ domain, local }: Jid, name: string | null): Promise<PrivacyList | null> {
    const stored = await this.#context.store.request('privacy_list', domain, local, name);
    if (stored === null) return name === null ? NO_PRIVACY_LIST : null;
    return privacyList(stored);
  }

  #remember(bare: string, name: string | null, list: PrivacyList | null): void {
    const known = this.#find(bare);
    if (name === null) {
      if (list === NO_PRIVACY_LIST && known === undefined) this.#keep(bare, WITHOUT);
      else this.#keep(bare, { default: list!, named: known?.named });
    } else this.#keep(bare, { default: known?.default, named: new Map(known?.named).set(name, list) });
  }

  #keep(bare: string, account: CachedAccount): void {
    const items = itemsOf(account);
    if (items > CACHED_ITEMS_MAX / 2) return;
    if (this.#young.size >= CACHED_ACCOUNTS_MAX / 2 || this.#youngItems + items > CACHED_ITEMS_MAX / 2) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngItems = 0;
    }
    this.#young.set(bare, account);
    this.#youngItems += items;
  }
}

/** A list counts at least one: a name that no list has takes room, too. */
function itemsOf({ default: list, named }: CachedAccount): number {
  let items = list?.items.length ?? 0;
  for (const one of named?.values() ?? []) items += 1 + (one?.items.length ?? 0);
  return items;
}
