import type { LdapDirectory } from '../auth/ldap.ts';
import type { BrokerExchange, MessageBroker, WebService } from '../modules/module.ts';
import type { TaggedPools } from './pools.ts';
import type { ShardServices } from './services.ts';

/** The pools that one running module uses. What it was given goes on with whatever pool a reload of the configuration leaves it. */
export class ModulePools {
  readonly #services: ShardServices;
  readonly #hostType: string;
  readonly #pools: { readonly [K in keyof TaggedPools]: Map<string, TaggedPools[K]> } = {
    http: new Map(),
    ldap: new Map(),
    rabbit: new Map(),
  };
  /** By the tag of their pool. */
  readonly #exchanges = new Map<string, BrokerExchange[]>();
  #undeclare: (() => void)[] = [];

  constructor(services: ShardServices, hostType: string) {
    this.#services = services;
    this.#hostType = hostType;
  }

  ldap(tag: string): Pick<LdapDirectory, 'search'> {
    this.#take('ldap', tag);
    return { search: (query) => this.#pools.ldap.get(tag)!.search(query) };
  }

  http(tag: string): WebService {
    this.#take('http', tag);
    const { dryRun } = this.#services;
    const pools = this.#pools.http;
    return {
      get connections() {
        return pools.get(tag)!.connections;
      },
      request: (request) =>
        dryRun.isActive
          ? dryRun.never(`http.${tag}`, `would ask: ${request.method} ${request.path}`)
          : pools.get(tag)!.request(request),
    };
  }

  rabbit(tag: string): MessageBroker {
    this.#take('rabbit', tag);
    const { dryRun } = this.#services;
    return {
      declare: (exchange) => {
        this.#exchanges.set(tag, [...(this.#exchanges.get(tag) ?? []), exchange]);
        this.#undeclare.push(this.#pools.rabbit.get(tag)!.declare(exchange));
      },
      publish: (message) => {
        if (dryRun.isActive) dryRun.note(`rabbit.${tag}`, `would publish to ${message.exchange}`);
        else this.#pools.rabbit.get(tag)!.publish(message);
      },
    };
  }

  /** Takes the pools of a configuration that is being applied. Throws if one is gone. */
  keep(): void {
    for (const kind of ['http', 'ldap', 'rabbit'] as const)
      for (const tag of [...this.#pools[kind].keys()]) this.#take(kind, tag);
    this.end();
    for (const [tag, exchanges] of this.#exchanges) {
      const pool = this.#pools.rabbit.get(tag)!;
      for (const exchange of exchanges) this.#undeclare.push(pool.declare(exchange));
    }
  }

  /** The module ends. */
  end(): void {
    for (const undo of this.#undeclare) undo();
    this.#undeclare = [];
  }

  #take<K extends keyof TaggedPools>(kind: K, tag: string): void {
    this.#pools[kind].set(tag, this.#services.pool(kind, this.#hostType, tag));
  }
}
