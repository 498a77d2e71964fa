import type { KeptWrite } from '../kept-write.ts';
import type { ArchiveRecord } from '../operations/archive.ts';
import { allWritten, type Part, type Parts } from './parts.ts';

/** What one partition gets of some messages. */
interface Share {
  readonly part: Part;
  readonly records: readonly ArchiveRecord[];
}

/** Archives messages, each where its conversation is. What fails may have been done in part: repeated, it changes nothing. */
export async function append(parts: Parts, records: readonly ArchiveRecord[]): Promise<null> {
  const shares = sharesOf(parts, records);
  if (shares.length === 1) return await shares[0]!.part.request('archive_append', shares[0]!.records);
  await allWritten(shares.map(({ part, records }) => part.request('archive_append', records)));
  return null;
}

/** The same for messages that must not be lost (`Store.write`): taken by all of these partitions, or by none. */
export function keepAppending(
  parts: Parts,
  records: readonly ArchiveRecord[],
  kept: KeptWrite,
): Promise<null | undefined> | undefined {
  const shares = sharesOf(parts, records);
  if (shares.length === 1) return shares[0]!.part.write('archive_append', [shares[0]!.records], kept);
  const delayed = once(kept.delayed);
  const all = bytesOf(records);
  const writes = shares.map(({ part, records }) => {
    const bytes = Math.ceil((kept.bytes * bytesOf(records)) / all);
    return { part, records, kept: { ...kept, ...(delayed && { delayed }), bytes } };
  });
  const full = writes.find(
    ({ part, kept: { bytes, isLetIn } }) => isLetIn !== true && !part.kept.hasRoom(bytes),
  );
  // It refuses, and counts that.
  if (full !== undefined) return full.part.write('archive_append', [full.records], full.kept);
  const done = writes.map(({ part, records, kept }) => part.write('archive_append', [records], kept)!);
  return allWritten(done).then((results) => (results.includes(undefined) ? undefined : null));
}

function sharesOf(parts: Parts, records: readonly ArchiveRecord[]): Share[] {
  const byPlace = new Map<number, ArchiveRecord[]>();
  for (const record of records) {
    const place = parts.placeOf(bareOf(record.from), bareOf(record.to));
    const some = byPlace.get(place);
    if (some === undefined) byPlace.set(place, [record]);
    else some.push(record);
  }
  if (byPlace.size === 0) return [{ part: parts.first, records }];
  return [...byPlace].map(([place, some]) => ({ part: parts.all[place]!, records: some }));
}

/** The bare JID in a full one: the first slash begins the resource (RFC 7622 §3.1). */
function bareOf(jid: string): string {
  const slash = jid.indexOf('/');
  return slash < 0 ? jid : jid.slice(0, slash);
}

function bytesOf(records: readonly ArchiveRecord[]): number {
  return records.reduce((bytes, { packet }) => bytes + packet.length + 1, 0);
}

function once(call: (() => void) | undefined): (() => void) | undefined {
  if (call === undefined) return undefined;
  let isDone = false;
  return () => {
    if (!isDone) call();
    isDone = true;
  };
}
