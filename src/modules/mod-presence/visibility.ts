import type { Accumulator, C2sParams, Jid, ModuleContext, PrivacyList, VisibilityChange } from '../module.ts';
import { type PresenceState, stateOf } from './presence-state.ts';
import { presenceStanza } from './presence-text.ts';
import { inTurn, send } from './telling.ts';

/** Who sees a session when its privacy list changes. */
export class Visibility {
  readonly #context: ModuleContext;

  constructor(context: ModuleContext) {
    this.#context = context;
  }

  /**
   * The privacy list of the session has changed: whoever may not see it any more learns that it is unavailable; whom the blocking command has given
   * free sees it again (XEP-0016 §2.11, XEP-0191 §3.3, §3.4).
   */
  changed(acc: Accumulator, session: C2sParams, change: VisibilityChange): undefined | Promise<undefined> {
    const state = stateOf(this.#context, session);
    if (state?.isAvailable !== true) return undefined;
    return inTurn(state, () => this.#changed(acc, session, state, change));
  }

  async #changed(
    acc: Accumulator,
    session: C2sParams,
    state: PresenceState,
    { visibility }: VisibilityChange,
  ): Promise<undefined> {
    if (!state.isAvailable) return;
    const { before, after, shown, hidden } = visibility;
    const contacts = state.audience();
    const single = this.#resourcesOf(contacts, [...shown, ...hidden]);
    const others = [...contacts, ...single, ...state.directedJids()];
    const allowed = (list: PrivacyList): Promise<readonly Jid[]> =>
      Promise.resolve(this.#context.presenceTargets(acc, session, others, undefined, list));
    const had = before === undefined ? undefined : new Set(await allowed(before));
    const has = new Set(await allowed(after));
    if (!state.isAvailable) return;
    const lost = others.filter((jid) => !has.has(jid) && had?.has(jid) !== false);
    this.#hide(acc, session, state, lost);
    if (shown.length === 0) return;
    const free = new Set(shown);
    const found = [...contacts, ...single].filter(
      (jid) => has.has(jid) && had?.has(jid) !== true && (had !== undefined || isNamed(free, jid)),
    );
    send(this.#context, acc, session.jid!, state.last(), found);
  }

  #hide(acc: Accumulator, session: C2sParams, state: PresenceState, lost: readonly Jid[]): void {
    for (const jid of lost) state.forget(jid);
    send(this.#context, acc, session.jid!, presenceStanza('unavailable'), lost);
  }

  /** The full JIDs among `texts` that are resources of contacts. */
  #resourcesOf(contacts: readonly Jid[], texts: readonly string[]): Jid[] {
    if (texts.length === 0) return [];
    const bares = new Set(contacts.map(({ bare }) => bare));
    return texts
      .map((text) => this.#context.trustedJid(text))
      .filter((jid) => !jid.isBare && bares.has(jid.bare));
  }
}

/** Whether a JID is named itself, by its bare form or by its domain. */
function isNamed(names: ReadonlySet<string>, jid: Jid): boolean {
  return names.has(jid.full) || names.has(jid.bare) || names.has(jid.domain);
}
