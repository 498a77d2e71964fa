import type { DeliverLocally } from './localdomain.ts';
import type { Route, RouteTable } from './route-table.ts';
import { DONE, type RoutingModule } from './routing-module.ts';

/** Finds how a domain is served that has no route yet: hosted since a reload, or a subdomain that a module offers. */
export type FindDomain = (domain: string) => Route | undefined;

/** Domains that are known but not routed yet: the route is added with the first stanza. */
export function dynamicDomainsRouter(
  routes: RouteTable,
  find: FindDomain,
  deliver: DeliverLocally,
): RoutingModule {
  return {
    name: 'dynamic_domains',
    route(acc) {
      const route = find(acc.to.domain);
      if (route === undefined) return undefined;
      routes.add(route);
      const handled = deliver(acc, route);
      return handled === undefined ? DONE : handled.then(() => DONE);
    },
  };
}
