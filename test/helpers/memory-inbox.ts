import type { InboxChange, InboxOperations, StoredConversation } from '../../src/store/operations/inbox.ts';
import type { OfflineMarkerOperations } from '../../src/store/operations/offline-markers.ts';
import type { MarkerRecord, SmartMarkerOperations } from '../../src/store/operations/smart-markers.ts';
import { Removed } from '../../src/store/removed.ts';
import type { OperationTable } from '../../src/store/sqlite/operation-table.ts';

/** Inboxes and chat markers for the memory driver. */

type Conversation = { -readonly [K in keyof StoredConversation]: StoredConversation[K] } & {
  readonly owner: string;
  readUntil: number;
};

const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const isOf = (domain: string) => (owner: string) => owner.endsWith(`@${domain}`);

export function memoryInbox(): OperationTable<InboxOperations> {
  let all: Conversation[] = [];
  const reads: Extract<InboxChange, readonly ['read', ...unknown[]]>[] = [];
  const removed = new Removed();
  const ownerOf = (domain: string, username: string): string => `${username}@${domain}`;
  const find = (domain: string, username: string, peer: string): Conversation | undefined =>
    all.find((one) => one.owner === ownerOf(domain, username) && one.peer === peer);
  const remove = (isGone: (one: Conversation) => boolean, limit = Number.POSITIVE_INFINITY): number => {
    const gone = new Set(all.filter(isGone).slice(0, limit));
    all = all.filter((one) => !gone.has(one));
    return gone.size;
  };
  const place = (one: Conversation): [number, string] => [one.timestamp, one.peer];
  const order = (a: readonly [number, string], b: readonly [number, string]): number =>
    a[0] - b[0] || compare(a[1], b[1]);
  const markRead = (known: Conversation | undefined, msgId: string, until: number): void => {
    if (known === undefined) return;
    if (known.msgId === msgId || known.timestamp <= until) {
      known.unread = 0;
      known.readUntil = Math.max(known.readUntil, known.timestamp, until);
    }
  };
  const shown = ({ owner: _owner, readUntil: _readUntil, ...one }: Conversation): StoredConversation => ({
    ...one,
  });
  return {
    inbox_write: (changes) => {
      return changes.flatMap((change) => {
        const [kind, domain, username, peer, timestamp] = change;
        if (removed.covers(domain, username, timestamp)) return [];
        const known = find(domain, username, peer);
        if (kind === 'remove') {
          remove((one) => one === known && one.timestamp <= timestamp);
        } else if (kind === 'read') {
          markRead(known, change[5], change[6]);
          reads.push(change);
        } else {
          const [, , , , , msgId, content, isRead, incoming] = change;
          const message = { msgId, content, timestamp };
          if (known === undefined) {
            const owner = ownerOf(domain, username);
            const more = { unread: incoming, box: 'inbox', mutedUntil: 0, readUntil: isRead ? timestamp : 0 };
            all.push({ owner, peer, ...message, ...more });
          } else {
            const isLater = timestamp >= known.timestamp;
            if (isLater) Object.assign(known, message);
            known.unread =
              (isRead && isLater ? 0 : known.unread) + (timestamp > known.readUntil ? incoming : 0);
            if (isRead) known.readUntil = Math.max(known.readUntil, timestamp);
          }
          for (const [, ...read] of isRead ? [] : reads) {
            const isOf = read[0] === domain && read[1] === username && read[2] === peer;
            if (isOf && timestamp < read[3]) markRead(find(domain, username, peer), read[4], read[5]);
          }
          if (known === undefined) return [];
          if (known.box !== 'archive' && known.box !== 'bin') return [];
          known.box = 'inbox';
          const { box, mutedUntil, unread } = known;
          return [{ domain, username, peer, box, mutedUntil, unread }];
        }
        return [];
      });
    },
    inbox_page: (domain, username, query) => {
      const { above, below, box, isUnreadOnly, isAscending, limit, bytesMax } = query;
      const found = all
        .filter((one) => one.owner === ownerOf(domain, username))
        .filter((one) => order(place(one), above) > 0 && order(place(one), below) < 0)
        .filter((one) => (box === null ? one.box !== 'bin' : one.box === box))
        .filter((one) => !isUnreadOnly || one.unread > 0)
        .sort((a, b) => order(place(a), place(b)) * (isAscending ? 1 : -1));
      let bytes = 0;
      let count = 0;
      for (const { content } of found) {
        bytes += content.length;
        if (count === limit || (bytes > bytesMax && count > 0)) break;
        count++;
      }
      return { conversations: found.slice(0, count).map(shown), hasMore: count < found.length };
    },
    inbox_get: (domain, username, peer) => {
      const known = find(domain, username, peer);
      return known === undefined ? null : shown(known);
    },
    inbox_set: (domain, username, peer, box, mutedUntil, isRead) => {
      const known = find(domain, username, peer);
      if (known === undefined) return null;
      known.box = box ?? known.box;
      known.mutedUntil = mutedUntil ?? known.mutedUntil;
      if (isRead !== null) known.unread = isRead ? 0 : Math.max(1, known.unread);
      return { box: known.box, mutedUntil: known.mutedUntil, unread: known.unread };
    },
    inbox_empty_bin: (domain, username, before, limit) =>
      remove(
        (one) =>
          one.box === 'bin' &&
          one.timestamp < before &&
          (username === null ? isOf(domain)(one.owner) : one.owner === ownerOf(domain, username)),
        username === null ? limit : undefined,
      ),
    inbox_remove_user: (domain, username) => {
      removed.note(domain, username);
      return remove((one) => one.owner === ownerOf(domain, username));
    },
    inbox_remove_domain: (domain, limit) => {
      removed.note(domain);
      return remove((one) => isOf(domain)(one.owner), limit);
    },
  };
}

