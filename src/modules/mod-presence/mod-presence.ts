import { z } from 'zod';
import {
  type Accumulator,
  type C2sParams,
  defineModule,
  delayXml,
  Element,
  type Jid,
  type ModuleContext,
  NS_CLIENT,
  STOP,
  Stanza,
  StanzaError,
  type Verdict,
} from '../module.ts';
import { isKnownType, PresenceState } from './presence-state.ts';
import { priorityOf, statusFor, statusOf, subscriptionLists } from './presence-text.ts';

/**
 * Presence of local sessions (RFC 6121 §4): who is told that a session is available, and who asks.
 * Contacts come from the hook `roster_get_subscription_lists`; without rosters there are only the user's own resources, and whoever was sent
 * directed presence.
 */
export default defineModule({
  name: 'mod_presence',
  xeps: [{ number: 203, version: '2.0', note: 'the time of a presence that answers a probe' }],
  options: z.strictObject({}),
  setup(context) {
    const presence = new Presence(context);
    // It keeps books about who was told what, so a dry run leaves it alone.
    context.hook('user_send_presence', 50, (acc, params) => presence.send(acc, params), { hasEffects: true });
    context.hook('user_receive_presence', 50, (acc, params) => presence.receive(acc, params));
    context.hook('user_terminate', 90, (acc, params) => presence.terminate(acc, params));
    context.hook('foreign_event', 50, (_acc, params) => {
      if (params.tag !== context.module) return undefined;
      return presence.rosterChanged(params.session, params.content as RosterChange);
    });
  },
});

/** What mod_roster tells a session about a contact whose subscription changed. */
interface RosterChange {
  readonly jid: string;
  readonly subscription: 'none' | 'to' | 'from' | 'both' | 'remove';
}

class Presence {
  readonly #context: ModuleContext;

  constructor(context: ModuleContext) {
    this.#context = context;
  }

  #state(params: C2sParams): PresenceState | undefined {
    return params.moduleState(this.#context.slot) as PresenceState | undefined;
  }

  #stateFor(params: C2sParams): PresenceState {
    const known = this.#state(params);
    if (known !== undefined) return known;
    const state = new PresenceState();
    params.setModuleState(this.#context.slot, state);
    return state;
  }

  /** Presence from our client (`user_send_presence`). It is routed here; the session itself routes none. */
  send(acc: Accumulator, params: C2sParams): Verdict | Promise<Verdict> {
    const { type } = acc.stanza!;
    if (!isKnownType(type)) {
      const reply = acc.errorReply(new StanzaError('bad-request', 'Invalid presence type'));
      if (reply !== undefined) this.#route(reply);
      return STOP;
    }
    if (acc.to.full !== params.jid!.bare) return this.#directed(acc, params);
    switch (type) {
      case undefined:
      case 'available':
        return this.#available(acc, params);
      case 'unavailable':
        return this.#unavailable(acc, params);
      default:
        // Subscribing to oneself, probing oneself: nothing to do.
        return undefined;
    }
  }

  #available(acc: Accumulator, params: C2sParams): undefined | Promise<undefined> {
    const verdict = this.#context.runHook('roster_get_subscription_lists', acc, { jid: params.jid!.bareJid });
    if (!(verdict instanceof Promise)) return this.#availableTo(acc, params);
    return verdict.then(() => this.#availableTo(acc, params));
  }

