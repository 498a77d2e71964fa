import type { ArchiveSweep } from '../operations/archive.ts';
import type { Part, Parts } from './parts.ts';
import { messageAt, sumOf } from './positions.ts';

/** Users that one step looks at. */
const OWNERS_STEP = 500;

/**
 * A step of work that each partition can do by itself, in all that have not come to their end. The cursor has theirs. `step` asks a partition for about `limit`
 * messages.
 */
export async function sweepAll(
  parts: Parts,
  limit: number,
  cursor: string,
  step: (part: Part, limit: number, cursor: string) => Promise<ArchiveSweep>,
): Promise<ArchiveSweep> {
  const cursors: readonly (string | null)[] =
    cursor === '' ? parts.all.map(() => '') : (JSON.parse(cursor) as (string | null)[]);
  const left = cursors.filter((one) => one !== null).length;
  const each = Math.max(1, Math.ceil(limit / left));
  const sweeps = await Promise.all(
    parts.all.map((part, i): Promise<ArchiveSweep> | ArchiveSweep => {
      const own = cursors[i] ?? null;
      return own === null ? { removed: 0, cursor: null } : step(part, each, own);
    }),
  );
  const next = sweeps.map((sweep) => sweep.cursor);
  return {
    removed: sumOf(sweeps.map(({ removed }) => removed)),
    cursor: next.every((one) => one === null) ? null : JSON.stringify(next),
  };
}

/** A step of `archive_trim`: which messages are the newest only all partitions together can tell. */
export async function trim(
  parts: Parts,
  domain: string,
  keep: number,
  limit: number,
  cursor: string,
): Promise<ArchiveSweep> {
  const most = Math.max(1, limit);
  const each = Math.ceil(most / parts.all.length);
  const { sizes, last } = await owners(parts, domain, cursor.slice(1));
  let removed = 0;
  for (const [username, size] of sizes) {
    if (size <= keep) continue;
    const owner = username === '' ? domain : `${username}@${domain}`;
    const cut = await messageAt(parts.all, { owner, includeGroupchat: true }, size - keep - 1);
    if (cut === undefined) continue;
    const left = await parts.ask('archive_part_leave', owner, cut, each);
    removed += sumOf(left);
    // Whoever may have more comes again.
    if (removed >= most || left.includes(each)) return { removed, cursor: `=${username}` };
  }
  return { removed, cursor: last === undefined ? null : `=${last}` };
}

/** Users from a name on, as far as all partitions have told of them, and the size of their archives. `last`: there may be more behind this one. */
async function owners(
  parts: Parts,
  domain: string,
  from: string,
): Promise<{ sizes: [string, number][]; last: string | undefined }> {
  const lists = await parts.ask('archive_part_owners', domain, from, OWNERS_STEP);
  const ends = lists.filter((list) => list.length === OWNERS_STEP).map((list) => list.at(-1)![0]);
  const last = ends.sort(compare)[0];
  const sizes = new Map<string, number>();
  for (const list of lists) {
    for (const [username, size] of list) {
      if (last !== undefined && compare(username, last) > 0) break;
      sizes.set(username, (sizes.get(username) ?? 0) + size);
    }
  }
  return { sizes: [...sizes].sort(([a], [b]) => compare(a, b)), last };
}

/** In the order of bytes, as the partitions have it. */
function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
