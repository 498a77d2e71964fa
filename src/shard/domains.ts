import type { DomainInfo } from '../c2s/c2s-host.ts';
import { matchRule } from '../config/acl.ts';
import type { IqComponent } from '../local/iq-table.ts';
import type { Route } from '../router/route-table.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { HostTypes } from './host-types.ts';
import type { Routing } from './routing.ts';
import type { Subhosts } from './subhosts.ts';

/** MongooseIM's default of `max_user_sessions`. */
const USER_SESSIONS_MAX = 100;
/** MongooseIM's default of `replaced_wait_timeout`. */
const REPLACED_WAIT_MS = 2_000;

export interface KnownDomain {
  readonly domain: string;
  readonly kind: 'host' | 'subdomain' | 'component';
  readonly isHidden: boolean;
}

export interface DomainsSurroundings {
  readonly hostTypes: HostTypes;
  /** The host type of each domain that is served. */
  hosts(): ReadonlyMap<string, string>;
  routing(): Routing;
  subhosts(): Subhosts;
}

/** What is known of domains: whose they are, and what the configuration says about them. */
export class Domains {
  readonly #around: DomainsSurroundings;

  constructor(around: DomainsSurroundings) {
    this.#around = around;
  }

  /** A domain that this server hosts. */
  hosted(name: string): DomainInfo | undefined {
    const hostType = this.#around.hosts().get(name);
    const entry = hostType === undefined ? undefined : this.#around.hostTypes.get(hostType);
    return entry === undefined ? undefined : { name, hostType: entry };
  }

  /** Who serves a domain here: a module its subdomain, local delivery a hosted one. */
  route(domain: string): Route | undefined {
    const known = this.#around.subhosts().get(domain);
    if (known !== undefined) return known;
    const info = this.hosted(domain);
    if (info === undefined) return undefined;
    const handler: Route['handler'] = (acc) => this.#around.routing().local.handle(acc);
    return { domain, hostType: info.hostType, handler, isUsers: true };
  }

  /** The host that a domain belongs to: itself, or the one above a subdomain that a module serves. */
  hostOf(domain: string): string | undefined {
    const hosts = this.#around.hosts();
    if (hosts.has(domain)) return domain;
    if (this.#around.subhosts().get(domain) === undefined) return undefined;
    for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
      const parent = domain.slice(dot + 1);
      if (hosts.has(parent)) return parent;
    }
    return undefined;
  }

  /** Whether nobody but this server could serve the domain: one below a hosted domain that does not leave those to federation. */
  isOwnSubdomain(domain: string): boolean {
    const hosts = this.#around.hosts();
    for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
      const hostType = hosts.get(domain.slice(dot + 1));
      if (hostType !== undefined) return this.#around.hostTypes.settings(hostType)?.routeSubdomains !== 's2s';
    }
    return false;
  }

  /** The value of an access rule for a JID, in the context of a host; `otherwise` if the configuration has no such rule. */
  access(rule: string, jid: Jid, host: string, otherwise: string | number = 'deny'): string | number {
    const hostTypeConfig = this.#around.hostTypes.settings(this.#around.hosts().get(host) ?? '');
    if (hostTypeConfig === undefined) return 'deny';
    return matchRule(rule, jid, { domain: host, hostTypeConfig }, otherwise);
  }

  /** `max_user_sessions` for a JID. */
  sessionsMax(jid: Jid, domain: string): number {
    const value = this.access('max_user_sessions', jid, domain);
    return typeof value === 'number' ? value : USER_SESSIONS_MAX;
  }

  /** `replaced_wait_timeout` of a domain, in milliseconds. */
  replacedWaitMs(domain: string): number {
    const hostType = this.#around.hosts().get(domain) ?? '';
    return this.#around.hostTypes.settings(hostType)?.replacedWaitTimeoutMs ?? REPLACED_WAIT_MS;
  }

  hostsOf(hostType: string): readonly string[] {
    return this.#around.hostTypes.settings(hostType)?.hosts ?? [];
  }

  /** All that a host type's users can address here, for service discovery. */
  known(hostType: string): KnownDomain[] {
    const hosts = this.hostsOf(hostType);
    const subdomains = this.#around.subhosts().of(hostType);
    const components = this.#around.routing().components.all();
    return [
      ...hosts.map((domain) => ({ domain, kind: 'host' as const, isHidden: false })),
      ...subdomains.map((domain) => ({ domain, kind: 'subdomain' as const, isHidden: false })),
      ...components.map(({ domain, isHidden }) => ({ domain, kind: 'component' as const, isHidden })),
    ];
  }

  /** Namespaces of IQ handlers, and for the server's own address the features that modules declare. */
  featuresOf(hostType: string, component: IqComponent): string[] {
    const namespaces = this.#around.routing().iqs.namespaces(hostType, component);
    if (component === 'sm') return namespaces;
    const modules = this.#around.hostTypes.modules(hostType);
    return [...new Set([...namespaces, ...modules.flatMap((definition) => definition.features ?? [])])];
  }
}
