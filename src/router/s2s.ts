import type { Accumulator } from '../hooks/accumulator.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import { DONE, type RoutingModule } from './routing-module.ts';

/**
 * The last link: other servers. Until federation exists, each is a server that cannot be found. A domain that would have to be ours
 * (`isOwn`: a parent of it is hosted here, and `route_subdomains` does not say otherwise) is no other server's: nothing serves it.
 */
export function s2sRouter(
  isOwn: (domain: string) => boolean,
  refuse: (acc: Accumulator, error: StanzaError) => void,
): RoutingModule {
  return {
    name: 's2s',
    route(acc) {
      refuse(acc, new StanzaError(isOwn(acc.to.domain) ? 'service-unavailable' : 'remote-server-not-found'));
      return DONE;
    },
  };
}
