import {
  type Accumulator,
  type ArchiveMessage,
  ArchiveSide,
  type Jid,
  microsOfId,
  shardOfStableId,
  stableId,
  stableIdNumber,
  timeOfStableId,
  withoutIdsBy,
} from '../module.ts';
import { originIdOf } from './rules.ts';
import type { OpenRecord } from './writer.ts';

/** A message in one archive. */
export interface Entry {
  /** Its id: the same in both archives. */
  readonly id: string;
  readonly micros: number;
  readonly shard: number;
  readonly direction: ArchiveMessage['direction'];
  readonly owner: Jid;
  readonly remote: Jid;
  /** Its bytes alone told that it is archived, see `isSimple` in `rules.ts`. */
  readonly isSimple: boolean;
}

/** The id that mod_stanzaid has given a message. */
export function knownId(acc: Accumulator): string | undefined {
  return acc.get('stable_stanza_id', 'value');
}

/** `made`: the time to make the id of, unless the message has one; unique in this shard. */
export function entryOf(
  acc: Accumulator,
  direction: Entry['direction'],
  isSimple: boolean,
  made: number,
  shard: number,
): Entry {
  const known = knownId(acc);
  const isOutgoing = direction === 'outgoing';
  return {
    id: known ?? stableId(made, shard),
    micros: known === undefined ? made : timeOfStableId(known),
    shard: known === undefined ? shard : shardOfStableId(known),
    direction,
    owner: (isOutgoing ? acc.from : acc.to).bareJid,
    remote: isOutgoing ? acc.to : acc.from,
    isSimple,
  };
}

/** The same for the hook `mam_archive_message`. */
export function archiveMessageOf(
  acc: Accumulator,
  entry: Entry,
  archiveId: number | undefined,
): ArchiveMessage {
  const { direction, remote, micros, shard } = entry;
  const stanza = acc.stanza!;
  return {
    messageId: stableIdNumber(micros, shard),
    archiveId,
    localJid: direction === 'outgoing' ? acc.from : acc.to,
    remoteJid: remote,
    sourceJid: acc.from,
    originId: entry.isSimple ? undefined : originIdOf(stanza.element),
    direction,
    packet: stanza,
    isGroupchat: stanza.type === 'groupchat',
    senderId: undefined,
  };
}

/** What is written for a message that came by that hook. */
export function recordOf(message: ArchiveMessage, isSearchable: boolean): OpenRecord {
  const { messageId, localJid, remoteJid, sourceJid, direction, packet, isGroupchat, originId } = message;
  const isOutgoing = direction === 'outgoing';
  return {
    micros: microsOfId(messageId),
    shard: Number(messageId & 255n),
    sides: isOutgoing ? ArchiveSide.SENDER : ArchiveSide.RECIPIENT,
    from: sourceJid.full,
    to: isOutgoing ? remoteJid.full : localJid.full,
    packet: (withoutIdsBy(packet, [localJid.bareJid, remoteJid.bareJid]) ?? packet).unstamped.toBuffer(
      '',
      '',
    ),
    originId: originId ?? null,
    isGroupchat,
    isSearchable,
  };
}
