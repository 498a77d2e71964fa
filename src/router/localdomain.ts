import type { Accumulator } from '../hooks/accumulator.ts';
import type { Handled, Route, RouteTable } from './route-table.ts';
import { DONE, type RoutingModule } from './routing-module.ts';

/** Delivers to a route of this server: `local/delivery.ts`. */
export type DeliverLocally = (acc: Accumulator, route: Route) => Handled;

/** Hosted domains, and subdomains that modules serve. */
export function localdomainRouter(routes: RouteTable, deliver: DeliverLocally): RoutingModule {
  return {
    name: 'localdomain',
    route(acc) {
      const route = routes.get(acc.to.domain);
      if (route === undefined) return undefined;
      const handled = deliver(acc, route);
      return handled === undefined ? DONE : handled.then(() => DONE);
    },
  };
}
