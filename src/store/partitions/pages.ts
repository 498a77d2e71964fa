import type { ArchivedMessage, ArchivedPage, ArchivePageQuery } from '../operations/archive.ts';
import type { ArchivePart } from '../operations/archive-parts.ts';
import { askAll, type Part, type Parts } from './parts.ts';
import { messageAt, sumOf } from './positions.ts';

/** Of messages that are younger, earlier ones may be on their way to another partition. */
const RECENT_MS = 60_000;
/** How often it is looked whether such have come, and how often a page is put together anew because messages of it have gone. */
const LOOKS_MAX = 5;
const TRIES_MAX = 3;

/** A page, without its messages. */
interface Outline {
  readonly ids: readonly bigint[];
  readonly total: number | null;
  readonly offset: number | null;
  readonly hasMore: boolean;
  readonly found: ReadonlySet<bigint>;
  /** One of the partitions has messages of a time that is still to come. */
  readonly isAhead: boolean;
  /** By partition, what of the page it has. */
  readonly shares: readonly (readonly bigint[])[];
}

/**
 * Pages of archives that are in several partitions. What was said with one peer is in one of them, which answers alone. Of everything, each partition first tells which of its
 * messages could be on the page; then those that are, are fetched.
 */
export class PartitionedPages {
  readonly #parts: Parts;
  readonly #nowMs: () => number;

  /** `nowMs`: the time, as ids of messages have it. */
  constructor(parts: Parts, nowMs: () => number = Date.now) {
    this.#parts = parts;
    this.#nowMs = nowMs;
  }

  /** See `archive_page`. */
  async page(query: ArchivePageQuery): Promise<ArchivedPage> {
    if (query.with === undefined) return await this.#merged(this.#parts.all, query);
    const home = this.#parts.homeOf(query.owner, query.with.bare);
    if (home.length > 1) return await this.#merged(home, query);
    const page = await home[0]!.request('archive_page', query);
    // A message that the query names may be one to somebody else.
    return page.anchor === 'known' ? page : await this.#merged(home, query);
  }

  /** See `archive_export`. */
  async export(owner: string, afterId: bigint, limit: number): Promise<ArchivedMessage[]> {
    const query: ArchivePageQuery = {
      owner,
      pageAfter: afterId,
      limit,
      includeGroupchat: true,
      isBackward: false,
      isCounted: false,
    };
    const { all } = this.#parts;
    return await this.#messages(all, owner, await this.#outline(all, query));
  }

  /** The messages of a page, from some partitions. */
  async #merged(parts: readonly Part[], asked: ArchivePageQuery): Promise<ArchivedPage> {
    for (let tries = 1; ; tries++) {
      const query = asked.index === undefined ? asked : await this.#placed(parts, asked);
      const outline = await this.#outline(parts, query);
      // What one of them does not leave out, none does.
      if (outline.isAhead && asked.until !== undefined)
        return await this.#merged(parts, { ...asked, until: undefined });
      const { total, offset, hasMore, ids } = outline;
      if (!(await this.#areKnown(asked, parts, outline.found))) return nothing(asked, 'unknown');
      const messages = await this.#messages(parts, asked.owner, outline);
      if (messages.length === ids.length || tries === TRIES_MAX)
        return { messages, total, offset, hasMore, anchor: 'known' };
    }
  }

  /** A query for a position as one for what lies behind a message. */
  async #placed(parts: readonly Part[], query: ArchivePageQuery): Promise<ArchivePageQuery> {
    const first = await messageAt(parts, query, Math.max(0, query.index!));
    // Behind the last message there is nothing.
    return first === undefined
      ? { ...query, index: undefined, limit: 0, pageAfter: ID_MAX }
      : { ...query, index: undefined, pageAfter: first - 1n };
  }

  /**
   * Which messages are on the page. What one shard has written to one partition and then to another may be seen there and not here: so recent pages are looked at
   * again, behind what was seen, until nothing more comes before it.
   */
  async #outline(parts: readonly Part[], query: ArchivePageQuery): Promise<Outline> {
    const first = outlineOf(await askAll(parts, 'archive_part_page', query), query);
    const newest = first.ids.at(-1);
    if (newest === undefined || parts.length === 1 || !this.#isRecent(newest)) return first;
    const toId = query.toId === undefined || query.toId > newest ? newest : query.toId;
    let last = first;
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      const next = outlineOf(await askAll(parts, 'archive_part_page', { ...query, toId }), query);
      const isSame = next.ids.length === last.ids.length && next.ids.every((id, i) => id === last.ids[i]);
      last = next;
      if (isSame) break;
    }
    return { ...last, total: first.total, hasMore: first.hasMore || last.hasMore, found: first.found };
  }

  #isRecent(id: bigint): boolean {
    return Number(id >> 8n) / 1_000 > this.#nowMs() - RECENT_MS;
  }

  /** Whether the archive has the messages that a query names, wherever they are (XEP-0313 §4.1.4, §4.3). */
  async #areKnown(
    { owner, pageAfter, pageBefore, afterId, beforeId }: ArchivePageQuery,
    asked: readonly Part[],
    found: ReadonlySet<bigint>,
  ): Promise<boolean> {
    const missing = new Set<bigint>();
    for (const id of [pageAfter, pageBefore, afterId, beforeId])
      if (id !== undefined && id !== null && !found.has(id)) missing.add(id);
    if (missing.size === 0) return true;
    // A position took the place of one of them in what was asked.
    const others = this.#parts.all.filter((part) => !asked.includes(part) || missing.has(pageAfter!));
    const elsewhere = await askAll(others, 'archive_get', owner, [...missing]);
    for (const { id } of elsewhere.flat()) missing.delete(id);
    return missing.size === 0;
  }

  async #messages(parts: readonly Part[], owner: string, { shares }: Outline): Promise<ArchivedMessage[]> {
    const fetched = await Promise.all(
      parts.map((part, i) => (shares[i]!.length === 0 ? [] : part.request('archive_get', owner, shares[i]!))),
    );
    return merged(fetched);
  }
}

const ID_MAX = (1n << 63n) - 1n;

/** Messages of several partitions in the order of time. */
export function merged(lists: readonly (readonly ArchivedMessage[])[]): ArchivedMessage[] {
  return lists.flat().sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

function outlineOf(answers: readonly ArchivePart[], query: ArchivePageQuery): Outline {
  const { isBackward, limit, isCounted } = query;
  const candidates = answers.flatMap(({ ids }, part) => ids.map((id) => ({ id, part })));
  candidates.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const surplus = Math.max(0, candidates.length - limit);
  const kept = isBackward ? candidates.slice(surplus) : candidates.slice(0, limit);
  const first = kept[0];
  const before = answers.map((one) => one.before! + one.ids.filter((id) => id < first!.id).length);
  return {
    ids: kept.map(({ id }) => id),
    total: isCounted ? sumOf(answers.map((one) => one.total!)) : null,
    offset: isCounted && first !== undefined ? sumOf(before) : null,
    hasMore: surplus > 0 || answers.some(({ hasMore }) => hasMore),
    found: new Set(answers.flatMap(({ found }) => found)),
    isAhead: answers.some(({ isAhead }) => isAhead),
    shares: answers.map((_answer, i) => kept.filter(({ part }) => part === i).map(({ id }) => id)),
  };
}

function nothing({ isCounted }: ArchivePageQuery, anchor: ArchivedPage['anchor']): ArchivedPage {
  return { messages: [], total: isCounted ? 0 : null, offset: null, hasMore: false, anchor };
}
