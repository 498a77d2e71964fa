import {
  type ArchivePageRequest,
  type ArchiveQuery,
  type ArchiveResult,
  type ArchiveRow,
  type Element,
  escapeValue,
  type IqAnswer,
  type IqRequest,
  type ModuleContext,
  StanzaError,
} from '../module.ts';
import type { Backlog } from './backlog.ts';
import { SETTLE_MS_MAX } from './limits.ts';
import type { PmOptions } from './options.ts';
import { parseQuery, type Query } from './query.ts';
import { type Answer, finOf, metadataOf, ResultWriter } from './results.ts';
import type { StoreHandlers } from './store-handlers.ts';
import type { ArchiveWriter } from './writer.ts';

const EMPTY: ArchiveResult = { total: 0, offset: 0, rows: [] };

export interface LookupParts {
  readonly writer: ArchiveWriter;
  readonly backlog: Backlog;
  readonly store: StoreHandlers;
}

/** Answers queries to archives (XEP-0313 §4, §5). */
export class Lookups {
  readonly #context: ModuleContext;
  readonly #options: PmOptions;
  readonly #writer: ArchiveWriter;
  readonly #backlog: Backlog;
  readonly #store: StoreHandlers;

  constructor(context: ModuleContext, options: PmOptions, { writer, backlog, store }: LookupParts) {
    this.#context = context;
    this.#options = options;
    this.#backlog = backlog;
    this.#writer = writer;
    this.#store = store;
  }

  /** Sends the messages that a query asks for, and gives what ends them. */
  async query(request: IqRequest): Promise<IqAnswer> {
    const query = parseQuery(request.payload, this.#options);
    const now = await this.#settled(request);
    const answer =
      query.ids === undefined
        ? await this.#page(request, query, now)
        : await this.#byIds(request, query.ids, now);
    this.#beComplete();
    this.#send(request, query, answer);
    this.#context.count('lookups');
    return finOf(query.ns, answer);
  }

  /** First and last message of an archive. */
  async metadata(request: IqRequest): Promise<Element> {
    const now = await this.#settled(request);
    const end = async (direction: 'after' | 'before'): Promise<ArchiveRow | undefined> => {
      const page = { direction, id: undefined, index: undefined, max: 1 };
      const found = await this.#lookUp({
        ...this.#queryOf(request, now),
        rsm: page,
        pageSize: 1,
        limitPassed: true,
        isSimple: true,
      });
      return found.rows[0];
    };
    const [first, last] = await Promise.all([end('after'), end('before')]);
    this.#beComplete();
    return metadataOf(request.payload.ns, first, last);
  }

  /**
   * A client sees what it has sent and received before: the store is asked behind all of it. Returns the time of the query: what is younger is left out, because others of the
   * same time may be on their way.
   */
  async #settled({ to }: IqRequest): Promise<number> {
    const now = this.#context.timestamp();
    await this.#backlog.sync(to.bare, now);
    this.#writer.flush();
    if (!this.#writer.kept.isBehind) return now;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#context.after(SETTLE_MS_MAX, resolve);
    await Promise.race([this.#writer.settled(), promise]);
    cancel();
    return now;
  }

  /** What came before the query may have failed: then the answer lacks it, and would be taken for everything. */
  #beComplete(): void {
    if (this.#writer.kept.isBehind || this.#backlog.isAnyBehind) {
      throw new StanzaError('service-unavailable', 'Messages wait to be archived', { type: 'wait' });
    }
  }

  async #page(request: IqRequest, query: Query, now: number): Promise<Answer> {
    const { default_result_limit, max_result_limit } = this.#options;
    const { max } = query;
    const wanted = Math.min(max ?? default_result_limit, max_result_limit);
    // Who says nothing of a page wants everything: he must know that he does not get it.
    const pageSize = max === undefined ? max_result_limit + 1 : Math.max(1, wanted);
    const found = await this.#lookUp({
      ...this.#queryOf(request, now),
      borders: query.borders,
      startTs: query.start,
      endTs: query.end,
      withJid: query.with,
      searchText: query.searchText,
      includeGroupchat: query.includeGroupchat,
      rsm: query.page,
      pageSize,
      limitPassed: max !== undefined,
      isSimple: query.isSimple,
    });
    if (max === undefined && found.rows.length > max_result_limit) {
      throw new StanzaError('policy-violation', 'Too many results');
    }
    return answerOf(found, query.page, wanted, pageSize);
  }

  async #byIds(request: IqRequest, ids: readonly bigint[], now: number): Promise<Answer> {
    if (ids.length > this.#options.max_result_limit)
      throw new StanzaError('policy-violation', 'Too many ids');
    const rows = await this.#rowsOf(request, ids, now);
    return { rows, total: rows.length, offset: 0, isComplete: true };
  }

  /** Runs `mam_lookup_messages` for each; asks the store once for all where nobody else answers that. */
  async #rowsOf(request: IqRequest, ids: readonly bigint[], now: number): Promise<readonly ArchiveRow[]> {
    if (!this.#context.hasOtherHandlers('mam_lookup_messages')) {
      return orThrow(await this.#store.lookUpSome(request.to.bareJid, ids)).rows;
    }
    const rows: ArchiveRow[] = [];
    for (const messageId of new Set(ids)) {
      const query = { ...this.#queryOf(request, now), messageId, pageSize: 1, limitPassed: true };
      const found = await this.#lookUp(query);
      if (found.rows.length === 0) throw new StanzaError('item-not-found');
      rows.push(...found.rows);
    }
    return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async #lookUp(query: ArchiveQuery): Promise<Exclude<ArchiveResult, { error: string }>> {
    return orThrow(await this.#context.foldHook('mam_lookup_messages', EMPTY, query));
  }

  /** A query for everything. */
  #queryOf({ to }: IqRequest, now: number): ArchiveQuery {
    const ownerJid = to.bareJid;
    return {
      archiveId: undefined,
      ownerJid,
      borders: undefined,
      rsm: undefined,
      startTs: undefined,
      endTs: undefined,
      now,
      withJid: undefined,
      searchText: undefined,
      pageSize: this.#options.default_result_limit,
      limitPassed: false,
      maxResultLimit: this.#options.max_result_limit,
      isSimple: false,
      includeGroupchat: true,
      messageId: undefined,
    };
  }

  /** Straight to the session that has asked; through the router to one that is not of this shard. */
  #send({ acc, from, to }: IqRequest, { ns, queryId, isFlipped }: Query, { rows }: Answer): void {
    const archive = to.bareJid;
    const writer = new ResultWriter(
      archive,
      from,
      ns,
      queryId === undefined ? undefined : escapeWire(queryId),
    );
    const session = this.#context.session(from);
    for (const row of isFlipped ? rows.toReversed() : rows) {
      const result = acc.derive(writer.write(row), archive, from);
      if (session === undefined) void this.#context.route(result);
      else session.flush(result);
    }
    this.#context.count('messages_returned', rows.length);
  }
}

