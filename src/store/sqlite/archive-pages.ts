import {
  ARCHIVE_EXPORT_BYTES,
  type ArchivedMessage,
  type ArchivedPage,
  type ArchiveFilter,
  type ArchivePageQuery,
} from '../operations/archive.ts';
import type { ArchiveCounts } from './archive-counts.ts';
import { firstIdOf, type IdRange, narrowed, rangeOf } from './archive-ids.ts';
import { IndexedSelection } from './archive-indexed.ts';
import type { ArchiveIndexing } from './archive-indexing.ts';
import type { ArchiveJids } from './archive-jids.ts';
import type { ArchiveOwners } from './archive-owners.ts';
import { queryOf } from './archive-query.ts';
import type { ArchiveRows } from './archive-rows.ts';
import { type ArchiveSearch, matchOf, termsOf } from './archive-search.ts';
import type { ArchiveSelection, Place } from './archive-selection.ts';
import { unindexedWith } from './archive-unindexed.ts';
import { WalkedSelection } from './archive-walk.ts';
import type { Sqlite } from './database.ts';
import { Statements } from './statements.ts';

/** Messages of an archive. */
export interface Meant {
  readonly selection: ArchiveSelection;
  /** Between which ids they lie. */
  readonly range: IdRange;
}

const EVERYTHING = { includeGroupchat: true } as const;
/** No clock of a shard is ahead of another one by so much, unless it was set; as a difference of ids. */
const CLOCK_SET = 60_000_000n << 8n;

/** Reading archives: pages (XEP-0313, XEP-0059), and what is made of them. Never by position: the thousandth page costs what the first does. */
export class ArchivePages {
  readonly #jids: ArchiveJids;
  readonly #owners: ArchiveOwners;
  readonly #rows: ArchiveRows;
  readonly #indexing: ArchiveIndexing;
  readonly #search: ArchiveSearch;
  readonly #counts: ArchiveCounts;
  readonly #statements: Statements;

  constructor(
    db: Sqlite,
    jids: ArchiveJids,
    owners: ArchiveOwners,
    rows: ArchiveRows,
    indexing: ArchiveIndexing,
    search: ArchiveSearch,
    counts: ArchiveCounts,
  ) {
    this.#jids = jids;
    this.#owners = owners;
    this.#rows = rows;
    this.#indexing = indexing;
    this.#search = search;
    this.#counts = counts;
    this.#statements = new Statements(db);
  }

