import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { Accumulator } from '../accumulator.ts';
import { type NoParams, point } from '../point.ts';
import type { Features, Nothing, Permission } from '../values.ts';
import { IGNORED_VALUE, NOTHING, PASSED_ON } from './common.ts';

/** Hooks around other servers: federation, and one domain served in several places. */
export const federationPoints = {
  s2s_allow_host: point<Permission, { myHost: string; s2sHost: string }>({
    scope: 'global',
    part: 'federation',
    when: 'Federation, before the first connection of a pair of domains is opened, and when another server asks to be recognised; unless the configuration decides about that host, or denies by default.',
    acc: '`allow`.',
    params: { myHost: 'The domain of this server.', s2sHost: 'The domain of the other one.' },
    result:
      'Anything but `allow` refuses: stanzas that wait go back with service-unavailable, an incoming stream ends with invalid-from.',
    failure: 'closed',
    refusal: 'deny',
  }),
  s2s_receive_packet: point<Accumulator, NoParams>({
    scope: 'global',
    part: 'federation',
    when: 'An incoming connection of another server, for every stanza that it accepted, before it is routed.',
    acc: 'The accumulator of the stanza, as yet without a host type.',
    params: {},
    result:
      'The stanza is routed with the accumulator as it is now. It cannot be prevented here; STOP only skips the handlers that come later.',
  }),
  s2s_send_packet: point<Accumulator, { from: Jid; to: Jid; packet: Stanza }>({
    scope: 'global',
    part: 'federation',
    when: 'Federation, when a connection for a stanza was chosen, on the shard of whoever routes it.',
    acc: 'The accumulator of the stanza.',
    params: { from: 'The sender.', to: 'The recipient.', packet: 'The stanza, with both addresses in it.' },
    result: PASSED_ON,
  }),
  s2s_stream_features: point<Features, { lserver: string }>({
    scope: 'host_type',
    part: 'federation',
    when: 'An incoming connection of another server, whenever it offers stream features: before authentication and after it.',
    acc: 'An empty list.',
    params: { lserver: 'The domain that the other server wants to talk to.' },
    result:
      'These elements are offered together with STARTTLS and EXTERNAL, which the connection adds itself.',
  }),
  mod_global_distrib_known_recipient: point<Nothing, { from: Jid; to: Jid; targetHost: string }>({
    scope: 'host_type',
    part: 'federation',
    when: 'Global distribution, in filter_packet, when the place of the recipient is known.',
    acc: NOTHING,
    params: { from: 'The sender.', to: 'The recipient.', targetHost: 'The place that serves the recipient.' },
    result: IGNORED_VALUE,
  }),
  mod_global_distrib_unknown_recipient: point<Accumulator, NoParams>({
    scope: 'host_type',
    part: 'federation',
    when: 'Global distribution, in filter_packet, when nothing is known about the place of the recipient.',
    acc: 'The accumulator of the stanza. Addresses and stanza are read from it.',
    params: {},
    result:
      'It is the result of filter_packet: go on or STOP, the stanza is routed here; DROP, it is not, because a handler keeps it to try again.',
  }),
} as const;
