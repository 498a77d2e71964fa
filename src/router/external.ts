import type { DeliverLocally } from './localdomain.ts';
import type { ComponentTable } from './route-table.ts';
import { DONE, type RoutingModule } from './routing-module.ts';

/** External components (XEP-0114) whose connection is on this shard. */
export function externalLocalnodeRouter(
  components: ComponentTable,
  shard: number,
  deliver: DeliverLocally,
): RoutingModule {
  return {
    name: 'external_localnode',
    route(acc) {
      const component = components.on(acc.to.domain, shard);
      if (component === undefined) return undefined;
      const handled = deliver(acc, component);
      return handled === undefined ? DONE : handled.then(() => DONE);
    },
  };
}

/** External components whose connection is on another shard. */
export function externalRouter(components: ComponentTable, deliver: DeliverLocally): RoutingModule {
  return {
    name: 'external',
    route(acc) {
      const component = components.anywhere(acc.to.domain);
      if (component === undefined) return undefined;
      const handled = deliver(acc, component);
      return handled === undefined ? DONE : handled.then(() => DONE);
    },
  };
}
