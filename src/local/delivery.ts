import type { Accumulator } from '../hooks/accumulator.ts';
import { DROP, type Verdict } from '../hooks/chain.ts';
import { HOOK_INDEX } from '../hooks/points.ts';

const FILTER_LOCAL_PACKET = HOOK_INDEX.filter_local_packet;

/** Where a stanza is going: a route of the router, as far as local delivery looks at it. */
export interface LocalRoute {
  readonly domain: string;
  readonly hostType: Accumulator['hostType'];
  readonly handler: (acc: Accumulator) => undefined | Promise<unknown>;
}

/**
 * The step into the recipient's domain: the accumulator is stripped and takes on that domain's context, the hook
 * `filter_local_packet` may change or drop the stanza, then the domain's handler gets it. Runs in the sender's shard.
 */
export class LocalDelivery {
  readonly #dropped: (acc: Accumulator) => void;

  constructor(dropped: (acc: Accumulator) => void) {
    this.#dropped = dropped;
  }

  deliver(acc: Accumulator, route: LocalRoute): undefined | Promise<unknown> {
    const { hostType } = route;
    acc.strip(hostType, route.domain);
    if (hostType === undefined) return route.handler(acc);
    const chain = hostType.chains[FILTER_LOCAL_PACKET]!;
    if (chain === null) return route.handler(acc);
    const verdict = chain.run(acc, undefined);
    if (verdict instanceof Promise) return verdict.then((v) => this.#afterFilter(v, acc, route));
    return this.#afterFilter(verdict, acc, route);
  }

  #afterFilter(verdict: Verdict, acc: Accumulator, route: LocalRoute): undefined | Promise<unknown> {
    if (verdict !== DROP) return route.handler(acc);
    this.#dropped(acc);
    return undefined;
  }
}
