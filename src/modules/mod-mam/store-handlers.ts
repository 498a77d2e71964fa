import {
  type ArchivedMessage,
  type ArchivePageQuery,
  type ArchiveQuery,
  type ArchiveResult,
  type ArchiveRow,
  forwardedMessage,
  type Jid,
  type ModuleContext,
  type PersonalRow,
  Stanza,
  StanzaKind,
  StoreUnavailableError,
  searchWords,
  stableIdText,
} from '../module.ts';
import type { ArchiveDamage } from './archive-damage.ts';
import { EXPORT_BATCH, PAGE_BYTES_MAX, PAGE_SMALL, SEARCH_WORDS_MAX } from './limits.ts';

/** What the store says to the hooks of archives. */
export class StoreHandlers {
  readonly #context: ModuleContext;
  readonly #damage: ArchiveDamage;

  constructor(context: ModuleContext, damage: ArchiveDamage) {
    this.#context = context;
    this.#damage = damage;
  }

  /** `mam_lookup_messages`. */
  lookUp(query: ArchiveQuery): Promise<ArchiveResult> {
    const { messageId, ownerJid } = query;
    if (messageId !== undefined) return this.lookUpSome(ownerJid, [messageId]);
    return this.#orUnavailable(ownerJid, this.#page(query));
  }

  /** The messages of these ids; a failure if one is missing. */
  lookUpSome(owner: Jid, ids: readonly bigint[]): Promise<ArchiveResult> {
    return this.#orUnavailable(owner, this.#some(owner.bare, [...new Set(ids)]));
  }

  async #orUnavailable(owner: Jid, result: Promise<ArchiveResult>): Promise<ArchiveResult> {
    try {
      return await result;
    } catch (cause) {
      if (!(cause instanceof StoreUnavailableError)) throw cause;
      this.#context.log.warn(
        { err: cause, what: 'mam_lookup_failed', user: owner.bare },
        'the archive is silent',
      );
      return { error: 'unavailable' };
    }
  }

  async #some(owner: string, ids: readonly bigint[]): Promise<ArchiveResult> {
    const found = await this.#context.store.request('archive_get', owner, ids);
    if (found.length < ids.length) return { error: 'item-not-found' };
    return { total: found.length, offset: 0, rows: found.map((message) => this.#row(message)) };
  }

  async #page(query: ArchiveQuery): Promise<ArchiveResult> {
    const asked = pageQueryOf(query);
    const page = await this.#ask(asked);
    if (page.anchor === 'unknown') return { error: 'item-not-found' };
    const messages = fitting(page.messages, asked.isBackward);
    const skipped = asked.isBackward ? page.messages.length - messages.length : 0;
    return {
      total: page.total ?? undefined,
      offset: page.offset === null ? undefined : page.offset + skipped,
      rows: messages.map((message) => this.#row(message)),
      hasMore: page.hasMore || messages.length < page.messages.length,
    };
  }

  /** Long messages may not fit into one answer: then fewer must do. */
  async #ask(query: ArchivePageQuery) {
    try {
      return await this.#context.store.request('archive_page', query);
    } catch (cause) {
      if (query.limit <= PAGE_SMALL) throw cause;
      return await this.#context.store.request('archive_page', { ...query, limit: PAGE_SMALL });
    }
  }

  #row(message: ArchivedMessage): ArchiveRow {
    const { id, from, to } = message;
    const sourceJid = this.#context.trustedJid(from);
    const addresses = ` from='${sourceJid.wire}' to='${this.#context.trustedJid(to).wire}'`;
    const bytes = forwardedMessage(this.#damage.readable(message), addresses);
    return {
      id,
      sourceJid,
      packet: Stanza.ofBytes(StanzaKind.MESSAGE, undefined, bytes, 0, bytes.length).own(),
    };
  }

  /** `get_mam_pm_gdpr_data`: id, sender and message of those that come behind one; none if there are no more. */
  async personalData(owner: string, after: bigint): Promise<PersonalRow[]> {
    const found = await this.#context.store.request('archive_export', owner, after, EXPORT_BATCH);
    return found.map((message) => [
      stableIdText(message.id),
      message.from,
      this.#row(message).packet.toBuffer('', '').toString(),
    ]);
  }
}

function pageQueryOf(query: ArchiveQuery): ArchivePageQuery {
  const { borders, rsm, startTs, endTs, now, withJid, searchText, isSimple, includeGroupchat, pageSize } =
    query;
  const isBackward = rsm?.direction === 'before';
  return {
    owner: query.ownerJid.bare,
    afterId: borders?.afterId,
    beforeId: borders?.beforeId,
    fromId: borders?.fromId,
    toId: borders?.toId,
    start: startTs,
    end: endTs,
    until: now,
    with:
      withJid === undefined
        ? undefined
        : { bare: withJid.bare, resource: withJid.isBare ? undefined : withJid.resource },
    words: searchText === undefined ? undefined : searchWords(searchText, SEARCH_WORDS_MAX),
    includeGroupchat,
    pageAfter: rsm?.direction === 'after' ? rsm.id : undefined,
    pageBefore: isBackward ? rsm.id : undefined,
    isBackward,
    index: rsm?.index,
    limit: pageSize,
    isCounted: !isSimple,
  };
}

/** As many messages as may go out at once: at least one, and of a page that goes backwards the last ones. */
function fitting(messages: readonly ArchivedMessage[], isBackward: boolean): readonly ArchivedMessage[] {
  const ordered = isBackward ? messages.toReversed() : messages;
  let bytes = 0;
  const end = ordered.findIndex(({ packet }, i) => {
    bytes += packet.length;
    return i > 0 && bytes > PAGE_BYTES_MAX;
  });
  if (end < 0) return messages;
  return isBackward ? messages.slice(messages.length - end) : messages.slice(0, end);
}
