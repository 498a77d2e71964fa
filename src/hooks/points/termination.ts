import type { Jid } from '../../xmpp/jid.ts';
import type { Accumulator } from '../accumulator.ts';
import { point } from '../point.ts';
import type { C2sParams } from '../session.ts';
import { C2S_PARAMS, NO_STANZA } from './common.ts';

const KEEPS_ALIVE =
  'STOP: a handler keeps the session alive without a connection, and the actions asked for are carried out.';

/** Hooks around the end of a client's connection and of its session. */
export const terminationPoints = {
  user_socket_closed: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session, when its connection was closed from the other side.',
    acc: NO_STANZA,
    params: C2S_PARAMS,
    result: `${KEEPS_ALIVE} Go on: the session ends with the reason socket_closed.`,
  }),
  user_socket_error: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session, when its connection broke.',
    acc: NO_STANZA,
    params: C2S_PARAMS,
    result: `${KEEPS_ALIVE} Go on: the session ends with the reason socket_error.`,
  }),
  user_stop_request: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session, when the server wants it to end: the action `stop`, a ping without answer, a domain that was disabled. `reason` is whatever the one who asked gave.',
    acc: NO_STANZA,
    params: C2S_PARAMS,
    result: `${KEEPS_ALIVE} Go on: the session ends with that reason.`,
  }),
  user_terminate: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session, when it ends for whatever reason and in whatever state, before it is removed from the session table. The first of three: sm_remove_connection and reroute_unacked_messages follow.',
    acc: 'A new accumulator without a stanza, which knows the session that it comes from (`originSid`).',
    params: C2S_PARAMS,
    result:
      'The accumulator goes on to sm_remove_connection. The end cannot be prevented here; STOP only skips the handlers that come later.',
  }),
  reroute_unacked_messages: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session, last when it ends: it is out of the session table, and what still waits in its queue is routed again afterwards. Handlers route again what they have kept back.',
    acc: 'The accumulator that comes from sm_remove_connection.',
    params: C2S_PARAMS,
    result: 'Nobody looks at it. STOP only skips the handlers that come later.',
  }),
  filter_unacknowledged_messages: point<readonly Accumulator[], { jid: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'The session, before stanzas that its client has not acknowledged, or has not been shown, are routed again or handed to another session.',
    acc: 'The accumulators of these stanzas, oldest first.',
    params: { jid: 'The full JID of the session that ends.' },
    result: 'Exactly these stanzas are routed again, in this order.',
  }),
  unacknowledged_message: point<Accumulator, { jid: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'Stream management, for every message that it has in its buffer when the connection is lost, and for every one that arrives while the session waits to be resumed.',
    acc: 'The accumulator of the message.',
    params: { jid: 'The full JID of the session.' },
    result:
      'The message stays in the buffer with the accumulator as it is now. STOP only skips the handlers that come later.',
  }),
} as const;
