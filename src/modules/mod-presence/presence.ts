import {
  type Accumulator,
  type C2sParams,
  delayXml,
  type Jid,
  type ModuleContext,
  type PrivacyList,
  STOP,
  type Stanza,
  StanzaError,
  type Subscription,
  type SubscriptionType,
  type Verdict,
  type VisibilityChange,
} from '../module.ts';
import type { LostSessions } from './lost-sessions.ts';
import { type PresenceData, PresenceState } from './presence-state.ts';
import {
  isKnownType,
  presenceStanza,
  priorityOf,
  statusFor,
  statusOf,
  subscriptionLists,
} from './presence-text.ts';

/** What the roster module tells a session about a contact whose subscription changed. */
interface RosterChange {
  readonly jid: string;
  readonly subscription: Subscription | 'remove';
}

/** Asks the session of this full JID to announce itself once more. */
interface AnnounceAgain {
  readonly again: string;
}

/** What a session is told by an event. */
export type SessionEvent = RosterChange | AnnounceAgain | VisibilityChange;

/** The presence of the sessions of one shard. */
export class Presence {
  readonly #context: ModuleContext;
  readonly #lost: LostSessions;

  constructor(context: ModuleContext, lost: LostSessions) {
    this.#context = context;
    this.#lost = lost;
  }

  /** The state of a session that has come from another shard. */
  moved(data: PresenceData, session: C2sParams): PresenceState {
    const state = PresenceState.fromData(data, (full) => this.#context.trustedJid(full));
    for (const sender of data.heard) this.#lost.heard(sender, session, state);
    return state;
  }

  #state(session: C2sParams): PresenceState | undefined {
    return session.moduleState(this.#context.slot) as PresenceState | undefined;
  }

  #stateFor(session: C2sParams): PresenceState {
    const known = this.#state(session);
    if (known !== undefined) return known;
    const state = new PresenceState();
    session.setModuleState(this.#context.slot, state);
    return state;
  }

  // ── from our client ────────────────────────────────────────────────────────────────────────────────────────

  /** Presence from our client (`user_send_presence`). It is routed here; the session itself routes none. */
  send(acc: Accumulator, session: C2sParams): Verdict | Promise<Verdict> {
    const { type } = acc.stanza!;
    if (!isKnownType(type)) return this.#refuse(acc);
    if (acc.to.full !== session.jid!.bare) return this.#directed(acc, session);
    switch (type) {
      case undefined:
      case 'available':
        return this.#available(acc, session);
      case 'unavailable':
        return this.#unavailable(acc, session);
      default:
        // Subscribing to oneself, probing oneself: nothing to do.
        return undefined;
    }
  }

  #refuse(acc: Accumulator): typeof STOP {
    const reply = acc.errorReply(new StanzaError('bad-request', 'Invalid presence type'));
    if (reply !== undefined) this.#route(reply);
    return STOP;
  }

  #available(acc: Accumulator, session: C2sParams): undefined | Promise<undefined> {
    const jid = session.jid!.bareJid;
    const verdict = this.#context.runHook('roster_get_subscription_lists', acc, { jid });
    if (!(verdict instanceof Promise)) return this.#availableTo(acc, session);
    return verdict.then(() => this.#availableTo(acc, session));
  }

