import { type Accumulator, type Jid, NS_CLIENT, type Stanza } from '../module.ts';

/** What the roster says about a session's contacts. */
export interface SubscriptionLists {
  /** Contacts that see our presence. */
  readonly from: readonly Jid[];
  /** Contacts whose presence we see. */
  readonly to: readonly Jid[];
  /** Subscription requests that wait for an answer; each with its `from`. */
  readonly pending: readonly Stanza[];
}

const NO_CONTACTS: SubscriptionLists = { from: [], to: [], pending: [] };

/** The lists that handlers of `roster_get_subscription_lists` left in the accumulator. */
export function subscriptionLists(acc: Accumulator): SubscriptionLists {
  return acc.get<SubscriptionLists>('roster', 'subscription_lists') ?? NO_CONTACTS;
}

/** RFC 6121 §4.7.2.3: an integer from -128 to 127; anything else counts as 0. */
export function priorityOf(stanza: Stanza): number {
  const text = stanza.isEmpty ? undefined : stanza.element.childText('priority', NS_CLIENT)?.trim();
  if (text === undefined || !/^[+-]?[0-9]{1,3}$/.test(text)) return 0;
  const value = Number(text);
  return value >= -128 && value <= 127 ? value : 0;
}

/** The first `<status/>` text. */
export function statusOf(stanza: Stanza): string {
  return stanza.isEmpty ? '' : (stanza.element.childText('status', NS_CLIENT) ?? '');
}

/** What contacts read when a session ended for this reason; undefined when it ended in order. */
export function statusFor(reason: string): string | undefined {
  switch (reason) {
    case 'normal':
    case 'resumed':
      return undefined;
    case 'replaced':
      return 'Replaced by new connection';
    case 'error':
      return 'Unknown condition';
    default:
      return `Shutdown by reason: ${reason}`;
  }
}
