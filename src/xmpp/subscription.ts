/**
 * Presence subscriptions between a user and a contact, as the user's roster knows them: RFC 6121 appendix A, and pre-approval (§3.4).
 *
 * The nine states of the RFC are four facts that change almost independently; so the tables of appendix A are a few lines here, and
 * `test/conformance/rfc6121-appendix-a.test.ts` compares them with the tables.
 */

export type Subscription = 'none' | 'to' | 'from' | 'both';
export type SubscriptionType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';
/** Requests that are not answered yet: `out` by the contact, `in` by the user. */
export type Ask = 'none' | 'in' | 'out' | 'both';

/** How the user stands with the contact. */
export interface SubscriptionState {
  readonly subscription: Subscription;
  readonly ask: Ask;
  /** The user has agreed in advance: the contact's next request is granted without asking (RFC 6121 §3.4). */
  readonly isApproved: boolean;
}

/** What a stanza about subscriptions leads to. */
export interface Transition {
  readonly state: SubscriptionState;
  readonly isChanged: boolean;
  /** Outbound: whether the stanza is routed to the contact. Inbound: whether the user's clients get it. */
  readonly isPassedOn: boolean;
  /** What the user's server answers by itself. */
  readonly reply: 'subscribed' | 'unsubscribed' | undefined;
}

export const NO_SUBSCRIPTION: SubscriptionState = Object.freeze({
  subscription: 'none',
  ask: 'none',
  isApproved: false,
});

/** The user sends a stanza to the contact (RFC 6121 A.2). */
export function outbound(state: SubscriptionState, type: SubscriptionType): Transition {
  const now = factsOf(state);
  let isPassedOn = true;
  switch (type) {
    case 'subscribe':
      now.out = !now.to;
      break;
    case 'unsubscribe':
      now.to = false;
      now.out = false;
      break;
    case 'subscribed':
      if (now.in) {
        now.in = false;
        now.from = true;
      } else {
        // Nobody asked: at most an approval in advance, of which the contact hears nothing (§3.4.2).
        isPassedOn = false;
        now.isApproved = !now.from;
      }
      break;
    default:
      isPassedOn = now.in || now.from;
      now.in = false;
      now.from = false;
      now.isApproved = false;
  }
  return transition(state, now, isPassedOn, undefined);
}

/** The contact sends a stanza to the user (RFC 6121 A.3). What nobody asked for changes nothing. */
export function inbound(state: SubscriptionState, type: SubscriptionType): Transition {
  const now = factsOf(state);
  let isPassedOn = true;
  let reply: Transition['reply'];
  switch (type) {
    case 'subscribe':
      isPassedOn = !(now.from || now.isApproved || now.in);
      if (now.from || now.isApproved) {
        now.from = true;
        now.in = false;
        now.isApproved = false;
        reply = 'subscribed';
      } else now.in = true;
      break;
    case 'unsubscribe':
      isPassedOn = now.from || now.in;
      now.from = false;
      now.in = false;
      if (isPassedOn) reply = 'unsubscribed';
      break;
    case 'subscribed':
      isPassedOn = now.out;
      if (now.out) now.to = true;
      now.out = false;
      break;
    default:
      isPassedOn = now.to || now.out;
      now.to = false;
      now.out = false;
  }
  return transition(state, now, isPassedOn, reply);
}

/** Whether the contact sees the user's presence. */
export function isSeen(subscription: Subscription): boolean {
  return subscription === 'from' || subscription === 'both';
}

/** Whether the user sees the contact's presence. */
export function sees(subscription: Subscription): boolean {
  return subscription === 'to' || subscription === 'both';
}

interface Facts {
  to: boolean;
  from: boolean;
  in: boolean;
  out: boolean;
  isApproved: boolean;
}

function factsOf({ subscription, ask, isApproved }: SubscriptionState): Facts {
  return {
    to: sees(subscription),
    from: isSeen(subscription),
    in: ask === 'in' || ask === 'both',
    out: ask === 'out' || ask === 'both',
    isApproved,
  };
}

function transition(
  before: SubscriptionState,
  now: Facts,
  isPassedOn: boolean,
  reply: Transition['reply'],
): Transition {
  const state: SubscriptionState = {
    subscription: now.to ? (now.from ? 'both' : 'to') : now.from ? 'from' : 'none',
    ask: now.in ? (now.out ? 'both' : 'in') : now.out ? 'out' : 'none',
    isApproved: now.isApproved,
  };
  const isChanged =
    state.subscription !== before.subscription ||
    state.ask !== before.ask ||
    state.isApproved !== before.isApproved;
  return { state, isChanged, isPassedOn, reply };
}
