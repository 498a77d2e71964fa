import { bodyText } from '../../src/store/body-text.ts';
import { ARCHIVE_EXPORT_BYTES, ArchiveSide } from '../../src/store/operations/archive.ts';
import type {
  ArchivedMessage,
  ArchiveFilter,
  ArchiveOperations,
  ArchivePartOperations,
  ArchiveRecord,
  ArchiveSweep,
  StoredArchivePrefs,
} from '../../src/store/operations.ts';
import { Removed } from '../../src/store/removed.ts';
import { filterOf, queryOf } from '../../src/store/sqlite/archive-query.ts';
import type { OperationTable } from '../../src/store/sqlite/operation-table.ts';
import { searchWords } from '../../src/util/search-words.ts';
import { stableIdText } from '../../src/xmpp/stable-id.ts';

/** Archives as a list that is searched from end to end: what pages and counts are compared with. */

interface Entry extends ArchivedMessage {
  readonly record: ArchiveRecord;
  sides: number;
  packet: Buffer;
  isSearchable: boolean;
}

const bare = (jid: string): string => jid.split('/', 1)[0]!;
const resource = (jid: string): string => jid.slice(bare(jid).length + 1);
const domain = (jid: string): string => bare(jid).split('@').at(-1)!;
const idOf = ({ micros, shard }: ArchiveRecord): bigint => BigInt(micros) * 256n + BigInt(shard);
const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const messageOf = ({ id, from, to, packet }: Entry): ArchivedMessage => ({ id, from, to, packet });

/** Which sides of a message are these owners' archives. */
function sidesOf(entry: Entry, isOwner: (bare: string) => boolean): number {
  const sent = isOwner(bare(entry.from)) ? ArchiveSide.SENDER : 0;
  const received = isOwner(bare(entry.to)) ? ArchiveSide.RECIPIENT : 0;
  return entry.sides & (sent | received);
}

function textOf(packet: Buffer): string {
  try {
    return bodyText(packet);
  } catch {
    return '';
  }
}

function isMeant(entry: Entry, filter: ArchiveFilter): boolean {
  const { id, from, to } = entry;
  const time = Number(id >> 8n);
  const isSent = bare(from) === filter.owner;
  const peer = isSent ? to : from;
  const words = searchWords((filter.words ?? []).join(' '), 100);
  const own = words.length === 0 || !entry.isSearchable ? [] : searchWords(textOf(entry.packet), 10_000);
  return (
    (filter.afterId === undefined || id > filter.afterId) &&
    (filter.beforeId === undefined || id < filter.beforeId) &&
    (filter.fromId === undefined || id >= filter.fromId) &&
    (filter.toId === undefined || id <= filter.toId) &&
    (filter.start === undefined || time >= filter.start) &&
    (filter.end === undefined || time <= filter.end) &&
    (filter.with === undefined || bare(peer) === filter.with.bare) &&
    (filter.with?.resource === undefined || resource(peer) === filter.with.resource) &&
    words.every((word) => own.includes(word)) &&
    (filter.includeGroupchat || !entry.record.isGroupchat)
  );
}

