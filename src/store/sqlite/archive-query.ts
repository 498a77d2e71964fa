import type { ArchivePageQuery } from '../operations/archive.ts';

/** A query as it was before it crossed threads: what is undefined arrives as null. */
export function queryOf(query: ArchivePageQuery): ArchivePageQuery {
  return {
    ...query,
    afterId: query.afterId ?? undefined,
    beforeId: query.beforeId ?? undefined,
    fromId: query.fromId ?? undefined,
    toId: query.toId ?? undefined,
    start: query.start ?? undefined,
    end: query.end ?? undefined,
    with: withOf(query.with),
    words: query.words ?? undefined,
    pageAfter: query.pageAfter ?? undefined,
    pageBefore: query.pageBefore ?? undefined,
    index: query.index ?? undefined,
    until: query.until ?? undefined,
  };
}

function withOf(peer: ArchivePageQuery['with'] | null): ArchivePageQuery['with'] {
  return peer === null || peer === undefined
    ? undefined
    : { bare: peer.bare, resource: peer.resource ?? undefined };
}
