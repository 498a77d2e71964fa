import type { Jid } from '../../xmpp/jid.ts';
import type { Accumulator } from '../accumulator.ts';
import { type NoParams, point } from '../point.ts';
import type { Nothing } from '../values.ts';
import { IGNORED, IGNORED_VALUE, NOTHING } from './common.ts';

/** Hooks on the way of every stanza, and those of external components. */
export const routingPoints = {
  filter_packet: point<Accumulator, NoParams>({
    scope: 'global',
    part: 'core',
    when: 'The first module of the router chain, every time a stanza is routed: also errors, IQ results, carbons, roster pushes, and stanzas from components and other servers. It runs on the shard of whoever routes, before anything is known about the recipient.',
    acc: 'The accumulator of the stanza, still in the context of the sender. Addresses and stanza are read from it.',
    params: {},
    result:
      'Go on: the next routing module. STOP: the same, without the handlers that come later. DROP: the stanza ends here, and its sender is not told. The stanza may be replaced; `from` and `to` must stay what they are, else the routing fails and the stanza is lost.',
  }),
  filter_local_packet: point<Accumulator, NoParams>({
    scope: 'host_type',
    part: 'core',
    when: 'Local delivery, once for every stanza to a domain of this server, in the routing shard and before the recipient’s sessions are looked up. Not for components, whose domains have no host type.',
    acc: 'The accumulator of the stanza, moved to the context of the recipient: his host type and domain, permanent keys only, no actions.',
    params: {},
    result:
      'Go on or STOP: the stanza is delivered, with the addresses and the content that the accumulator has now. A changed `to` is not routed anew: the handler of the original domain gets it. DROP: the stanza ends here, and its sender is not told; it counts as routed.',
  }),
  packet_to_component: point<Accumulator, { from: Jid; to: Jid }>({
    scope: 'global',
    part: 'core',
    when: 'The connection of an external component, when a stanza may be sent to it and before it is written.',
    acc: 'The accumulator of the stanza.',
    params: { from: 'The sender.', to: 'The recipient, at the component’s domain.' },
    result: IGNORED,
  }),
  register_subhost: point<Nothing, { ldomain: string; isHidden: boolean }>({
    scope: 'global',
    part: 'core',
    when: 'Whoever makes a domain available: an external component that connected, or a module whose subdomain became active.',
    acc: NOTHING,
    params: {
      ldomain: 'The new domain.',
      isHidden: 'Whether service discovery is to leave it out; never so for subdomains.',
    },
    result: IGNORED_VALUE,
  }),
  unregister_subhost: point<Nothing, { ldomain: string }>({
    scope: 'global',
    part: 'core',
    when: 'The same, when the component has gone or the subdomain was removed.',
    acc: NOTHING,
    params: { ldomain: 'The domain.' },
    result: IGNORED_VALUE,
  }),
} as const;
