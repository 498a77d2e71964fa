import type { ArchiveFilter, ArchivePageQuery } from '../operations/archive.ts';

/** A query as it was before it crossed threads: what is undefined arrives as null. */
export function queryOf(query: ArchivePageQuery): ArchivePageQuery {
  return {
    ...query,
    ...filterOf(query),
    pageAfter: query.pageAfter ?? undefined,
    pageBefore: query.pageBefore ?? undefined,
    index: query.index ?? undefined,
  };
}

/** The same for what it filters by. */
export function filterOf(filter: ArchiveFilter): ArchiveFilter {
  return {
    ...filter,
    afterId: filter.afterId ?? undefined,
    beforeId: filter.beforeId ?? undefined,
    fromId: filter.fromId ?? undefined,
    toId: filter.toId ?? undefined,
    start: filter.start ?? undefined,
    end: filter.end ?? undefined,
    until: filter.until ?? undefined,
    with: withOf(filter.with),
    words: filter.words ?? undefined,
  };
}

function withOf(peer: ArchivePageQuery['with'] | null): ArchivePageQuery['with'] {
  return peer === null || peer === undefined
    ? undefined
    : { bare: peer.bare, resource: peer.resource ?? undefined };
}
