import type { ArchiveFilter, ArchivePageQuery } from '../operations/archive.ts';
import type { ArchiveMarks, ArchivePart } from '../operations/archive-parts.ts';
import { narrowed } from './archive-ids.ts';
import type { ArchivePages } from './archive-pages.ts';
import { filterOf, queryOf } from './archive-query.ts';
import type { Sqlite } from './database.ts';

/** What a partition says of the part of an archive that it has (`operations/archive-parts.ts`). */
export class ArchiveParts {
  readonly #pages: ArchivePages;
  readonly #users;

  constructor(db: Sqlite, pages: ArchivePages) {
    this.#pages = pages;
    this.#users = db
      .prepare<[string, string, number], string>(
        'SELECT user_name FROM mam_jid WHERE server = ? AND user_name >= ? ORDER BY user_name LIMIT ?',
      )
      .pluck(true);
  }

  /** See `archive_part_page`. */
  page(asked: ArchivePageQuery): ArchivePart {
    const query = queryOf(asked);
    const { pageAfter, pageBefore, afterId, beforeId, isBackward, isCounted, limit, until } = query;
    const anchors = [pageAfter, pageBefore, afterId, beforeId].filter((id) => id !== undefined);
    const found = this.#pages.known(query.owner, anchors);
    const meant = this.#pages.resolve(query);
    const isAhead = this.#pages.isAhead(until);
    const none = isCounted ? 0 : null;
    if (meant === undefined) return { ids: [], total: none, before: none, hasMore: false, found, isAhead };
    const { selection, range } = meant;
    const place = narrowed(range, pageAfter, pageBefore);
    const ids = selection.ids(place, isBackward, limit + 1);
    const hasMore = ids.length > limit;
    if (hasMore) ids.pop();
    if (isBackward) ids.reverse();
    if (!isCounted) return { ids, total: null, before: null, hasMore, found, isAhead };
    // Of a place with its ends in the wrong order nobody asks how much comes before it.
    const start = ids[0] ?? (place.low > place.high ? range.low : place.low);
    const { total, offset } = this.#pages.count(meant, start < range.low ? range.low : start);
    return { ids, total, before: offset, hasMore, found, isAhead };
  }

  /** See `archive_part_marks`. */
  marks(filter: ArchiveFilter, low: bigint, high: bigint, most: number): ArchiveMarks {
    const meant = this.#pages.resolve(filterOf(filter));
    if (meant === undefined) return { skipped: 0, total: 0, step: 1, ids: [] };
    const { selection, range } = meant;
    const window = narrowed(range, low - 1n, high + 1n);
    const total = selection.count(window);
    const step = Math.max(1, Math.ceil(total / Math.max(1, most)));
    const ids: bigint[] = [];
    let rest = window;
    for (let at = 0; at < total; at += step) {
      const id = selection.nth(rest, at === 0 ? 0 : step - 1);
      if (id === undefined) break;
      ids.push(id);
      rest = narrowed(window, id, undefined);
    }
    return { skipped: selection.count(narrowed(range, undefined, low)), total, step, ids };
  }

  /** See `archive_part_owners`. */
  owners(domain: string, from: string, limit: number): [username: string, size: number][] {
    return this.#users.all(domain, from, limit).map((username) => {
      return [username, this.#pages.size(username === '' ? domain : `${username}@${domain}`)];
    });
  }
}