export function memoryArchive(): OperationTable<ArchiveOperations & ArchivePartOperations> {
  const removed = new Removed();
  const prefs = new Map<string, StoredArchivePrefs>();
  let entries: Entry[] = [];

  const of = (owner: string): Entry[] =>
    entries.filter((entry) => sidesOf(entry, (jid) => jid === owner) !== 0);
  const leave = (entry: Entry, sides: number): number => {
    entry.sides &= ~sides;
    entries = entries.filter((other) => other.sides !== 0);
    return sides === 3 ? 2 : 1;
  };
  const users = (name: string): string[] => {
    const owners = entries.flatMap((entry) => [bare(entry.from), bare(entry.to)]);
    return [...new Set([...owners, ...prefs.keys()])].filter((owner) => domain(owner) === name);
  };
  const isAhead = (until: number | undefined): boolean =>
    until !== undefined && Number(entries.at(-1)?.id ?? 0n) / 256 > until + 60_000_000;
  const isMeantNow = (entry: Entry, filter: ArchiveFilter): boolean => {
    const { until } = filter;
    const isSettled = until === undefined || isAhead(until) || Number(entry.id >> 8n) <= until;
    return isSettled && isMeant(entry, filter);
  };
  const sweep = (candidates: [Entry, number][], limit: number): ArchiveSweep => {
    const meant = candidates.filter(([, sides]) => sides !== 0);
    let count = 0;
    for (const [entry, sides] of meant.slice(0, limit)) count += leave(entry, sides);
    return { removed: count, cursor: meant.length > limit ? 'more' : null };
  };

  return {
    archive_append: (records) => {
      for (const record of records) {
        const { from, to, micros } = record;
        let sides = bare(from) === bare(to) && record.sides !== 0 ? ArchiveSide.SENDER : record.sides;
        const isGone = (jid: string) =>
          removed.covers(domain(jid), bare(jid).includes('@') ? bare(jid).split('@')[0]! : '', micros);
        if (isGone(from)) sides &= ~ArchiveSide.SENDER;
        if (isGone(to)) sides &= ~ArchiveSide.RECIPIENT;
        if (sides === 0) continue;
        const id = idOf(record);
        const known = entries.find((entry) => entry.id === id);
        if (known !== undefined) known.sides |= sides;
        else {
          const isSearchable = record.isSearchable === true;
          entries.push({ id, from, to, record, sides, packet: Buffer.from(record.packet), isSearchable });
        }
      }
      entries.sort((a, b) => (a.id < b.id ? -1 : 1));
      return null;
    },
    archive_page: (asked) => {
      const query = queryOf(asked);
      const all = of(query.owner);
      const anchors = [query.pageAfter, query.pageBefore, query.afterId, query.beforeId];
      const isKnown = anchors.every((id) => id === undefined || all.some((entry) => entry.id === id));
      const meant = isKnown ? all.filter((entry) => isMeantNow(entry, query)) : [];
      const from = query.index === undefined ? meant : meant.slice(Math.max(0, query.index));
      const place = from.filter(
        ({ id }) =>
          (query.index !== undefined || query.pageAfter === undefined || id > query.pageAfter) &&
          (query.pageBefore === undefined || id < query.pageBefore),
      );
      const page = query.isBackward
        ? place.slice(Math.max(0, place.length - query.limit))
        : place.slice(0, query.limit);
      const first = page[0];
      return {
        messages: page.map(messageOf),
        total: query.isCounted ? meant.length : null,
        offset: query.isCounted && first !== undefined ? meant.indexOf(first) : null,
        hasMore: place.length > page.length,
        anchor: isKnown ? 'known' : 'unknown',
      };
    },
    archive_get: (owner, ids) =>
      of(owner)
        .filter(({ id }) => ids.includes(id))
        .map(messageOf),
    archive_range: (owner) => {
      const all = of(owner);
      return all.length === 0 ? null : { first: all[0]!.id, last: all.at(-1)!.id };
    },
    archive_size: (owner) => of(owner).length,
    archive_export: (owner, afterId, limit) =>
      of(owner)
        .filter(({ id }) => id > afterId)
        .slice(0, limit)
        .map(messageOf)
        .filter((_one, index, all) => {
          const bytes = all.slice(0, index + 1).reduce((sum, { packet }) => sum + packet.length, 0);
          return index === 0 || bytes <= ARCHIVE_EXPORT_BYTES;
        }),
    archive_find_retracted: ({ from, to, by, id }) => {
      const found = entries.findLast(
        (entry) =>
          bare(entry.from) === bare(from) &&
          bare(entry.to) === bare(to) &&
          (by === 'origin_id' ? entry.record.originId : stableIdText(entry.id)) === id,
      );
      return found === undefined ? null : messageOf(found);
    },
    archive_replace: (id, packet) => {
      const found = entries.find((entry) => entry.id === id);
      if (found === undefined) return false;
      found.packet = Buffer.from(packet);
      found.isSearchable = false;
      return true;
    },
    archive_get_prefs: (owner) => prefs.get(owner) ?? null,
    archive_set_prefs: (owner, { defaultMode, always, never }) => {
      const others = always.filter((jid) => !never.includes(jid));
      prefs.set(owner, { defaultMode, always: [...others].sort(), never: [...never].sort() });
      return null;
    },
    archive_remove_user: (owner) => {
      if (owner.includes('@')) removed.note(domain(owner), owner.split('@')[0]!);
      prefs.delete(owner);
      for (const entry of of(owner))
        leave(
          entry,
          sidesOf(entry, (jid) => jid === owner),
        );
      return null;
    },
    archive_remove_domain: (name, limit) => {
      removed.note(name);
      for (const owner of prefs.keys()) if (domain(owner) === name) prefs.delete(owner);
      const isOwner = (jid: string) => domain(jid) === name;
      return sweep(
        entries.map((entry) => [entry, sidesOf(entry, isOwner)]),
        limit,
      );
    },
    archive_remove_before: (name, micros, limit) => {
      const isOwner = (jid: string) => domain(jid) === name;
      const old = entries.filter(({ record }) => record.micros < micros);
      return sweep(
        old.map((entry) => [entry, sidesOf(entry, isOwner)]),
        limit,
      );
    },
    archive_part_page: (asked) => {
      const query = queryOf(asked);
      const { owner, pageAfter, pageBefore, limit, isCounted } = query;
      const all = of(owner);
      const anchors = [pageAfter, pageBefore, query.afterId, query.beforeId];
      const meant = all.filter((entry) => isMeantNow(entry, query));
      const place = meant.filter(
        ({ id }) =>
          (pageAfter === undefined || id > pageAfter) && (pageBefore === undefined || id < pageBefore),
      );
      const page = query.isBackward ? place.slice(Math.max(0, place.length - limit)) : place.slice(0, limit);
      const start = page[0]?.id ?? (pageAfter === undefined ? 0n : pageAfter + 1n);
      return {
        ids: page.map(({ id }) => id),
        total: isCounted ? meant.length : null,
        before: isCounted ? meant.filter(({ id }) => id < start).length : null,
        hasMore: place.length > page.length,
        found: anchors.filter((id) => id !== undefined && all.some((entry) => entry.id === id)) as bigint[],
        isAhead: isAhead(query.until),
      };
    },
    archive_part_marks: (asked, low, high, marks) => {
      const filter = filterOf(asked);
      const meant = of(filter.owner).filter((entry) => isMeantNow(entry, filter));
      const between = meant.filter(({ id }) => id >= low && id <= high);
      const step = Math.max(1, Math.ceil(between.length / Math.max(1, marks)));
      return {
        skipped: meant.filter(({ id }) => id < low).length,
        total: between.length,
        step,
        ids: between.filter((_entry, i) => i % step === 0).map(({ id }) => id),
      };
    },
    archive_part_owners: (name, from, limit) =>
      users(name)
        .map((owner): [string, number] => [owner.includes('@') ? owner.split('@')[0]! : '', of(owner).length])
        .filter(([user]) => compareBytes(user, from) >= 0)
        .sort(([a], [b]) => compareBytes(a, b))
        .slice(0, limit),
    archive_part_leave: (owner, upTo, limit) =>
      of(owner)
        .filter(({ id }) => id <= upTo)
        .slice(0, Math.max(1, limit))
        .reduce(
          (count, entry) =>
            count +
            leave(
              entry,
              sidesOf(entry, (jid) => jid === owner),
            ),
          0,
        ),
    archive_trim: (name, keep, limit) => {
      const excess = users(name).flatMap((owner) => {
        const all = of(owner);
        return all
          .slice(0, Math.max(0, all.length - keep))
          .map((entry): [Entry, number] => [entry, sidesOf(entry, (jid) => jid === owner)]);
      });
      return sweep(excess, limit);
    },
  };
}
