import type { Jid } from '../../xmpp/jid.ts';
import { point } from '../point.ts';
import type { C2sParams } from '../session.ts';
import type { Nothing, PrivacyItem } from '../values.ts';
import { NOTHING, SESSION_PARAM } from './common.ts';

const NEVER = 'There is none: the hook is never run.';

/**
 * Names that MongooseIM once had. Handlers may be registered for them, so that a module written for both does not fail to
 * start, but nobody runs them.
 */
export const retiredPoints = {
  filter_pep_recipient: point<boolean, { session: C2sParams; feature: string; to: Jid }>({
    scope: 'host_type',
    part: 'retired',
    when: 'Never. It decided in the recipient’s session whether a published item was wanted there; what a client wants is known from its capabilities now.',
    acc: '`true`, which meant: drop.',
    params: {
      session: SESSION_PARAM,
      feature: 'The feature that the client needed to have.',
      to: 'The recipient.',
    },
    result: NEVER,
  }),
  get_pep_recipients: point<readonly Jid[], { session: C2sParams; feature: string }>({
    scope: 'host_type',
    part: 'retired',
    when: 'Never. It listed in the owner’s session who wanted a published item; that is known from the capabilities of clients now.',
    acc: 'An empty list.',
    params: { session: SESSION_PARAM, feature: 'The feature that a client needed to have.' },
    result: NEVER,
  }),
  mam_flush_messages: point<Nothing, { count: number }>({
    scope: 'host_type',
    part: 'retired',
    when: 'Never. It told how many messages of users were written at once; a metric tells that now.',
    acc: NOTHING,
    params: { count: 'The number of rows.' },
    result: NEVER,
  }),
  mam_muc_flush_messages: point<Nothing, { count: number }>({
    scope: 'host_type',
    part: 'retired',
    when: 'Never. It told how many messages of rooms were written at once; a metric tells that now.',
    acc: NOTHING,
    params: { count: 'The number of rows.' },
    result: NEVER,
  }),
  privacy_list_push: point<
    Nothing,
    { user: string; server: string; item: PrivacyItem; sessionCount: number }
  >({
    scope: 'host_type',
    part: 'retired',
    when: 'Never. It told that a changed privacy list was about to be sent to a user’s sessions; a metric tells that now.',
    acc: NOTHING,
    params: {
      user: 'The localpart of the user.',
      server: 'The user’s domain.',
      item: 'What changed.',
      sessionCount: 'The number of sessions.',
    },
    result: NEVER,
  }),
} as const;
