import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { Accumulator } from '../accumulator.ts';
import { type NoParams, point } from '../point.ts';
import type { ConnectionInfo, SessionId } from '../session.ts';
import type { Nothing } from '../values.ts';
import { IGNORED_VALUE, NOTHING, PASSED_ON } from './common.ts';

interface Connection {
  sid: SessionId;
  jid: Jid;
  info: ConnectionInfo;
}

interface Undelivered {
  from: Jid;
  to: Jid;
  packet: Stanza;
}

const CONNECTION = {
  sid: 'Identity of the session.',
  jid: 'Its full JID.',
  info: 'Address, port and listener of the connection.',
};

const UNDELIVERED = {
  from: 'The sender.',
  to: 'The recipient; a bare or a full JID.',
  packet: 'The message.',
};

/** Hooks of the session manager: sessions that come and go, and messages that find none. */
export const sessionPoints = {
  sm_register_connection: point<Nothing, Connection>({
    scope: 'host_type',
    part: 'core',
    when: 'The session manager, when a session opened or was resumed: it is in the session table, and older sessions of the same resource were told to leave.',
    acc: NOTHING,
    params: CONNECTION,
    result: IGNORED_VALUE,
    counted: false,
  }),
  sm_remove_connection: point<Accumulator, Connection & { reason: string }>({
    scope: 'host_type',
    part: 'core',
    when: 'The session manager, when a session has left the session table, between user_terminate and reroute_unacked_messages.',
    acc: 'The accumulator that comes from user_terminate.',
    params: {
      ...CONNECTION,
      reason:
        'Why: `normal`, `resumed` (a new connection has taken over), `replaced` (a new session has the resource), `error`, or another short name.',
    },
    result: PASSED_ON,
    counted: false,
  }),
  sm_filter_offline_message: point<boolean, Undelivered>({
    scope: 'host_type',
    part: 'core',
    when: 'The session manager, for a message to a full JID that has no session, before it is treated as one to the bare JID.',
    acc: '`false`.',
    params: UNDELIVERED,
    result: '`true` drops the message silently.',
  }),
  offline_message: point<Accumulator, Undelivered>({
    scope: 'host_type',
    part: 'core',
    when: 'The session manager, for a message (not an error, of a group chat or a headline) to a user who exists, has no session of priority 0 or more, and whose default privacy list allows the sender.',
    acc: 'The accumulator of the message. A handler that stored it sets the key `offline/stored` to `true`.',
    params: UNDELIVERED,
    result:
      'STOP: a handler took the message. The last handler, priority 100, is the session manager’s own: a message that nobody took goes back with the error service-unavailable. Archiving alone does not count as taking it.',
  }),
  offline_groupchat_message: point<Accumulator, Undelivered>({
    scope: 'host_type',
    part: 'core',
    when: 'The session manager, for a message of a group chat to a user who exists and has no session of priority 0 or more.',
    acc: 'The accumulator of the message.',
    params: UNDELIVERED,
    result:
      'STOP: a handler took the message, or wants it to be forgotten. If nobody stops, it goes back with the error service-unavailable (the session manager’s own handler, priority 100).',
  }),
  failed_to_store_message: point<Accumulator, NoParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session manager, in place of offline_message when the recipient’s default privacy list denies the sender.',
    acc: 'The accumulator of the message.',
    params: {},
    result:
      'The message goes back with the error service-unavailable (XEP-0191 §3.3), unless a handler has sent one. STOP only skips the handlers that come later.',
  }),
  resend_offline_messages: point<Accumulator, { jid: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'The presence module, in the user’s session, when its priority becomes 0 or more.',
    acc: 'The accumulator of the presence.',
    params: { jid: 'The full JID of the session.' },
    result:
      'Handlers append to the list under the key `offline/messages`, each entry with `from`, `to` and `acc`. The caller routes the entries in their order and deletes the key. STOP only skips the handlers that come later.',
  }),
} as const;
