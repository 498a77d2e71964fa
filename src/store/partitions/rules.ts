import type { ArchivedMessage, ArchiveOperations } from '../operations/archive.ts';
import { append } from './appends.ts';
import { merged, PartitionedPages } from './pages.ts';
import { bareOf } from './pair.ts';
import { allWritten, askAll, type Parts } from './parts.ts';
import { sumOf } from './positions.ts';
import { sweepAll, trim } from './sweeps.ts';

/** How each operation of archives is done where there are several partitions. */
export type ArchiveRules = {
  readonly [O in keyof ArchiveOperations]: (
    ...args: ArchiveOperations[O]['args']
  ) => Promise<ArchiveOperations[O]['result']>;
};

/** The rules, for some partitions. Preferences are in the first one. */
export function archiveRules(parts: Parts): ArchiveRules {
  const pages = new PartitionedPages(parts);
  return {
    archive_append: (records) => append(parts, records),
    archive_page: (query) => pages.page(query),
    archive_get: async (owner, ids) => merged(await parts.ask('archive_get', owner, ids)),
    archive_range: async (owner) => {
      const ranges = (await parts.ask('archive_range', owner)).filter((range) => range !== null);
      if (ranges.length === 0) return null;
      return ranges.reduce((all, { first, last }) => ({
        first: first < all.first ? first : all.first,
        last: last > all.last ? last : all.last,
      }));
    },
    archive_size: async (owner) => sumOf(await parts.ask('archive_size', owner)),
    archive_find_retracted: async (retraction) => {
      const home = parts.homeOf(bareOf(retraction.from), bareOf(retraction.to));
      const found = await askAll(home, 'archive_find_retracted', retraction);
      return found.reduce(newer, null);
    },
    archive_replace: async (id, packet) =>
      (await allWritten(parts.all.map((part) => part.request('archive_replace', id, packet)))).includes(true),
    archive_get_prefs: (owner) => parts.first.request('archive_get_prefs', owner),
    archive_set_prefs: (owner, prefs) => parts.first.request('archive_set_prefs', owner, prefs),
    archive_remove_user: async (owner) => {
      await allWritten(parts.all.map((part) => part.request('archive_remove_user', owner)));
      return null;
    },
    archive_remove_domain: (domain, limit, cursor) =>
      sweepAll(parts, limit, cursor, (part, each, own) =>
        part.request('archive_remove_domain', domain, each, own),
      ),
    archive_remove_before: (domain, micros, limit, cursor) =>
      sweepAll(parts, limit, cursor, (part, each, own) =>
        part.request('archive_remove_before', domain, micros, each, own),
      ),
    archive_trim: (...args) => trim(parts, ...args),
    archive_export: (...args) => pages.export(...args),
  };
}

function newer(a: ArchivedMessage | null, b: ArchivedMessage | null): ArchivedMessage | null {
  return a === null || (b !== null && b.id > a.id) ? b : a;
}
