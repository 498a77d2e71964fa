import {
  type Accumulator,
  type C2sParams,
  type Jid,
  type ModuleContext,
  runAfterwards,
  STOP,
  type Stanza,
  StanzaError,
  type SubscriptionLists,
  type SubscriptionType,
  type Verdict,
} from '../module.ts';
import { loadLists } from './loading.ts';
import { type PresenceState, stateFor, stateOf } from './presence-state.ts';
import { isKnownType, presenceStanza, priorityOf, statusOf } from './presence-text.ts';
import { tell } from './telling.ts';

/** Presence to more than so many keeps its sender's next stanza waiting, a moment for each: nobody is to keep a shard busy with that alone (T46). */
const PACED_FROM = 250;
const PER_MS = 20;

/** What a session's own client says about its presence. */
export class Outgoing {
  readonly #context: ModuleContext;

  constructor(context: ModuleContext) {
    this.#context = context;
  }

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
    if (reply !== undefined) void this.#context.route(reply);
    return STOP;
  }

  #available(acc: Accumulator, session: C2sParams): undefined | Promise<undefined> {
    const state = stateFor(this.#context, session);
    // Lists that have a version are kept up to date by the events of changes.
    if (state.isAvailable && state.version !== undefined)
      return this.#announce(acc, session, state, undefined);
    return loadLists(this.#context, acc, session.jid!, state).then((lists) => {
      // It may have ended meanwhile: nobody would ever be told that it is not available any more.
      if (session.state === 'closed') return undefined;
      return this.#announce(acc, session, state, lists ?? NO_LISTS);
    });
  }

  #announce(
    acc: Accumulator,
    session: C2sParams,
    state: PresenceState,
    lists: SubscriptionLists | undefined,
  ): undefined | Promise<undefined> {
    const stanza = acc.stanza!;
    const own = session.jid!;
    const wasAvailable = state.isAvailable;
    const before = state.priority;
    const priority = priorityOf(stanza);
    if (lists !== undefined) state.adopt(lists);
    state.becomeAvailable(stanza, this.#context.timestamp(), priority);
    this.#context.setPresence(session, acc, priority, stanza);
    if (!wasAvailable) void this.#context.runHook('user_available', acc, { jid: own });
    if (priority >= 0 && (before === undefined || before < 0)) {
      this.#context.resendOffline(session, acc.derive(stanza, own, own.bareJid));
    }
    const asking = wasAvailable ? undefined : this.#ask(acc, session, state);
    // The first presence and every change go to the same: contacts that may see us, and the own resources (RFC 6121 §4.2.2, §4.4.2).
    const audience = state.audience();
    audience.push(own.bareJid);
    const telling = tell(this.#context, acc, session, stanza, audience);
    if (!wasAvailable) for (const request of lists?.pending ?? []) this.#showRequest(acc, own, request);
    if (asking === undefined && telling === undefined) return this.#paced(audience.length);
    return Promise.all([asking, telling]).then(() => this.#paced(audience.length));
  }

  /** Asks those whose presence we see (RFC 6121 §4.3.1), and the own resources. */
  #ask(acc: Accumulator, session: C2sParams, state: PresenceState): undefined | Promise<undefined> {
    const own = session.jid!.bareJid;
    const asked = state.contacts.to();
    // Nobody needs to be asked when there is no other resource.
    if (this.#context.sessions(own).length > 1) asked.push(own);
    return tell(this.#context, acc, session, presenceStanza('probe'), asked);
  }

  /** A subscription request that the user has not answered is shown to a resource that comes (RFC 6121 §3.1.3). */
  #showRequest(acc: Accumulator, own: Jid, request: Stanza): void {
    const requester = this.#context.jid(request.attribute('from') ?? '');
    if (requester === undefined) return;
    acc.addAction({ kind: 'route', acc: acc.derive(request, requester.bareJid, own.bareJid) });
  }

  /** No longer available: everybody who was told is told (RFC 6121 §4.5.2, §4.6.3). */
  #unavailable(acc: Accumulator, session: C2sParams): undefined | Promise<undefined> {
    const state = stateOf(this.#context, session);
    if (state === undefined) return undefined;
    const stanza = acc.stanza!;
    const own = session.jid!;
    const { isAvailable } = state;
    const told = [...state.audience(), ...state.directedJids()];
    if (isAvailable) this.#context.unsetPresence(session, acc, statusOf(stanza));
    state.becomeUnavailable();
    // The session itself is not available any more, but it is told, too (RFC 6121 §4.5.2).
    if (isAvailable) told.push(own.bareJid, own);
    const telling = tell(this.#context, acc, session, stanza, told);
    return telling === undefined ? this.#paced(told.length) : telling.then(() => this.#paced(told.length));
  }

  #paced(told: number): undefined | Promise<undefined> {
    if (told < PACED_FROM) return undefined;
    return new Promise((resolve) => {
      this.#context.after(told / PER_MS, () => resolve(undefined));
    });
  }

  /** Presence with an address: to somebody in particular (RFC 6121 §4.6), or about subscriptions (§3). */
  #directed(acc: Accumulator, session: C2sParams): undefined | Promise<undefined> {
    const { type } = acc.stanza!;
    const from = session.jid!;
    switch (type) {
      case undefined:
      case 'available':
        stateFor(this.#context, session).directedTo(acc.to);
        break;
      case 'unavailable':
        stateOf(this.#context, session)?.forget(acc.to);
        break;
      case 'error':
      case 'probe':
        break;
      default:
        return this.#subscription(acc, from, type as SubscriptionType);
    }
    void this.#context.route(acc.derive(acc.stanza!, from, acc.to));
    return undefined;
  }

  /** RFC 6121 §3.1.2: the addresses are bare on both sides. What follows from it comes after it. */
  async #subscription(acc: Accumulator, own: Jid, type: SubscriptionType): Promise<undefined> {
    const from = own.bareJid;
    const to = acc.to.bareJid;
    await this.#context.runHook('roster_out_subscription', acc, { from, to, type });
    if (acc.get('hook', 'result') !== false) await this.#context.route(acc.derive(acc.stanza!, from, to));
    runAfterwards(acc);
    return undefined;
  }
}

const NO_LISTS: SubscriptionLists = { from: [], to: [], pending: [] };
