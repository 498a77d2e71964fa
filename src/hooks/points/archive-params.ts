import type { Jid } from '../../xmpp/jid.ts';
import type { ArchiveBehaviour, ArchiveMessage, ArchiveQuery } from '../archive-values.ts';

/** Parameters that hooks of users' archives share with those of rooms' archives. */

export interface Archive {
  archiveId: number | undefined;
  owner: Jid;
}

export interface RoomArchive {
  archiveId: number | undefined;
  room: Jid;
}

export interface NewPrefs {
  defaultMode: ArchiveBehaviour;
  alwaysJids: readonly Jid[];
  neverJids: readonly Jid[];
}

export const NUMBER_OF_ARCHIVE = { archiveId: 'The number of the archive, if the store uses numbers.' };

export const NEW_PREFS = {
  defaultMode: 'What holds for everybody who is in neither list.',
  alwaysJids: 'Whose messages are always archived.',
  neverJids: 'Whose messages never are.',
};

export const ARCHIVE_MESSAGE: { readonly [K in keyof ArchiveMessage]-?: string } = {
  messageId: 'The id of the message in the archive: 64 bits, rising with time.',
  archiveId: 'The number of the archive, if the store uses numbers.',
  localJid: 'Whose archive it is: the user, or the room.',
  remoteJid: 'The other side of the conversation.',
  sourceJid: 'Who is shown as the sender.',
  originId: 'The id that the sender’s client chose, if it did.',
  direction: 'Whether the message comes to the owner or goes out from him.',
  packet: 'The message.',
  isGroupchat: 'Whether it is a message of a group chat.',
  senderId: 'The number of the sender’s own archive; rooms only.',
};

export const ARCHIVE_QUERY: { readonly [K in keyof ArchiveQuery]-?: string } = {
  archiveId: 'The number of the archive, if the store uses numbers.',
  ownerJid: 'Whose archive it is: the user, or the room.',
  borders: 'Message ids that the result lies between.',
  rsm: 'Which page of the result is wanted (XEP-0059).',
  startTs: 'No message before this time, in microseconds since the epoch.',
  endTs: 'No message after this time.',
  now: 'The time of the query.',
  withJid: 'Only messages of the conversation with this JID; a bare one stands for all its resources.',
  searchText: 'Only messages that contain these words.',
  pageSize: 'How many rows at most.',
  limitPassed: 'Whether the client gave a limit itself.',
  maxResultLimit: 'How many rows a client may ask for.',
  isSimple: 'Whether total and offset may be left out, which is cheaper.',
  includeGroupchat: 'Whether messages of group chats are wanted.',
  messageId: 'Only this message.',
};
