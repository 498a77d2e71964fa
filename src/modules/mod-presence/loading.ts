import {
  type Accumulator,
  type Jid,
  type ModuleContext,
  Stanza,
  StanzaKind,
  type SubscriptionLists,
} from '../module.ts';
import type { PresenceState } from './presence-state.ts';

/** The lists were older than a change that had been heard of: so often they are asked for again. */
const ROUNDS_MAX = 5;

/**
 * Asks `roster_get_subscription_lists`. A change of the roster may be announced while the answer is on its way, and be newer than that: then it is asked for
 * once more. Undefined when no handler gave any.
 */
export async function loadLists(
  context: ModuleContext,
  acc: Accumulator,
  own: Jid,
  state: PresenceState,
): Promise<SubscriptionLists | undefined> {
  state.isLoading = true;
  state.heardOf = undefined;
  try {
    for (let round = 1; ; round++) {
      acc.delete('roster', 'subscription_lists');
      await context.runHook('roster_get_subscription_lists', acc, { jid: own.bareJid });
      const lists = acc.get<SubscriptionLists>('roster', 'subscription_lists');
      const { heardOf } = state as { heardOf: number | undefined };
      if (lists?.version === undefined || heardOf === undefined || heardOf <= lists.version) return lists;
      // Without a version they are asked for again at the next presence.
      if (round === ROUNDS_MAX) return { from: lists.from, to: lists.to, pending: lists.pending };
    }
  } finally {
    state.isLoading = false;
  }
}

/** An accumulator to ask with, where no stanza is the reason. */
export function askingAccumulator(context: ModuleContext, own: Jid): Accumulator {
  return context.accumulator(
    own,
    own.bareJid,
    Stanza.fromText(StanzaKind.PRESENCE, undefined, '<presence/>'),
  );
}
