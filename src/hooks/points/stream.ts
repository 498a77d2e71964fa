import type { ExternalClaim, ExternalIdentity } from '../../auth/sasl/external-rules.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { Accumulator } from '../accumulator.ts';
import { point } from '../point.ts';
import type { C2sParams } from '../session.ts';
import type { Features, ForeignEventType, Nothing, Permission } from '../values.ts';
import { C2S_PARAMS, IGNORED_VALUE, NO_STANZA, NOTHING, SESSION_PARAM } from './common.ts';

/** Hooks around the opening of a client's stream, and events that reach it from elsewhere. */
export const streamPoints = {
  check_bl_c2s: point<boolean, { ip: string }>({
    scope: 'global',
    part: 'core',
    when: 'The listener, right after accepting a connection of a client and before reading a byte of it.',
    acc: '`false`.',
    params: { ip: 'The client’s address.' },
    result: '`true` closes the connection at once; nothing is written to it.',
  }),
  c2s_stream_features: point<Features, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session, whenever it offers `<stream:features/>`: before authentication and again after it. Not while TLS is mandatory and still missing, when STARTTLS is the only offer.',
    acc: 'The features of the session itself.',
    params: C2S_PARAMS,
    result:
      'The children of `<stream:features/>`. Add your own or replace one of the same name, and leave the order of the others. A feature for one of the two occasions only looks at `isAuthenticated`.',
  }),
  sasl_external: point<ExternalIdentity, ExternalClaim>({
    scope: 'host_type',
    part: 'core',
    when: 'SASL EXTERNAL, where `auth.sasl_external` has `"module"` and no strategy before it has found an account.',
    acc: '`{ kind: "refused", condition: "not-authorized" }`.',
    params: {
      certificate: 'The client’s certificate in DER. TLS has accepted it.',
      xmppAddresses: 'The XMPP addresses in it.',
      commonName: 'The common name of its subject, if it has exactly one.',
      authzid: 'Whom the client wants to be, as it said it; undefined when it left that open.',
      domain: 'The domain of the stream.',
    },
    result:
      '`stop({ kind: "account", username })` says whom the certificate is for; an authentication method must accept it, too. `stop({ kind: "refused", condition })` refuses, with `not-authorized`, `invalid-authzid` or `temporary-auth-failure`.',
    failure: 'closed',
    refusal: { kind: 'refused', condition: 'temporary-auth-failure' },
  }),
  c2s_debug_traffic: point<
    Accumulator | undefined,
    { direction: 'client_to_server' | 'server_to_client'; jid: Jid | undefined; element: Stanza }
  >({
    scope: 'global',
    part: 'core',
    when: 'The session, for every element read from a client and for every element written to one, the tags of the stream itself excepted. Meant for debugging: it is on the way of everything, passwords of logins included.',
    acc: 'The accumulator of a stanza that was just written; undefined for an element that was just read, and for one that is written but is not a routed stanza (features, SASL, errors of the stream).',
    params: {
      direction: 'Which way the element goes.',
      jid: 'Whose session it is; undefined before resource binding.',
      element: 'The element.',
    },
    result: IGNORED_VALUE,
    counted: false,
  }),
  auth_failed: point<Nothing, { username: string | undefined; server: string }>({
    scope: 'host_type',
    part: 'core',
    when: 'The session, when a SASL exchange failed or the client gave it up, before the failure is written; by SASL2, too. Not for errors of the stream.',
    acc: NOTHING,
    params: {
      username: 'Who wanted to log in; undefined when the exchange did not come so far.',
      server: 'The domain of the stream.',
    },
    result: IGNORED_VALUE,
    counted: false,
  }),
  user_open_session: point<Accumulator, C2sParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session, just before it is registered: at resource binding, at the session IQ where a listener demands one, or in the binding that SASL2 includes. The listener’s access rule is checked here, at priority 10.',
    acc: 'The accumulator of that request; actions asked for earlier may be waiting in it.',
    params: C2S_PARAMS,
    result:
      'Go on: the session opens. STOP: it does not; forbidden_session follows, and the client gets the error not-allowed.',
    failure: 'closed',
  }),
  session_opening_allowed_for_user: point<Permission, { jid: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'The session, as part of user_open_session, for every session that a user opens.',
    acc: '`allow`.',
    params: { jid: 'The full JID of the session to be.' },
    result:
      'Anything but `allow` refuses the session. Return a stop with `deny`: after a plain `deny` a later handler may still allow.',
    failure: 'closed',
    refusal: 'deny',
  }),
  forbidden_session: point<Accumulator, { jid: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'The session, after user_open_session ended with STOP.',
    acc: 'The accumulator of the request that was to open the session.',
    params: { jid: 'The full JID that was refused.' },
    result:
      'The error not-allowed is made from the accumulator. STOP only skips the handlers that come later.',
  }),
  foreign_event: point<
    Accumulator,
    {
      session: C2sParams;
      type: ForeignEventType;
      tag: string;
      content: unknown;
      reply: ((value: unknown) => void) | undefined;
    }
  >({
    scope: 'host_type',
    part: 'core',
    when: 'The session, for every event that is none of its own: something that a module sent to a session, or a timer that a module set. Not before the domain of the stream is known.',
    acc: NO_STANZA,
    params: {
      session: SESSION_PARAM,
      type: 'How it came: `cast` (no answer expected), `call`, `timeout`, or `info` for anything else.',
      tag: 'The module addressed, or the name of the timer. A handler leaves events with other tags alone.',
      content: 'What was sent.',
      reply: 'Answers a `call`; undefined for everything else.',
    },
    result:
      'STOP: handled; the actions asked for are carried out. If nobody stops, the event is logged as unknown and forgotten.',
  }),
  user_ping_response: point<Nothing, { jid: Jid; response: Stanza | 'timeout'; timeDelta: number }>({
    scope: 'host_type',
    part: 'core',
    when: 'The ping module, when a client answered a ping of the server or did not do so in time.',
    acc: NOTHING,
    params: {
      jid: 'The client’s full JID.',
      response: 'The answer, or `timeout`.',
      timeDelta: 'Milliseconds from ping to answer; 0 after a timeout.',
    },
    result: IGNORED_VALUE,
  }),
} as const;
