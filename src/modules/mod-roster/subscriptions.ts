import {
  type Accumulator,
  afterwards,
  isSeen,
  type Jid,
  type ModuleContext,
  StanzaError,
  type StoredContact,
  type SubscriptionResult,
  type SubscriptionType,
  sees,
} from '../module.ts';
import type { RosterOptions } from './options.ts';
import type { Pushes } from './pushes.ts';
import { clipped, itemOf, subscriptionPresence } from './roster-text.ts';
import type { Rosters } from './rosters.ts';

/** Presence subscriptions (RFC 6121 §3): what stanzas about them do to the roster of each side. */
export class Subscriptions {
  readonly #context: ModuleContext<RosterOptions>;
  readonly #rosters: Rosters;
  readonly #pushes: Pushes;

  constructor(context: ModuleContext<RosterOptions>, rosters: Rosters, pushes: Pushes) {
    this.#context = context;
    this.#rosters = rosters;
    this.#pushes = pushes;
  }

  /** The user's client sends one (`roster_out_subscription`). */
  outgoing(acc: Accumulator, user: Jid, contact: Jid, type: SubscriptionType): Promise<undefined> {
    return this.#step(acc, user, contact, 'out', type, '');
  }

  /** One comes for the user (`roster_in_subscription`). */
  incoming(
    acc: Accumulator,
    user: Jid,
    contact: Jid,
    type: SubscriptionType,
    reason: string,
  ): Promise<undefined> {
    return this.#step(acc, user, contact, 'in', type, clipped(reason));
  }

  async #step(
    acc: Accumulator,
    user: Jid,
    contact: Jid,
    direction: 'in' | 'out',
    type: SubscriptionType,
    message: string,
  ): Promise<undefined> {
    // Whatever happens: without the roster knowing of it, it goes no further.
    acc.set('hook', 'result', false);
    let result: SubscriptionResult | 'full';
    try {
      result = await this.#context.store.request(
        'roster_subscription',
        user.domain,
        user.local,
        { jid: contact.bare, direction, type, message },
        this.#rosters.limits,
        this.#context.timestamp(),
        this.#rosters.hashes,
      );
    } catch (cause) {
      this.#context.log.warn(
        { err: cause, what: 'subscription_failed', user: user.bare },
        'roster not changed',
      );
      this.#refuse(acc, new StanzaError('internal-server-error', 'The subscription cannot be changed now'));
      return undefined;
    }
    if (result === 'full') {
      this.#refuse(acc, new StanzaError('resource-constraint', 'The roster has no room for more'));
      return undefined;
    }
    acc.set('hook', 'result', result.isPassedOn);
    this.#context.count(direction === 'in' ? `in_${type}` : `out_${type}`);
    const { reply, change } = result;
    if (reply !== null || change !== null)
      afterwards(acc, () => void this.#follow(acc, user, contact, result));
    return undefined;
  }

  /** Behind the stanza itself: what the server answers, then the pushes; presence follows these (RFC 6121 §3.1.5, §3.1.6). */
  async #follow(
    acc: Accumulator,
    user: Jid,
    contact: Jid,
    { reply, change }: SubscriptionResult,
  ): Promise<void> {
    if (reply !== null) {
      await this.#context.route(acc.derive(subscriptionPresence(reply), user.bareJid, contact.bareJid));
    }
    if (change !== null) await this.#pushes.announce(user, change, itemOf(this.#context, change.after!));
  }

  #refuse(acc: Accumulator, error: StanzaError): void {
    const reply = acc.errorReply(error);
    if (reply !== undefined) void this.#context.route(reply);
  }

  /** A contact has left the roster: he loses sight of the user, and the user of him. */
  async cancel(acc: Accumulator, user: Jid, { jid, subscription, ask }: StoredContact): Promise<void> {
    const contact = this.#context.trustedJid(jid);
    const send = (type: SubscriptionType): undefined | Promise<unknown> =>
      this.#context.route(acc.derive(subscriptionPresence(type), user.bareJid, contact));
    if (sees(subscription) || ask === 'out' || ask === 'both') await send('unsubscribe');
    if (isSeen(subscription) || ask === 'in' || ask === 'both') await send('unsubscribed');
  }
}
