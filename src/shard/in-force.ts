import type { C2s } from '../c2s/c2s.ts';
import type { Config } from '../config/config.ts';
import type { Domains } from './domains.ts';
import type { Routing } from './routing.ts';
import type { Subhosts } from './subhosts.ts';

export interface InForceSurroundings {
  readonly routing: Routing;
  readonly domains: Domains;
  readonly subhosts: Subhosts;
  /** Streams, and sessions that wait for a connection. The list is the caller's. */
  streams(): C2s[];
}

/** A configuration has come into force: its domains are routed and no others, sessions of others end, routing modules are its own. */
export function comeIntoForce(config: Config, around: InForceSurroundings): void {
  const { routing, domains, subhosts } = around;
  const { routes } = routing;
  for (const domain of routes.domains()) {
    if (!config.hosts.has(domain) && subhosts.get(domain) === undefined) routes.remove(domain);
  }
  for (const [host] of config.hosts) {
    const route = domains.route(host);
    if (route !== undefined) routes.add(route);
  }
  endStreamsOfGoneDomains(config, around.streams());
  routing.setModules(config.general.routingModules);
}

/** Sessions of a domain that is not served any more end while its modules still run: contacts are told, and so on. */
function endStreamsOfGoneDomains({ hosts }: Config, streams: readonly C2s[]): void {
  for (const c2s of streams) if (c2s.hostType !== undefined && !hosts.has(c2s.lserver)) c2s.fail('host-gone');
}
