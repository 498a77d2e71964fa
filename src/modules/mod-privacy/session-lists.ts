import {
  type C2sParams,
  type Jid,
  type ModuleContext,
  NO_PRIVACY_LIST,
  type PrivacyList,
  UNKNOWN_PRIVACY_LIST,
} from '../module.ts';
import type { CachedAccount, ListCache } from './list-cache.ts';

/** What a session remembers. Most have nothing to: they share one of these, {@link SessionLists.free}. */
export class SessionState {
  /** Whose it is: a module that was started anew does not know what happened before. */
  readonly owner: SessionLists;
  /** The name of the active list; undefined while the default list is in force. */
  active: string | undefined = undefined;
  /** Whether the client knows privacy lists: it has asked about them. */
  isInterested = false;
  /** The list that a handler of `privacy_updated_list` gave in place of the changed one. */
  given: PrivacyList | undefined = undefined;

  constructor(owner: SessionLists) {
    this.owner = owner;
  }
}

/** A {@link SessionState} on its way to another shard. `given`: null if there is none. */
export type SessionData = readonly [
  active: string | null,
  isInterested: boolean,
  given: PrivacyList | 'none' | 'unknown' | null,
];

/** Which list is in force in which session of this shard. */
export class SessionLists {
  readonly #context: ModuleContext;
  readonly #cache: ListCache;
  /** The state of a session without any list. To look at it is all that a stanza of such a session costs. */
  readonly free = new SessionState(this);

  constructor(context: ModuleContext, cache: ListCache) {
    this.#context = context;
    this.#cache = cache;
  }

  /** The list in force: the active one, or the default. {@link NO_PRIVACY_LIST} if there is none, the unknown list if it cannot be read. */
  inForce(session: C2sParams): PrivacyList | Promise<PrivacyList> {
    const state = session.moduleState(this.#context.slot);
    return state === this.free ? NO_PRIVACY_LIST : this.#find(session);
  }

  /** The default list of an account. */
  defaultOf(owner: Jid): PrivacyList | Promise<PrivacyList> {
    return this.#cache.get(owner, null) as PrivacyList | Promise<PrivacyList>;
  }

  /** A session's own state, as far as it has one. */
  peek(session: C2sParams): SessionState | undefined {
    const state = session.moduleState(this.#context.slot) as SessionState | undefined;
    if (state === undefined || state === this.free) return undefined;
    return state.owner === this ? state : this.#adopt(session, state);
  }

  /** The state of a session that has something to remember. */
  own(session: C2sParams): SessionState {
    const known = this.peek(session);
    if (known !== undefined) return known;
    const state = new SessionState(this);
    session.setModuleState(this.#context.slot, state);
    return state;
  }

  /** For a session that moves to another shard; undefined if it has nothing to remember. */
  encode(session: C2sParams): SessionData | undefined {
    const state = this.peek(session);
    if (state === undefined) return undefined;
    const { active, isInterested, given } = state;
    if (active === undefined && !isInterested && given === undefined) return undefined;
    return [active ?? null, isInterested, givenData(given)];
  }

  /** Of what {@link encode} made. */
  decode([active, isInterested, given]: SessionData): SessionState {
    const state = new SessionState(this);
    state.active = active ?? undefined;
    state.isInterested = isInterested;
    if (given === 'none') state.given = NO_PRIVACY_LIST;
    else if (given === 'unknown') state.given = UNKNOWN_PRIVACY_LIST;
    else if (given !== null) {
      // Plain data has null for undefined.
      const items = given.items.map((item) => ({ ...item, type: item.type ?? undefined }));
      state.given = { name: given.name, items };
    }
    return state;
  }

  /** Of what the module had before it was started anew, the choice of a list is still good. */
  #adopt(session: C2sParams, { active, isInterested }: SessionState): SessionState | undefined {
    if (active === undefined && !isInterested) {
      session.setModuleState(this.#context.slot, undefined);
      return undefined;
    }
    const state = new SessionState(this);
    state.active = active;
    state.isInterested = isInterested;
    session.setModuleState(this.#context.slot, state);
    return state;
  }

  #find(session: C2sParams): PrivacyList | Promise<PrivacyList> {
    const state = this.peek(session);
    if (state?.given !== undefined) return state.given;
    const owner = session.jid!.bareJid;
    if (state?.active !== undefined) {
      const list = this.#cache.get(owner, state.active);
      if (list instanceof Promise) return this.#afterReading(session, list);
      if (list !== null) return list;
      // It was removed.
      state.active = undefined;
    }
    const before = this.#cache.changes;
    const list = this.#context.foldHook('privacy_get_user_list', NO_PRIVACY_LIST, { jid: owner });
    if (!(list instanceof Promise)) return this.#noted(session, list);
    // What changed while it was being read may have made it another.
    return list.then((found) =>
      this.#cache.changes === before ? this.#noted(session, found) : this.#find(session),
    );
  }

  async #afterReading(session: C2sParams, reading: Promise<PrivacyList | null>): Promise<PrivacyList> {
    try {
      await reading;
    } catch (cause) {
      this.#context.log.warn(
        { err: cause, what: 'privacy_list_unknown', user: session.jid!.bare },
        'a privacy list could not be read',
      );
      return UNKNOWN_PRIVACY_LIST;
    }
    return this.#find(session);
  }

  #noted(session: C2sParams, list: PrivacyList): PrivacyList {
    if (list === NO_PRIVACY_LIST && this.peek(session) === undefined && !this.#context.isDryRun) {
      session.setModuleState(this.#context.slot, this.free);
    }
    return list;
  }

  /**
   * The lists of the session's account have changed. Returns which list was in force until now, if that is still known (`before`: what was remembered of
   * the account).
   */
  changed(session: C2sParams, before: CachedAccount | undefined): PrivacyList | undefined {
    const isFree = session.moduleState(this.#context.slot) === this.free;
    if (isFree) {
      session.setModuleState(this.#context.slot, undefined);
      return NO_PRIVACY_LIST;
    }
    const state = this.peek(session);
    const old =
      state?.given ?? (state?.active === undefined ? before?.default : before?.named?.get(state.active));
    if (state !== undefined) state.given = undefined;
    return old ?? undefined;
  }
}

function givenData(given: PrivacyList | undefined): SessionData[2] {
  if (given === NO_PRIVACY_LIST) return 'none';
  if (given === UNKNOWN_PRIVACY_LIST) return 'unknown';
  return given === undefined ? null : { name: given.name, items: given.items };
}
