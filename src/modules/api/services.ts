import type { LdapDirectory } from '../../auth/ldap.ts';
import type { escapeFilterValue, fillFilter } from '../../auth/ldap-filter.ts';
import type { IqComponent } from '../../local/iq-table.ts';
import type { Store } from '../../store/store.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Accounts, Values } from './accounts.ts';
import type { MessageBroker, WebService } from './outgoing.ts';

/** What else a server offers: storage, accounts, rules, domains, time, counters. */
export interface ServicesApi {
  readonly store: Store;
  readonly values: Values;
  readonly accounts: Accounts;
  /**
   * A directory: the pool `[outgoing_pools.ldap.TAG]` of the host type. Throws if there is none. Searches reject when the directory does not answer; ask for
   * no more entries than you need, and put texts from outside into filters by {@link fillFilter} or {@link escapeFilterValue} alone.
   */
  ldap(tag: string): Pick<LdapDirectory, 'search'>;
  /** A web service: the pool `[outgoing_pools.http.TAG]` of the host type. Throws if there is none. */
  http(tag: string): WebService;
  /** RabbitMQ: the pool `[outgoing_pools.rabbit.TAG]` of the host type. Throws if there is none. */
  rabbit(tag: string): MessageBroker;
  /**
   * The value of an access rule for a JID, for one of the hosts: `allow`, `deny`, a number or a name. `otherwise`: if the configuration has no such rule; `deny` if
   * not given.
   */
  access(rule: string, jid: Jid, host: string, otherwise?: string | number): string | number;
  /** What the shaper `[shaper.NAME]` allows in a second, and at once; undefined if there is none. */
  shaper(name: string): { readonly maxRate: number; readonly burst: number } | undefined;
  /** Takes one place of a server-wide rate limit: true if `key` has none taken within the last `periodMs`. */
  takeTurn(limit: string, key: string, periodMs: number): Promise<boolean>;
  /** The host that a domain belongs to: itself, or for a subdomain of a module the host above it; undefined for the domains of others. */
  hostOf(domain: string): string | undefined;
  /** Domains that stanzas can be sent to here: hosted ones and subdomains, and connected components. */
  knownDomains(): {
    readonly domain: string;
    readonly kind: 'host' | 'subdomain' | 'component';
    readonly isHidden: boolean;
  }[];
  /** Namespaces that requests to the server or to bare JIDs are answered for, and features of modules. */
  features(component: IqComponent): string[];
  /** Tells all instances of this module, in all shards and host types, this one included. `content` is plain data. */
  announce(content: unknown): void;
  /**
   * Random bytes (at most 16,320) under a name, made when the server starts and the same in all shards until it stops; those of another module or host type are
   * others.
   */
  sharedKey(name: string, bytes: number): Buffer;
  /** Microseconds since the epoch, rising. */
  timestamp(): number;
  /**
   * Calls back at the end of this turn of the shard's loop: all stanzas and frames of the turn have been handled by then, and its output is not written yet. What is asked of the store there comes
   * before whatever this shard's clients ask because of the turn; for those of others: {@link announce} something, then wait for `whenHandled`.
   */
  atTurnEnd(callback: () => void): void;
  /** Calls back again and again; ends with the module. */
  every(ms: number, callback: () => void): void;
  /** Calls back once; not if the module has ended. Returns how to cancel it. */
  after(ms: number, callback: () => void): () => void;
  /** Adds to a counter of the module's own, exported as `meerkat_module_events_total{event="MODULE_NAME"}`. */
  count(name: string, by?: number): void;
  /** Adds to the time that something took in all, exported as `meerkat_module_seconds_total{event="MODULE_NAME"}`. */
  spent(name: string, seconds: number): void;
}
