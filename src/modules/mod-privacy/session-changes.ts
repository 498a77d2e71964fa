import {
  type Accumulator,
  type C2sParams,
  Element,
  type ModuleContext,
  NS_PRIVACY,
  type PrivacyList,
  type VisibilityChange,
} from '../module.ts';
import type { ListsChanged } from './change.ts';
import type { CachedAccount, ListCache } from './list-cache.ts';
import { pushTo } from './requests.ts';
import type { SessionLists } from './session-lists.ts';

/** A change, as the sessions of one shard are told of it. */
export interface ChangeEvent {
  readonly change: ListsChanged;
  /** Whether the blocking command made it. */
  readonly isCommand: boolean;
  /** Who tells. The session may have gone to another shard meanwhile. */
  readonly shard: number;
  /** What that shard remembered of the account until then. */
  readonly before: CachedAccount | undefined;
}

/** What a change of lists means for the sessions of this shard. */
export class SessionChanges {
  readonly #context: ModuleContext;
  readonly #cache: ListCache;
  readonly #lists: SessionLists;

  constructor(context: ModuleContext, cache: ListCache, lists: SessionLists) {
    this.#context = context;
    this.#cache = cache;
    this.#lists = lists;
  }

  /** An account's lists have changed, says some shard. From here on nothing of this shard goes by what they were. */
  heard(change: ListsChanged, isCommand: boolean): void {
    const { bare } = change;
    const before = this.#cache.peek(bare);
    this.#cache.forget(bare);
    const owner = this.#context.jid(bare);
    if (owner === undefined) return;
    const own = this.#context.shard;
    const event: ChangeEvent = { change, isCommand, shard: own, before };
    this.#context.sendEvent(owner, event, ({ shard }) => shard === own);
  }

  /** A session of the account is told (`foreign_event`). */
  told(acc: Accumulator, session: C2sParams, { change, isCommand, shard, before }: ChangeEvent): void {
    // What another shard remembered is none of the lists that are remembered here.
    const old = this.#lists.changed(session, shard === this.#context.shard ? before : undefined);
    const isInterested = !isCommand || this.#lists.peek(session)?.isInterested === true;
    if (change.list !== undefined && isInterested) {
      this.#context.count('push_item');
      // XEP-0016 §2.2, rule 10: the name alone.
      const list = Element.of('list', NS_PRIVACY, { name: change.list });
      const push = pushTo(this.#context, session, Element.of('query', NS_PRIVACY, {}, list));
      acc.addAction({ kind: 'route', acc: push });
    }
    void this.#adapt(session, old, change.list, isCommand ? change : undefined);
  }

  /** The session has chosen another list for itself. */
  activated(session: C2sParams, before: PrivacyList): void {
    void this.#adapt(session, before, undefined, undefined);
  }

  /** Never rejects. */
  async #adapt(
    session: C2sParams,
    before: PrivacyList | undefined,
    changed: string | undefined,
    command: ListsChanged | undefined,
  ): Promise<void> {
    try {
      let after = await this.#lists.inForce(session);
      if (session.state === 'closed') return;
      if (changed !== undefined) after = await this.#updated(session, before, after, changed);
      if (before === after) return;
      const visibility = {
        before,
        after,
        shown: command?.unblocked ?? [],
        hidden: command?.blocked ?? [],
      };
      const event: VisibilityChange = { visibility };
      const { jid, sid } = session;
      this.#context.sendEvent(jid!.bareJid, event, ({ shard, number }) => {
        return shard === sid!.shard && number === sid!.number;
      });
    } catch (cause) {
      this.#context.log.warn(
        { err: cause, what: 'privacy_change_failed', user: session.jid!.bare },
        'contacts were not told of a changed privacy list',
      );
    }
  }

  /** Runs `privacy_updated_list`: a handler may put another list into force. */
  async #updated(
    session: C2sParams,
    before: PrivacyList | undefined,
    after: PrivacyList,
    changed: string,
  ): Promise<PrivacyList> {
    const newList = after.name === changed ? after : await this.#changedList(session, changed);
    if (newList === null) return after;
    const params = { oldList: before ?? after, newList };
    const list = await this.#context.foldHook('privacy_updated_list', false, params);
    if (list === false || list === newList) return after;
    this.#lists.own(session).given = list;
    return list;
  }

  /** The changed list, for handlers of others; our own only compares names. */
  async #changedList(session: C2sParams, name: string): Promise<PrivacyList | null> {
    if (!this.#context.hasOtherHandlers('privacy_updated_list')) return null;
    return await this.#cache.get(session.jid!.bareJid, name);
  }
}
