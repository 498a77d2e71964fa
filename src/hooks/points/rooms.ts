import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { Accumulator } from '../accumulator.ts';
import type {
  MucAffiliation,
  MucInboxUpdate,
  MucLightAffiliation,
  MucRole,
  RoomUser,
} from '../archive-values.ts';
import { type NoParams, point } from '../point.ts';
import type { Nothing } from '../values.ts';
import { IGNORED, IGNORED_VALUE, NOTHING } from './common.ts';

interface Occupant {
  room: string;
  host: string;
  jid: Jid;
  mucJid: Jid;
}

const OCCUPANT = {
  room: 'The localpart of the room.',
  host: 'The domain that the rooms belong to.',
  jid: 'The user’s real JID.',
  mucJid: 'The user as the room shows him: `room/nick`.',
};

/** Hooks of rooms: MUC (XEP-0045) and MUC Light. */
export const roomPoints = {
  acc_room_affiliations: point<Accumulator, { room: Jid }>({
    scope: 'host_type',
    part: 'rooms',
    when: 'Whoever needs to know who belongs to a room: MUC Light for its requests, checks of access for the archive and for chat markers, the inbox.',
    acc: 'The accumulator of what caused it; a new one for the room’s domain if nothing did.',
    params: { room: 'The room, a bare JID.' },
    result:
      'A handler sets a temporary key with the list, its users and version, in its own namespace: `mod_muc` or `mod_muc_light`, the key being `affiliations/` and the room’s JID. Without it the room does not exist, and the request fails with item-not-found. STOP only skips the handlers that come later.',
  }),
  room_exists: point<boolean, { room: Jid }>({
    scope: 'host_type',
    part: 'rooms',
    when: 'MUC Light, for every request to a room that it understood.',
    acc: '`false`.',
    params: { room: 'The room, a bare JID.' },
    result: '`false` gives the error item-not-found.',
  }),
  room_new_affiliations: point<Accumulator, { room: Jid; newAffs: readonly RoomUser[]; version: string }>({
    scope: 'host_type',
    part: 'rooms',
    when: 'MUC Light, after the members of a room changed, if the room still has any.',
    acc: 'The accumulator of the request.',
    params: {
      room: 'The room, a bare JID.',
      newAffs: 'Everybody who belongs to the room now.',
      version: 'The new version of the list.',
    },
    result: IGNORED,
  }),
  forget_room: point<Nothing, { mucHost: string; room: string }>({
    scope: 'host_type',
    part: 'rooms',
    when: 'MUC when a room was destroyed and is no longer stored; MUC Light when it was destroyed or its last member left.',
    acc: NOTHING,
    params: { mucHost: 'The domain of the rooms.', room: 'The localpart of the room.' },
    result: IGNORED_VALUE,
  }),
  filter_room_packet: point<
    Stanza,
    {
      fromNick: string;
      fromJid: Jid;
      roomJid: Jid;
      role: MucRole;
      affiliation: MucAffiliation | MucLightAffiliation;
      timestamp: number;
      stableStanzaId: string | undefined;
    }
  >({
    scope: 'host_type',
    part: 'rooms',
    when: 'MUC and MUC Light, for every message that a room is about to send to its occupants. It is archived here, at priority 60.',
    acc: 'The message.',
    params: {
      fromNick: 'The sender’s nickname.',
      fromJid: 'The sender’s real JID.',
      roomJid: 'The room.',
      role: 'The sender’s role.',
      affiliation: 'The sender’s affiliation.',
      timestamp: 'Arrival of the message, in microseconds since the epoch.',
      stableStanzaId: 'The id that the message has for everybody, if it is known already.',
    },
    result: 'This message is what occupants, history, inbox and archive get.',
  }),
  room_packet: point<Nothing, { fromNick: string; fromJid: Jid; jid: Jid; packet: Stanza }>({
    scope: 'host_type',
    part: 'rooms',
    when: 'MUC, after a message became part of a room’s history.',
    acc: NOTHING,
    params: {
      fromNick: 'The sender’s nickname.',
      fromJid: 'The sender’s real JID.',
      jid: 'The room.',
      packet: 'The message.',
    },
    result: IGNORED_VALUE,
  }),
  join_room: point<Nothing, Occupant>({
    scope: 'host_type',
    part: 'rooms',
    when: 'MUC, when the first session of a user enters a room under a nickname.',
    acc: NOTHING,
    params: OCCUPANT,
    result: IGNORED_VALUE,
  }),
  leave_room: point<Nothing, Occupant>({
    scope: 'host_type',
    part: 'rooms',
    when: 'MUC, when the last session under a nickname leaves.',
    acc: NOTHING,
    params: OCCUPANT,
    result: IGNORED_VALUE,
  }),
  invitation_sent: point<Nothing, { host: string; roomJid: Jid; from: Jid; to: Jid; reason: string }>({
    scope: 'host_type',
    part: 'rooms',
    when: 'MUC, when it passes on an invitation, or makes one for an administrator.',
    acc: NOTHING,
    params: {
      host: 'The domain that the rooms belong to.',
      roomJid: 'The room.',
      from: 'Who invites.',
      to: 'Who is invited.',
      reason: 'The text of the invitation; empty if it has none.',
    },
    result: IGNORED_VALUE,
  }),
  update_inbox_for_muc: point<MucInboxUpdate, NoParams>({
    scope: 'host_type',
    part: 'rooms',
    when: 'MUC, before a message is sent to the occupants of a room, so that the inboxes of all who belong to it are updated.',
    acc: 'The message, its sender, the room and the affiliations; handlers return nothing.',
    params: {},
    result: IGNORED_VALUE,
  }),
} as const;
