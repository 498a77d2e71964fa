import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { Accumulator } from '../accumulator.ts';
import { point } from '../point.ts';
import type { C2sParams, SessionId } from '../session.ts';
import { IGNORED, PASSED_ON, SESSION_PARAM } from './common.ts';

/** Hooks around a user's presence. */
export const presencePoints = {
  user_available: point<Accumulator, { jid: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'The presence module, at the first available presence of a session, also after it was unavailable; offline messages are fetched afterwards.',
    acc: 'The accumulator of the presence.',
    params: { jid: 'The full JID of the session.' },
    result: PASSED_ON,
  }),
  set_presence: point<Accumulator, { jid: Jid; presence: Stanza }>({
    scope: 'host_type',
    part: 'core',
    when: 'The session manager, at every available presence that a session sends to everybody, after its priority was noted in the session table.',
    acc: 'The accumulator of the presence.',
    params: { jid: 'The full JID of the session.', presence: 'The presence.' },
    result: PASSED_ON,
  }),
  unset_presence: point<Accumulator, { jid: Jid; status: string }>({
    scope: 'host_type',
    part: 'core',
    when: 'The session manager, when a session becomes unavailable: by a presence of its client, or at its end if it was available until then. It has no priority any more.',
    acc: 'The accumulator of the presence, or that of the session’s end.',
    params: {
      jid: 'The full JID of the session.',
      status: 'The text that the client left; empty if it left none.',
    },
    result: PASSED_ON,
  }),
  presence_probe: point<Accumulator, { from: Jid; to: Jid; sid: SessionId }>({
    scope: 'host_type',
    part: 'core',
    when: 'The presence module, in the session that is probed, if whoever asks may see its presence.',
    acc: 'The accumulator of the probe.',
    params: {
      from: 'Who asks.',
      to: 'The full JID of the session that is asked.',
      sid: 'Identity of that session.',
    },
    result: 'The answer is derived from the accumulator. STOP only skips the handlers that come later.',
  }),
  caps_recognised: point<Accumulator, { session: C2sParams; features: readonly string[] }>({
    scope: 'host_type',
    part: 'core',
    when: 'The entity capabilities module, when it knows the features behind the hash that a client announced and they are not those known before; at once, or after it asked the client.',
    acc: 'The accumulator of the presence that carried the hash.',
    params: { session: SESSION_PARAM, features: 'The namespaces of the features.' },
    result: IGNORED,
  }),
} as const;