function answerOf(
  { rows, total, offset, hasMore }: Exclude<ArchiveResult, { error: string }>,
  page: ArchivePageRequest | undefined,
  wanted: number,
  pageSize: number,
): Answer {
  const isBackward = page?.direction === 'before';
  if (wanted === 0) return { rows: [], total, offset: undefined, isComplete: total === 0 };
  const isCut = rows.length > wanted;
  const kept = !isCut ? rows : isBackward ? rows.slice(-wanted) : rows.slice(0, wanted);
  const first = isCut && isBackward && offset !== undefined ? offset + rows.length - wanted : offset;
  return { rows: kept, total, offset: first, isComplete: !isCut && !(hasMore ?? hasMoreThan()) };

  function hasMoreThan(): boolean {
    if (total === undefined || offset === undefined) return rows.length >= pageSize;
    return isBackward ? offset > 0 : offset + rows.length < total;
  }
}

function orThrow(result: ArchiveResult): Exclude<ArchiveResult, { error: string }> {
  if (!('error' in result)) return result;
  switch (result.error) {
    case 'item-not-found':
      throw new StanzaError('item-not-found');
    case 'unavailable':
      throw new StanzaError('service-unavailable', 'The archive does not answer');
    default:
      throw new StanzaError('internal-server-error');
  }
}

/** For an attribute, in one character a byte. */
function escapeWire(text: string): string {
  const escaped = Buffer.from(escapeValue(text));
  return escaped.latin1Slice(0, escaped.length);
}
