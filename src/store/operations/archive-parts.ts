import type { ArchiveFilter, ArchivePageQuery } from './archive.ts';

/** What one partition has of a page. */
export interface ArchivePart {
  /** The messages that would be the page if it had all of the archive, oldest first. */
  readonly ids: readonly bigint[];
  /** How many are meant in all, and how many of them come before the first of `ids`, or before the place where there is none (null if not asked for). */
  readonly total: number | null;
  readonly before: number | null;
  readonly hasMore: boolean;
  /** Of `pageAfter`, `pageBefore`, `afterId` and `beforeId` those that are here. */
  readonly found: readonly bigint[];
  /** There are messages that are a minute younger than `until`, or more: whoever they are for, clocks have been set back. */
  readonly isAhead: boolean;
}

/** Messages at even distances. */
export interface ArchiveMarks {
  /** Messages that are meant and come before `low`, and those between `low` and `high`. */
  readonly skipped: number;
  readonly total: number;
  /** Of the latter the first one, and every `step`th one after it. */
  readonly step: number;
  readonly ids: readonly bigint[];
}

/**
 * What the partitions of an archive are asked, each about what it has. Nobody but `store/partitions/` asks: it puts the answers together to those of
 * {@link import('./archive.ts').ArchiveOperations}.
 */
export interface ArchivePartOperations {
  /** A part of a page. `index` is not looked at; `pageAfter` and the like need not be here. */
  archive_part_page: { args: [query: ArchivePageQuery]; result: ArchivePart };
  /** At most so many marks of the messages that are meant between two ids, themselves included. */
  archive_part_marks: {
    args: [filter: ArchiveFilter, low: bigint, high: bigint, marks: number];
    result: ArchiveMarks;
  };
  /** Users of a domain from a name on (included; in the order of bytes), and how many messages their archives have here. */
  archive_part_owners: {
    args: [domain: string, from: string, limit: number];
    result: readonly (readonly [username: string, size: number])[];
  };
  /** Messages up to an id (included) leave the archive of an owner, at most so many. Returns how many. */
  archive_part_leave: { args: [owner: string, upTo: bigint, limit: number]; result: number };
}

export const ARCHIVE_PART_READS = [
  'archive_part_page',
  'archive_part_marks',
  'archive_part_owners',
] as const satisfies readonly (keyof ArchivePartOperations)[];
