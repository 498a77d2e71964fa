import { hkdfSync } from 'node:crypto';
import type { LdapDirectory } from '../auth/ldap.ts';
import type { HostType } from '../hooks/host-type.ts';
import type { IqComponent } from '../local/iq-table.ts';
import type { Accounts, ModuleContext, Values } from '../modules/module.ts';
import type { LdapPool } from '../outgoing/ldap-pool.ts';
import type { Store } from '../store/store.ts';
import type { Jid } from '../xmpp/jid.ts';
import { ModuleSessions } from './module-sessions.ts';
import type { ShardServices } from './services.ts';

/** The API of one running module in one shard: hands everything on to the shard, and remembers what to undo. */
export class ShardModuleContext extends ModuleSessions implements ModuleContext {
  readonly values: Values;
  readonly accounts: Accounts;
  readonly #directories = new Map<string, LdapPool>();

  constructor(services: ShardServices, host: HostType, module: string, options: unknown, slot: number) {
    super(services, host, module, options, slot);
    this.values = valuesOf(services.store, module);
    this.accounts = services.accounts.of(host);
  }

  get store(): Store {
    return this.services.store;
  }

  ldap(tag: string): Pick<LdapDirectory, 'search'> {
    this.#directories.set(tag, this.services.ldapPool(this.hostType, tag));
    return { search: (query) => this.#directories.get(tag)!.search(query) };
  }

  /** The configuration changed, and this module goes on: its pools, with what is new about them. Throws if one is gone. */
  keepPools(): void {
    for (const tag of this.#directories.keys()) {
      this.#directories.set(tag, this.services.ldapPool(this.hostType, tag));
    }
  }

  access(rule: string, jid: Jid, host: string, otherwise?: string | number): string | number {
    return this.services.domains.access(rule, jid, host, otherwise);
  }

  shaper(name: string): { readonly maxRate: number; readonly burst: number } | undefined {
    return this.services.shaper(name);
  }

  takeTurn(limit: string, key: string, periodMs: number): Promise<boolean> {
    const { dryRun, asker } = this.services;
    if (dryRun.isActive) return dryRun.never(`${this.module} limit`, `would ask: ${limit}`);
    return asker.ask('take_turn', limit, key, periodMs);
  }

  hostOf(domain: string): string | undefined {
    return this.services.domains.hostOf(domain);
  }

  knownDomains(): { domain: string; kind: 'host' | 'subdomain' | 'component'; isHidden: boolean }[] {
    return this.services.domains.known(this.hostType);
  }

  features(component: IqComponent): string[] {
    return this.services.domains.featuresOf(this.hostType, component);
  }

  announce(content: unknown): void {
    this.services.notices.announceToModule(this.module, content);
  }

  sharedKey(name: string, bytes: number): Buffer {
    const purpose = `${this.module}\0${this.hostType}\0${name}`;
    return Buffer.from(hkdfSync('sha512', this.services.runSecret, '', purpose, bytes));
  }

  count(name: string, by = 1): void {
    this.services.countFor(`${this.module}_${name}`, by);
  }
}

function valuesOf(store: Store, module: string): Values {
  return {
    get: (scope, key) => store.request('value_get', module, scope, key),
    set: async (scope, key, value) => {
      await store.request('value_set', module, scope, key, value);
    },
    delete: (scope, key) => store.request('value_delete', module, scope, key),
    list: (scope, after = '', limit = 100) => store.request('value_list', module, scope, after, limit),
  };
}
