import type { Jid } from '../../xmpp/jid.ts';
import type {
  ArchiveBehaviour,
  ArchiveMessage,
  ArchivePrefs,
  ArchiveQuery,
  ArchiveResult,
  Retraction,
} from '../archive-values.ts';
import { type NoParams, point } from '../point.ts';
import type { Failed, Nothing, Outcome, PersonalRow } from '../values.ts';
import {
  ARCHIVE_MESSAGE,
  ARCHIVE_QUERY,
  type Archive,
  NEW_PREFS,
  type NewPrefs,
  NUMBER_OF_ARCHIVE,
} from './archive-params.ts';
import { IGNORED_VALUE, NOTHING } from './common.ts';

const OWNER = { ...NUMBER_OF_ARCHIVE, owner: 'The user whose archive it is.' };

/** Hooks of users' message archives (XEP-0313): most are answered by the store. */
export const mamPoints = {
  mam_archive_id: point<number | undefined, { owner: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'The archive, before almost everything that it does for a user.',
    acc: '`undefined`.',
    params: { owner: 'The user.' },
    result: 'The number of the user’s archive; undefined if the store uses none.',
  }),
  mam_archive_message: point<Outcome, ArchiveMessage>({
    scope: 'host_type',
    part: 'core',
    when: 'The archive, for every copy of a message: the sender’s while it is sent, the recipient’s at local delivery.',
    acc: '`ok`.',
    params: ARCHIVE_MESSAGE,
    result: '`ok`, or a failure: then the message gets no `<stanza-id/>`.',
    counted: false,
  }),
  mam_archive_size: point<number, Archive>({
    scope: 'host_type',
    part: 'core',
    when: 'Whoever wants to know how large an archive is: the administration, tests.',
    acc: '`0`.',
    params: OWNER,
    result: 'The number of messages in the archive.',
  }),
  mam_archive_sync: point<Nothing, NoParams>({
    scope: 'host_type',
    part: 'core',
    when: 'Maintenance and tests, to wait until everything is written. Handlers return a promise.',
    acc: NOTHING,
    params: {},
    result: IGNORED_VALUE,
  }),
  mam_get_behaviour: point<ArchiveBehaviour, Archive & { remote: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'The archive, before it takes in a message.',
    acc: '`always`.',
    params: { ...OWNER, remote: 'The other side of the conversation.' },
    result: 'Whether the message is archived; `roster`: if the other side is in the user’s roster.',
  }),
  mam_get_prefs: point<ArchivePrefs | Failed, Archive>({
    scope: 'host_type',
    part: 'core',
    when: 'The archive, when a user asks for the preferences.',
    acc: 'Archive always; no exceptions.',
    params: OWNER,
    result: 'The preferences; a failure gives an error.',
    counted: false,
  }),
  mam_set_prefs: point<Outcome, Archive & NewPrefs>({
    scope: 'host_type',
    part: 'core',
    when: 'The archive, when a user changes the preferences.',
    acc: 'A failure: nobody implements it.',
    params: { ...OWNER, ...NEW_PREFS },
    result: '`ok`: the client gets the preferences back. A failure gives an error.',
    counted: false,
  }),
  mam_lookup_messages: point<ArchiveResult, ArchiveQuery>({
    scope: 'host_type',
    part: 'core',
    when: 'The archive, for every query and for its metadata; for messages named by their ids, once for each.',
    acc: 'A page without rows, total and offset 0.',
    params: ARCHIVE_QUERY,
    result:
      'The page, or a failure. If the client gave no limit and there is more than a result may hold, the caller answers policy-violation.',
  }),
  mam_remove_archive: point<Nothing, Archive>({
    scope: 'host_type',
    part: 'core',
    when: 'The archive, when its user was removed; also the administration.',
    acc: NOTHING,
    params: OWNER,
    result: IGNORED_VALUE,
    counted: false,
  }),
  mam_retraction: point<Retraction, ArchiveMessage>({
    scope: 'host_type',
    part: 'core',
    when: 'The store of the archive, when it has found the message that its sender takes back (XEP-0424) and before it is replaced.',
    acc: 'The message found, and how the sender named it.',
    params: ARCHIVE_MESSAGE,
    result: 'The tombstone is made from this.',
  }),
  get_mam_pm_gdpr_data: point<readonly PersonalRow[], { jid: Jid; after: string | undefined }>({
    scope: 'host_type',
    part: 'core',
    when: 'The archive, as its part of get_personal_data.',
    acc: 'An empty list.',
    params: {
      jid: 'The user.',
      after: 'The message id that the last page ended with; undefined for the first one.',
    },
    result:
      'Rows of message id, sender and message, those behind `after`, in order: some of them, or none if there are no more. It is run again until there are none, or the same again: so a handler may give all at once.',
  }),
} as const;
