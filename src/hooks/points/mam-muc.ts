import type { Jid } from '../../xmpp/jid.ts';
import type { Accumulator } from '../accumulator.ts';
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
  NEW_PREFS,
  type NewPrefs,
  NUMBER_OF_ARCHIVE,
  type RoomArchive,
} from './archive-params.ts';
import { IGNORED_VALUE, NOTHING } from './common.ts';

const ROOM = { ...NUMBER_OF_ARCHIVE, room: 'The room whose archive it is.' };

const ACCESS = {
  acc: 'The accumulator of the request.',
  room: 'The room.',
  user: 'The user who asks.',
};

interface Access {
  acc: Accumulator;
  room: Jid;
  user: Jid;
}

/** Hooks of rooms' message archives (XEP-0313): who may use them, and what the store answers. */
export const mamMucPoints = {
  can_access_room: point<boolean, Access>({
    scope: 'host_type',
    part: 'core',
    when: 'The archive of rooms before it is read, and chat markers before one that was sent to a room is stored.',
    acc: '`false`.',
    params: ACCESS,
    result:
      '`true`: the user may. Otherwise the reader gets an error, and the marker is ignored. Handlers leave a `true` as it is.',
  }),
  can_access_identity: point<boolean, { room: Jid; user: Jid }>({
    scope: 'host_type',
    part: 'rooms',
    when: 'The archive of rooms, before messages are sent to a reader.',
    acc: '`false`.',
    params: { room: 'The room.', user: 'The reader.' },
    result: '`true`: the reader sees the real JIDs of the senders. Otherwise they are taken out.',
  }),
  is_muc_room_owner: point<boolean, Access>({
    scope: 'host_type',
    part: 'rooms',
    when: 'The archive of rooms, for requests that change something, such as preferences.',
    acc: '`false`.',
    params: ACCESS,
    result: '`true`: the user may. Otherwise the request fails. Handlers leave a `true` as it is.',
  }),
  mam_muc_archive_id: point<number | undefined, { owner: Jid }>({
    scope: 'host_type',
    part: 'rooms',
    when: 'The archive of rooms, before almost everything that it does for a room.',
    acc: '`undefined`.',
    params: { owner: 'The room.' },
    result: 'The number of the room’s archive; undefined if the store uses none.',
  }),
  mam_muc_archive_message: point<Outcome, ArchiveMessage>({
    scope: 'host_type',
    part: 'rooms',
    when: 'The archive of rooms, for every message that a room is about to send to its occupants (in filter_room_packet, at priority 60).',
    acc: '`ok`.',
    params: ARCHIVE_MESSAGE,
    result: '`ok`, or a failure: then the message gets no `<stanza-id/>`.',
    counted: false,
  }),
  mam_muc_archive_size: point<number, RoomArchive>({
    scope: 'host_type',
    part: 'rooms',
    when: 'Whoever wants to know how large a room’s archive is: the administration, tests.',
    acc: '`0`.',
    params: ROOM,
    result: 'The number of messages in the archive.',
  }),
  mam_muc_archive_sync: point<Nothing, NoParams>({
    scope: 'host_type',
    part: 'rooms',
    when: 'Maintenance and tests, to wait until everything is written. Handlers return a promise.',
    acc: NOTHING,
    params: {},
    result: IGNORED_VALUE,
  }),
  mam_muc_get_behaviour: point<ArchiveBehaviour, RoomArchive & { remote: Jid }>({
    scope: 'host_type',
    part: 'rooms',
    when: 'The archive of rooms, before it takes in a message.',
    acc: '`always`.',
    params: { ...ROOM, remote: 'The sender.' },
    result: 'Whether the message is archived; `roster`: if the sender is in the owner’s roster.',
  }),
  mam_muc_get_prefs: point<ArchivePrefs | Failed, RoomArchive>({
    scope: 'host_type',
    part: 'rooms',
    when: 'The archive of rooms, when somebody who may enter a room asks for its preferences.',
    acc: 'Archive always; no exceptions.',
    params: ROOM,
    result: 'The preferences; a failure gives an error.',
    counted: false,
  }),
  mam_muc_set_prefs: point<Outcome, RoomArchive & NewPrefs>({
    scope: 'host_type',
    part: 'rooms',
    when: 'The archive of rooms, when an owner changes the preferences.',
    acc: 'A failure: nobody implements it.',
    params: { ...ROOM, ...NEW_PREFS },
    result: '`ok`: the client gets the preferences back. A failure gives an error.',
    counted: false,
  }),
  mam_muc_lookup_messages: point<ArchiveResult, ArchiveQuery>({
    scope: 'host_type',
    part: 'rooms',
    when: 'The archive of rooms, for every query and for its metadata; for messages named by their ids, once for each.',
    acc: 'A page without rows, total and offset 0.',
    params: ARCHIVE_QUERY,
    result:
      'The page, or a failure. If the client gave no limit and there is more than a result may hold, the caller answers policy-violation.',
    counted: false,
  }),
  mam_muc_remove_archive: point<Nothing, RoomArchive>({
    scope: 'host_type',
    part: 'rooms',
    when: 'The archive of rooms, when its room was forgotten; also the administration.',
    acc: NOTHING,
    params: ROOM,
    result: IGNORED_VALUE,
    counted: false,
  }),
  mam_muc_retraction: point<Retraction, ArchiveMessage>({
    scope: 'host_type',
    part: 'rooms',
    when: 'The store of the archive, when it has found the message that its sender takes back (XEP-0424) and before it is replaced.',
    acc: 'The message found, and how the sender named it.',
    params: ARCHIVE_MESSAGE,
    result: 'The tombstone is made from this.',
  }),
  get_mam_muc_gdpr_data: point<readonly PersonalRow[], { jid: Jid }>({
    scope: 'host_type',
    part: 'rooms',
    when: 'The archive of rooms, as its part of get_personal_data.',
    acc: 'An empty list.',
    params: { jid: 'The user.' },
    result: 'Rows of message id and message.',
  }),
} as const;