  page(asked: ArchivePageQuery): ArchivedPage {
    const query = queryOf(asked);
    const owner = this.#find(query.owner);
    if (!this.#areKnown(owner, query)) return nothing(query, 'unknown');
    if (owner === undefined) return nothing(query, 'known');
    const meant = this.#meant(owner, query);
    if (meant === undefined) return nothing(query, 'known');
    const { selection, range } = meant;
    const place = this.#placeOf(query, selection, range);
    const ids = place === undefined ? [] : selection.ids(place, query.isBackward, query.limit + 1);
    const hasMore = ids.length > query.limit;
    if (hasMore) ids.pop();
    if (query.isBackward) ids.reverse();
    return {
      messages: this.#messages(ids, owner),
      ...(query.isCounted ? this.#counted(selection, range, ids[0]) : { total: null, offset: null }),
      hasMore,
      anchor: 'known',
    };
  }

  /** What a filter means, and where: undefined if it can mean nothing. */
  resolve(filter: ArchiveFilter): Meant | undefined {
    const owner = this.#find(filter.owner);
    if (owner === undefined) return undefined;
    return this.#meant(owner, filter);
  }

  /** Whether somebody has messages that are much younger than that: nobody can tell the time then, see {@link ArchiveFilter}. */
  isAhead(until: number | undefined): boolean {
    const newest = until === undefined ? undefined : this.#rows.newest;
    return newest !== undefined && newest > firstIdOf(until! + 1) + CLOCK_SET;
  }

  /** Of some messages those that an archive has. */
  known(bare: string, ids: readonly bigint[]): bigint[] {
    const owner = ids.length === 0 ? undefined : this.#find(bare);
    return owner === undefined ? [] : ids.filter((id) => this.#owners.sees(owner, id));
  }

  /** All that are meant in a range, and how many of them come before `first`. */
  count({ selection, range }: Meant, first: bigint): { total: number; offset: number } {
    if (selection instanceof IndexedSelection)
      return this.#counts.count(selection, selection.key, range, first);
    // Everything is looked at once, wherever the page lies.
    const offset = selection.count(narrowed(range, undefined, first));
    return { total: offset + selection.count(narrowed(range, first - 1n, undefined)), offset };
  }

  /** See `archive_get`. */
  get(bare: string, ids: readonly bigint[]): ArchivedMessage[] {
    const owner = this.#find(bare);
    if (owner === undefined) return [];
    const inOrder = [...new Set(ids)].sort((a, b) => (a < b ? -1 : 1));
    return this.#messages(
      inOrder.filter((id) => this.#owners.sees(owner, id)),
      owner,
    );
  }

  /** See `archive_range`. */
  range(bare: string): { first: bigint; last: bigint } | null {
    const all = this.#all(bare);
    const first = all?.selection.ids(all.range, false, 1)[0];
    return all === undefined || first === undefined
      ? null
      : { first, last: all.selection.ids(all.range, true, 1)[0]! };
  }

  /** See `archive_size`. */
  size(bare: string): number {
    const all = this.#all(bare);
    return all === undefined ? 0 : all.selection.count(all.range);
  }

  /** See `archive_export`. */
  export(bare: string, afterId: bigint, limit: number): ArchivedMessage[] {
    const all = this.#all(bare);
    if (all === undefined) return [];
    const messages: ArchivedMessage[] = [];
    let bytes = 0;
    for (const id of all.selection.ids(narrowed(all.range, afterId, undefined), false, limit)) {
      const message = this.#rows.get(id, all.owner);
      if (message === undefined) continue;
      bytes += message.packet.length;
      // The first one goes in any case: whoever asks would not get on.
      if (messages.length > 0 && bytes > ARCHIVE_EXPORT_BYTES) break;
      messages.push(message);
    }
    return messages;
  }

  /** The number of an owner, whose messages can be looked up from now on. */
  #find(bare: string): number | undefined {
    const owner = this.#jids.find(bare);
    if (owner !== undefined) this.#indexing.ensure(owner);
    return owner;
  }

  #all(bare: string): { owner: number; selection: ArchiveSelection; range: IdRange } | undefined {
    const owner = this.#find(bare);
    if (owner === undefined) return undefined;
    const selection = new IndexedSelection(this.#statements, { ...EVERYTHING, owner, peer: undefined });
    return { owner, selection, range: this.#owners.visible(owner, rangeOf({ ...EVERYTHING, owner: bare })) };
  }

  /** Whether the archive has the messages that the query names (XEP-0313 §4.1.4, §4.3). */
  #areKnown(owner: number | undefined, query: ArchivePageQuery): boolean {
    return [query.pageAfter, query.pageBefore, query.afterId, query.beforeId].every(
      (id) => id === undefined || (owner !== undefined && this.#owners.sees(owner, id)),
    );
  }

  #meant(owner: number, filter: ArchiveFilter): Meant | undefined {
    const all = this.#owners.visible(owner, rangeOf(filter));
    const { until } = filter;
    // Of what is younger, something may still come.
    const range =
      until === undefined || this.isAhead(until) ? all : narrowed(all, undefined, firstIdOf(until + 1));
    const selection = this.#selection(owner, filter, range);
    return selection === undefined ? undefined : { selection, range };
  }

  /** What the filter means, or undefined if it can mean nothing: the peer never wrote. */
  #selection(owner: number, filter: ArchiveFilter, range: IdRange): ArchiveSelection | undefined {
    const peer = filter.with === undefined ? undefined : this.#jids.find(filter.with.bare);
    if (filter.with !== undefined && peer === undefined) return undefined;
    const place: Place = { owner, peer, includeGroupchat: filter.includeGroupchat };
    const resource = filter.with?.resource;
    const terms = termsOf(filter.words ?? []);
    if (terms.length === 0 && resource === undefined) return new IndexedSelection(this.#statements, place);
    if (terms.length === 0)
      return new WalkedSelection(this.#statements, place, { match: undefined, unindexed: [], resource });
    const first = this.#search.firstWaiting;
    const unindexed =
      first === undefined
        ? []
        : unindexedWith(this.#statements, place, narrowed(range, first - 1n, undefined), terms, resource);
    const match = matchOf(owner, terms);
    return new WalkedSelection(this.#statements, place, { match, unindexed, resource });
  }

  /** Where the page lies; undefined if its position is behind the last message. */
  #placeOf(query: ArchivePageQuery, selection: ArchiveSelection, range: IdRange): IdRange | undefined {
    if (query.index === undefined) return narrowed(range, query.pageAfter, query.pageBefore);
    const first = selection.nth(range, Math.max(0, query.index));
    return first === undefined ? undefined : narrowed(range, first - 1n, query.pageBefore);
  }

  #counted(
    selection: ArchiveSelection,
    range: IdRange,
    first: bigint | undefined,
  ): { total: number; offset: number | null } {
    if (first === undefined) return { total: selection.count(range), offset: null };
    return this.count({ selection, range }, first);
  }

  #messages(ids: readonly bigint[], owner: number): ArchivedMessage[] {
    const messages: ArchivedMessage[] = [];
    for (const id of ids) {
      const message = this.#rows.get(id, owner);
      if (message !== undefined) messages.push(message);
    }
    return messages;
  }
}

function nothing({ isCounted }: ArchivePageQuery, anchor: ArchivedPage['anchor']): ArchivedPage {
  return { messages: [], total: isCounted ? 0 : null, offset: null, hasMore: false, anchor };
}