type Tables = OperationTable<SmartMarkerOperations> & OperationTable<OfflineMarkerOperations>;

interface Missed {
  readonly owner: string;
  readonly thread: string;
  readonly room: string;
  readonly since: number;
  latest: number;
}

export function memoryMarkers(): Tables {
  let markers: MarkerRecord[] = [];
  let missed: Missed[] = [];
  const removed = new Removed();
  const from = ([domain, username]: MarkerRecord): string => `${username}@${domain}`;
  const to = ([, , domain, local]: MarkerRecord): string => `${local}@${domain}`;
  const shown = (record: MarkerRecord) => ({
    from: from(record),
    code: record[5],
    msgId: record[6],
    timestamp: record[7],
  });
  const remove = (isGone: (record: MarkerRecord) => boolean, limit = Number.POSITIVE_INFINITY): number => {
    const gone = new Set(markers.filter(isGone).slice(0, limit));
    markers = markers.filter((one) => !gone.has(one));
    return gone.size;
  };
  const youngest = (wanted: (record: MarkerRecord) => boolean, limit: number): MarkerRecord[] =>
    markers
      .filter(wanted)
      .sort((a, b) => b[7] - a[7])
      .slice(0, limit);
  const bySender = (a: MarkerRecord, b: MarkerRecord): number => compare(from(a), from(b)) || a[7] - b[7];
  const removeMissed = (isGone: (one: Missed) => boolean, limit = Number.POSITIVE_INFINITY): number => {
    const gone = new Set(missed.filter(isGone).slice(0, limit));
    missed = missed.filter((one) => !gone.has(one));
    return gone.size;
  };
  return {
    smart_markers_write: (records) => {
      for (const record of records) {
        if (removed.covers(record[0], record[1], record[7])) continue;
        if (removed.covers(record[2], record[3], record[7])) continue;
        const place = JSON.stringify(record.slice(0, 6));
        const known = markers.find((one) => JSON.stringify(one.slice(0, 6)) === place);
        if (known !== undefined && known[7] > record[7]) continue;
        markers = [...markers.filter((one) => one !== known), record];
      }
      return null;
    },
    smart_markers_get: ([domain, username], [toDomain, toLocal], scope, thread, after, limit) => {
      const user = `${username}@${domain}`;
      const peer = `${toLocal}@${toDomain}`;
      const isWanted = (one: MarkerRecord): boolean => one[4] === thread && one[7] > after;
      const sent = (a: string, b: string) =>
        youngest((one) => isWanted(one) && from(one) === a && to(one) === b, limit);
      const found =
        scope === 'all' ? youngest((one) => isWanted(one) && to(one) === peer, limit) : sent(user, peer);
      if (scope === 'both') found.push(...sent(peer, user));
      return found.sort(bySender).map(shown);
    },
    smart_markers_list: (domain, username) =>
      markers
        .filter((one) => from(one) === `${username}@${domain}`)
        .map((one) => ({ to: to(one), thread: one[4], code: one[5], msgId: one[6], timestamp: one[7] })),
    smart_markers_keep_members: ([domain, local], members) =>
      remove((one) => to(one) === `${local}@${domain}` && !members.includes(from(one))),
    smart_markers_forget_room: ([domain, local]) => remove((one) => to(one) === `${local}@${domain}`),
    smart_markers_remove_user: (domain, username) => {
      removed.note(domain, username);
      const user = `${username}@${domain}`;
      return remove((one) => from(one) === user || to(one) === user);
    },
    smart_markers_remove_domain: (domain, limit) =>
      remove((one) => isOf(domain)(from(one)) || isOf(domain)(to(one)), limit),

    offline_markers_note: (all) => {
      for (const [domain, username, thread, room, timestamp] of all) {
        const owner = `${username}@${domain}`;
        const known = missed.find((one) => one.owner === owner && one.thread === thread && one.room === room);
        if (known === undefined) missed.push({ owner, thread, room, since: timestamp, latest: timestamp });
        else known.latest = Math.max(known.latest, timestamp);
      }
      return null;
    },
    offline_markers_get: (domain, username, limit) => {
      const owner = `${username}@${domain}`;
      const own = missed.filter((one) => one.owner === owner);
      return {
        conversations: own.map(({ thread, room, latest }) => [thread, room, latest]),
        markers: own.flatMap(({ thread, room, since }) =>
          youngest((one) => to(one) === (room || owner) && one[4] === thread && one[7] >= since, limit)
            .sort(bySender)
            .filter((one) => from(one) !== owner)
            .map((one) => ({ thread, room, ...shown(one) })),
        ),
      };
    },
    offline_markers_delivered: (domain, username, conversations) =>
      conversations.reduce(
        (sum, [thread, room, latest]) =>
          sum +
          removeMissed(
            (one) =>
              one.owner === `${username}@${domain}` &&
              one.thread === thread &&
              one.room === room &&
              one.latest <= latest,
          ),
        0,
      ),
    offline_markers_list: (domain, username) =>
      missed
        .filter((one) => one.owner === `${username}@${domain}`)
        .map(({ thread, room, since }) => ({ thread, room, since })),
    offline_markers_remove_user: (domain, username) =>
      removeMissed((one) => one.owner === `${username}@${domain}`),
    offline_markers_remove_domain: (domain, limit) => removeMissed((one) => isOf(domain)(one.owner), limit),
  };
}
