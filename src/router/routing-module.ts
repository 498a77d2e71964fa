import type { Accumulator } from '../hooks/accumulator.ts';
import type { DROP } from '../hooks/chain.ts';

/** The routing module has taken the stanza; the chain ends. */
export const DONE = Symbol('done');

export type FilterResult = undefined | typeof DROP;
export type RouteResult = undefined | typeof DONE;

/**
 * A link of the router chain (`general.routing_modules`). For each link in turn `filter` runs, then `route`.
 * Undefined passes the stanza on. A promise suspends it.
 */
export interface RoutingModule {
  /** Its name in the configuration. */
  readonly name: string;
  /** May drop the stanza. `acc.from` and `acc.to` must stay what they are. */
  readonly filter?: (acc: Accumulator) => FilterResult | Promise<FilterResult>;
  /** May take the stanza ({@link DONE}), or rewrite its addresses for the links after it. */
  readonly route?: (acc: Accumulator) => RouteResult | Promise<RouteResult>;
}