  #availableTo(acc: Accumulator, session: C2sParams): undefined | Promise<undefined> {
    const { from, to, pending } = subscriptionLists(acc);
    const stanza = acc.stanza!;
    const own = session.jid!;
    const state = this.#stateFor(session);
    const wasAvailable = state.isAvailable;
    const before = state.priority;
    const priority = priorityOf(stanza);
    state.becomeAvailable(stanza, acc.timestamp, priority, from, to);
    this.#context.setPresence(session, acc, priority, stanza);
    if (!wasAvailable) void this.#context.runHook('user_available', acc, { jid: own });
    if (priority >= 0 && (before === undefined || before < 0)) {
      this.#context.resendOffline(session, acc.derive(stanza, own, own.bareJid));
    }
    for (const request of pending) this.#showRequest(acc, own, request);
    const asking = wasAvailable ? undefined : this.#ask(acc, session, to);
    // The first presence and every change go to the same: contacts that may see us, and the own resources (RFC 6121 §4.2.2, §4.4.2).
    const telling = this.#sendTo(acc, session, stanza, [...state.contacts(), own.bareJid]);
    if (asking === undefined) return telling;
    return asking.then(() => telling);
  }

  /** Sends presence to those of `targets` whom the privacy list in force lets have it. */
  #sendTo(
    acc: Accumulator,
    own: C2sParams | Jid,
    stanza: Stanza,
    targets: readonly Jid[],
  ): undefined | Promise<undefined> {
    const from = 'jid' in own ? own.jid! : own;
    const allowed = this.#context.presenceTargets(acc, own, targets, stanza.type);
    if (allowed instanceof Promise) return allowed.then((found) => this.#routeAll(acc, from, stanza, found));
    return this.#routeAll(acc, from, stanza, allowed);
  }

  #routeAll(acc: Accumulator, from: Jid, stanza: Stanza, targets: readonly Jid[]): undefined {
    for (const target of targets) this.#route(acc.derive(stanza, from, target));
  }

  /** Asks those whose presence we see (RFC 6121 §4.3.1), and the own resources. */
  #ask(acc: Accumulator, session: C2sParams, contacts: readonly Jid[]): undefined | Promise<undefined> {
    const own = session.jid!.bareJid;
    // Nobody needs to be asked when there is no other resource.
    const asked = this.#context.sessions(own).length > 1 ? [...contacts, own] : contacts;
    return this.#sendTo(acc, session, presenceStanza('probe'), asked);
  }

  /** A subscription request that the user has not answered is shown to this resource (RFC 6121 §3.1.3). */
  #showRequest(acc: Accumulator, own: Jid, request: Stanza): void {
    const requester = this.#context.jid(request.attribute('from') ?? '');
    if (requester === undefined) return;
    acc.addAction({ kind: 'route', acc: acc.derive(request, requester.bareJid, own.bareJid) });
  }

  /** No longer available: everybody who was told is told (RFC 6121 §4.5.2, §4.6.3). */
  #unavailable(acc: Accumulator, session: C2sParams): undefined | Promise<undefined> {
    const state = this.#state(session);
    if (state === undefined) return undefined;
    const stanza = acc.stanza!;
    const own = session.jid!;
    const { isAvailable } = state;
    const told = [...state.contacts(), ...state.directedJids()];
    if (isAvailable) this.#context.unsetPresence(session, acc, statusOf(stanza));
    state.becomeUnavailable();
    // The session itself is not available any more, but it is told, too (RFC 6121 §4.5.2).
    if (isAvailable) told.push(own.bareJid, own);
    return this.#sendTo(acc, session, stanza, told);
  }

  /** Presence with an address: to somebody in particular (RFC 6121 §4.6), or about subscriptions (§3). */
  #directed(acc: Accumulator, session: C2sParams): undefined | Promise<undefined> {
    const { type } = acc.stanza!;
    const from = session.jid!;
    switch (type) {
      case undefined:
      case 'available':
        this.#stateFor(session).directedTo(acc.to);
        break;
      case 'unavailable':
        this.#state(session)?.forget(acc.to);
        break;
      case 'error':
      case 'probe':
        break;
      default:
        return this.#subscription(acc, from, type as SubscriptionType);
    }
    return this.#route(acc.derive(acc.stanza!, from, acc.to));
  }

  /** RFC 6121 §3.1.2: the addresses are bare on both sides. */
  #subscription(acc: Accumulator, own: Jid, type: SubscriptionType): undefined | Promise<undefined> {
    const from = own.bareJid;
    const to = acc.to.bareJid;
    const verdict = this.#context.runHook('roster_out_subscription', acc, { from, to, type });
    if (!(verdict instanceof Promise)) return this.#route(acc.derive(acc.stanza!, from, to));
    return verdict.then(() => this.#route(acc.derive(acc.stanza!, from, to)));
  }

  // ── for our client ─────────────────────────────────────────────────────────────────────────────────────────

  /** Presence for our client (`user_receive_presence`). */
  receive(acc: Accumulator, session: C2sParams): Verdict {
    const state = this.#state(session);
    const { type } = acc.stanza!;
    switch (type) {
      case undefined:
      case 'available':
        if (this.#lost.isWorthNoting(acc, session, state))
          this.#lost.heard(acc.from.full, session, this.#stateFor(session));
        return undefined;
      case 'probe':
        if (state?.isAvailable) this.#answerProbe(acc, session, state);
        return STOP;
      case 'unavailable':
        // The end of an earlier session of our resource, which we have replaced.
        if (acc.from.full === session.jid!.full && state?.isAvailable) return STOP;
        break;
      case 'error':
        break;
      default:
        return isKnownType(type) ? undefined : this.#refuse(acc);
    }
    if (state !== undefined) {
      state.forget(acc.from);
      this.#lost.unheard(acc.from, session, state);
    }
    return undefined;
  }

  /** RFC 6121 §4.3.2: our last presence for whoever may see it; a bare one for whoever was sent it directly. */
  #answerProbe(acc: Accumulator, session: C2sParams, state: PresenceState): void {
    const own = session.jid!;
    if (acc.from.full === own.full) return;
    if (acc.from.bare === own.bare || state.isSeenBy(acc.from.bare)) {
      void this.#context.runHook('presence_probe', acc, { from: acc.from, to: own, sid: session.sid! });
      const answer = state.last().append(delayXml(own, state.timestamp, 'Delayed presence'));
      void this.#sendTo(acc, session, answer, [acc.from]);
    } else if (state.wasDirectedTo(acc.from)) {
      void this.#sendTo(acc, session, presenceStanza(undefined), [acc.from]);
    }
  }

  // ── the end ────────────────────────────────────────────────────────────────────────────────────────────────

  /** The session ends (`user_terminate`): everybody who was told learns it, with a status that says why. */
  terminate(acc: Accumulator, session: C2sParams): undefined {
    const state = this.#state(session);
    if (state === undefined) return;
    const reason = session.reason ?? 'normal';
    const status = statusFor(reason);
    const own = session.jid!;
    const contacts = state.isAvailable ? [...state.contacts(), own.bareJid] : [];
    const others = state.directedJids();
    this.#lost.ended(session, state);
    // A resumed session goes on under the same address, on another shard: nobody is to notice.
    if (reason === 'resumed') return;
    if (state.isAvailable) this.#context.unsetPresence(session, acc, status ?? '');
    state.becomeUnavailable();
    const stanza = presenceStanza('unavailable', status);
    if (reason === 'replaced') {
      void this.#sendTo(acc, session, stanza, others);
      void this.#endUnlessTaken(acc, session, stanza, contacts);
    } else void this.#sendTo(acc, session, stanza, [...others, ...contacts]);
  }

  /**
   * Another session may have the same address by now. If it is available already, contacts must not be told that the address is not; and if
   * it becomes so while they are told, it announces itself once more, so that nobody is left with the wrong word.
   */
  async #endUnlessTaken(
    acc: Accumulator,
    ending: C2sParams | Jid,
    stanza: Stanza,
    contacts: readonly Jid[],
  ): Promise<undefined> {
    const own = 'jid' in ending ? ending.jid! : ending;
    if (contacts.length === 0 || (await this.#isAvailable(own))) return;
    await this.#sendTo(acc, ending, stanza, contacts);
    if (this.#context.sessions(own.bareJid).length === 0) return;
    await this.#context.whenHandled();
    if (!(await this.#isAvailable(own))) return;
    const request: AnnounceAgain = { again: own.full };
    this.#context.sendEvent(own.bareJid, request);
  }

  async #isAvailable(own: Jid): Promise<boolean> {
    const resources = await this.#context.availableResources(own.bareJid);
    return resources.some((jid) => jid.full === own.full);
  }

  /** A session died with its shard, and what it knew of directed presence with it (`session_cleanup`). */
  async lost(acc: Accumulator, own: Jid): Promise<undefined> {
    await this.#context.runHook('roster_get_subscription_lists', acc, { jid: own.bareJid });
    const contacts = [...subscriptionLists(acc).from, own.bareJid];
    await this.#endUnlessTaken(acc, own, presenceStanza('unavailable', statusFor('lost')), contacts);
  }

  // ── events ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** An event for a session (`foreign_event`). */
  told(acc: Accumulator, session: C2sParams, content: SessionEvent): Verdict {
    const state = this.#state(session);
    if (state === undefined) return STOP;
    if ('again' in content) {
      if (content.again === session.jid!.full && state.isAvailable) {
        void this.#sendTo(acc, session, state.last(), [...state.contacts(), session.jid!.bareJid]);
      }
    } else if ('visibility' in content) {
      if (state.isAvailable) void this.#visibilityChanged(acc, session, state, content);
    } else this.#rosterChanged(acc, session, state, content);
    return STOP;
  }

  /**
   * The privacy list of the session has changed: whoever may not see it any more learns that it is unavailable; whom the blocking command has given
   * free sees it again (XEP-0016 §2.11, XEP-0191 §3.3, §3.4).
   */
  async #visibilityChanged(
    acc: Accumulator,
    session: C2sParams,
    state: PresenceState,
    { visibility: { before, after, shown, hidden } }: VisibilityChange,
  ): Promise<void> {
    const contacts = state.contacts();
    const single = this.#resourcesOf(contacts, [...shown, ...hidden]);
    const others = [...contacts, ...single, ...state.directedJids()];
    const allowed = (list: PrivacyList): Promise<readonly Jid[]> =>
      Promise.resolve(this.#context.presenceTargets(acc, session, others, undefined, list));
    const had = before === undefined ? undefined : new Set(await allowed(before));
    const has = new Set(await allowed(after));
    if (!state.isAvailable) return;
    const lost = others.filter((jid) => !has.has(jid) && had?.has(jid) !== false);
    for (const jid of lost) state.forget(jid);
    this.#routeAll(acc, session.jid!, presenceStanza('unavailable'), lost);
    if (shown.length === 0) return;
    const free = new Set(shown);
    const found = [...contacts, ...single].filter(
      (jid) => has.has(jid) && had?.has(jid) !== true && (had !== undefined || isNamed(free, jid)),
    );
    this.#routeAll(acc, session.jid!, state.last(), found);
  }

  /** The full JIDs among `texts` that are resources of contacts. */
  #resourcesOf(contacts: readonly Jid[], texts: readonly string[]): Jid[] {
    if (texts.length === 0) return [];
    const bares = new Set(contacts.map(({ bare }) => bare));
    return texts
      .map((text) => this.#context.trustedJid(text))
      .filter((jid) => !jid.isBare && bares.has(jid.bare));
  }

  /** A contact gained or lost sight of us while we are online (RFC 6121 §3.1.5, §3.2.2, §3.3.3). */
  #rosterChanged(
    acc: Accumulator,
    session: C2sParams,
    state: PresenceState,
    { jid, subscription }: RosterChange,
  ): void {
    const contact = this.#context.jid(jid)?.bareJid;
    if (contact === undefined) return;
    const saw = state.isSeenBy(contact.bare);
    const sees = subscription === 'from' || subscription === 'both';
    state.contactChanged(contact, sees, subscription === 'to' || subscription === 'both');
    if (!state.isAvailable || sees === saw) return;
    const stanza = sees ? state.last() : presenceStanza('unavailable');
    if (!sees) state.forget(contact);
    void this.#sendTo(acc, session, stanza, [contact]);
  }

  #route(acc: Accumulator): undefined {
    void this.#context.route(acc);
    return undefined;
  }
}

/** Whether a JID is named itself, by its bare form or by its domain. */
function isNamed(names: ReadonlySet<string>, jid: Jid): boolean {
  return names.has(jid.full) || names.has(jid.bare) || names.has(jid.domain);
}