  #availableTo(acc: Accumulator, params: C2sParams): undefined {
    const { from, to, pending } = subscriptionLists(acc);
    const stanza = acc.stanza!;
    const state = this.#stateFor(params);
    const wasAvailable = state.isAvailable;
    const oldPriority = state.priority;
    const priority = priorityOf(stanza);
    state.becomeAvailable(stanza, acc.timestamp, priority, from, to);
    this.#context.setPresence(params, acc, priority, stanza);
    if (!wasAvailable) void this.#context.runHook('user_available', acc, { jid: params.jid! });
    if (priority >= 0 && (oldPriority === undefined || oldPriority < 0)) {
      this.#context.resendOffline(params, acc);
    }
    if (wasAvailable) this.#update(acc, params, state);
    else this.#announce(acc, params, state, from, to);
    for (const request of pending) {
      const requester = this.#context.jid(request.attribute('from') ?? '');
      if (requester !== undefined) this.#route(acc.derive(request, requester, params.jid!.bareJid));
    }
    return undefined;
  }

  /** First presence: ask those whose presence we see, tell those who see ours (RFC 6121 §4.2.2, §4.3.1). */
  #announce(
    acc: Accumulator,
    params: C2sParams,
    state: PresenceState,
    from: readonly Jid[],
    to: readonly Jid[],
  ): void {
    const own = params.jid!.bareJid;
    for (const contact of to) this.#probe(acc, params, contact);
    // Nobody needs to be asked when there is no other resource.
    if (this.#context.sessions(own).length > 1) this.#probe(acc, params, own);
    for (const contact of from) {
      state.told(contact.bareJid);
      this.#route(acc.derive(acc.stanza!, params.jid!, contact));
    }
    this.#route(acc.derive(acc.stanza!, params.jid!, own));
  }

  #probe(acc: Accumulator, params: C2sParams, contact: Jid): void {
    this.#route(acc.derive(presence('probe'), params.jid!, contact));
  }

  /** A change: to everybody who was told and may still know (RFC 6121 §4.4.2). */
  #update(acc: Accumulator, params: C2sParams, state: PresenceState): void {
    for (const contact of state.toldJids()) {
      if (state.isSeenBy(contact.bare)) this.#route(acc.derive(acc.stanza!, params.jid!, contact));
    }
    this.#route(acc.derive(acc.stanza!, params.jid!, params.jid!.bareJid));
  }

  /** No longer available: everybody who was told is told (RFC 6121 §4.5.2, §4.6.5). */
  #unavailable(acc: Accumulator, params: C2sParams): undefined {
    const state = this.#state(params);
    if (state === undefined || !state.isAvailable) return undefined;
    this.#context.unsetPresence(params, acc, statusOf(acc.stanza!));
    for (const contact of state.toldJids()) this.#route(acc.derive(acc.stanza!, params.jid!, contact));
    const own = params.jid!;
    state.becomeUnavailable();
    // The session itself is not available any more, but it is told, too (RFC 6121 §4.5.2).
    this.#route(acc.derive(acc.stanza!, own, own.bareJid));
    this.#route(acc.derive(acc.stanza!, own, own));
    return undefined;
  }

  /** Presence with an address: to somebody in particular (RFC 6121 §4.6), or about subscriptions (§3). */
  #directed(acc: Accumulator, params: C2sParams): undefined | Promise<undefined> {
    const { type } = acc.stanza!;
    const from = params.jid!;
    switch (type) {
      case undefined:
      case 'available':
        this.#stateFor(params).told(acc.to);
        break;
      case 'unavailable':
        this.#state(params)?.forget(acc.to);
        break;
      case 'error':
      case 'probe':
        break;
      default: {
        const subscription = type as 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';
        const hookParams = { from: from.bareJid, to: acc.to.bareJid, type: subscription };
        const verdict = this.#context.runHook('roster_out_subscription', acc, hookParams);
        // RFC 6121 §3.1.2: the bare JIDs on both sides.
        const send = (): undefined => this.#route(acc.derive(acc.stanza!, from.bareJid, acc.to.bareJid));
        return verdict instanceof Promise ? verdict.then(send) : send();
      }
    }
    return this.#route(acc.derive(acc.stanza!, from, acc.to));
  }

  /** Presence for our client (`user_receive_presence`). */
  receive(acc: Accumulator, params: C2sParams): Verdict {
    const state = this.#state(params);
    switch (acc.stanza!.type) {
      case 'probe':
        if (state?.isAvailable) this.#answerProbe(acc, params, state);
        return STOP;
      case 'unavailable':
      case 'error':
        state?.forget(acc.from);
        return undefined;
      default:
        return undefined;
    }
  }

  /** RFC 6121 §4.3.2: our last presence for whoever may see it; a bare one for whoever was told in particular. */
  #answerProbe(acc: Accumulator, params: C2sParams, state: PresenceState): void {
    const own = params.jid!;
    if (acc.from.full === own.full) return;
    if (acc.from.bare === own.bare || state.isSeenBy(acc.from.bare)) {
      void this.#context.runHook('presence_probe', acc, { from: acc.from, to: own, sid: params.sid! });
      const answer = state.last().append(delayXml(own, state.timestamp, 'Delayed presence'));
      this.#route(acc.derive(answer, own, acc.from));
    } else if (state.wasTold(acc.from)) this.#route(acc.derive(presence(undefined), own, acc.from));
  }

  /** The session ends: everybody who was told learns it, with a status that says why. */
  terminate(acc: Accumulator, params: C2sParams): undefined {
    const state = this.#state(params);
    if (state === undefined) return undefined;
    const reason = params.reason ?? 'normal';
    const status = statusFor(reason);
    const stanza = presence('unavailable', status);
    const own = params.jid!;
    const told = state.toldJids();
    const wasAvailable = state.isAvailable;
    if (wasAvailable) this.#context.unsetPresence(params, acc, status ?? '');
    state.becomeUnavailable();
    // Contacts do not hear of a session that was resumed elsewhere.
    if (reason !== 'resumed') for (const contact of told) this.#route(acc.derive(stanza, own, contact));
    if (wasAvailable) this.#route(acc.derive(stanza, own, own.bareJid));
    return undefined;
  }

  /** A contact gained or lost sight of us while we are online (RFC 6121 §3.1.5, §3.2.2, §3.3.3). */
  rosterChanged(params: C2sParams, change: RosterChange): Verdict {
    const state = this.#state(params);
    const contact = this.#context.jid(change.jid)?.bareJid;
    if (state === undefined || contact === undefined) return STOP;
    const saw = state.isSeenBy(contact.bare);
    const sees = change.subscription === 'from' || change.subscription === 'both';
    state.contactChanged(contact, sees, change.subscription === 'to' || change.subscription === 'both');
    if (!state.isAvailable || sees === saw) return STOP;
    if (sees) {
      state.told(contact);
      this.#route(this.#context.accumulator(params.jid!, contact, state.last()));
    } else {
      state.forget(contact);
      this.#route(this.#context.accumulator(params.jid!, contact, presence('unavailable')));
    }
    return STOP;
  }

  #route(acc: Accumulator): undefined {
    void this.#context.route(acc);
    return undefined;
  }
}

function presence(type: string | undefined, status?: string): Stanza {
  const element = Element.of('presence', NS_CLIENT, { type });
  if (status !== undefined) element.children.push(Element.of('status', NS_CLIENT, {}, status));
  return Stanza.of(element);
}
