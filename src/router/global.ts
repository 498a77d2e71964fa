import { DROP } from '../hooks/chain.ts';
import { HOOK_INDEX } from '../hooks/points.ts';
import type { ChainTable } from '../hooks/registry.ts';
import type { RoutingModule } from './routing-module.ts';

const FILTER_PACKET = HOOK_INDEX.filter_packet;

/** The first link: the hook `filter_packet`, for every stanza that is routed, whoever sent it. */
export function globalRouter(globals: { readonly chains: ChainTable }): RoutingModule {
  return {
    name: 'global',
    filter(acc) {
      const chain = globals.chains[FILTER_PACKET]!;
      if (chain === null) return undefined;
      const verdict = chain.run(acc, undefined);
      if (verdict instanceof Promise) return verdict.then((v) => (v === DROP ? DROP : undefined));
      return verdict === DROP ? DROP : undefined;
    },
  };
}
