import type { Accumulator } from '../hooks/accumulator.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import { DONE, type RoutingModule } from './routing-module.ts';

/** The last link: other servers. Until federation exists, each is a server that cannot be found. */
export function s2sRouter(refuse: (acc: Accumulator, error: StanzaError) => void): RoutingModule {
  return {
    name: 's2s',
    route(acc) {
      refuse(acc, new StanzaError('remote-server-not-found'));
      return DONE;
    },
  };
}
