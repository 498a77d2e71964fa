import type { Accumulator } from '../hooks/accumulator.ts';
import { StanzaError } from '../xmpp/stanza-error.ts';
import { type DeliveryHost, type MaybePromise, whenSettled } from './delivery-host.ts';

/**
 * A message to a user without a session that takes messages (RFC 6121 §8.5.1, §8.5.2.2): who finally answers.
 *
 * error → nothing · headline → nothing · groupchat → `offline_groupchat_message`, by default an error ·
 * the others → no such account: an error; denied by the default list: `failed_to_store_message`; else `offline_message`.
 *
 * Whoever came while the account was looked up gets the message (`again`): stored behind his back, it would be overtaken by what is sent
 * after it.
 */
export function routeToAbsentUser(acc: Accumulator, host: DeliveryHost, again: Again): MaybePromise {
  switch (acc.stanza!.type) {
    case 'error':
    case 'headline':
      return host.drop(acc);
    default: {
      const exists = host.recipients.doesUserExist(acc);
      if (!(exists instanceof Promise)) return toAccount(acc, host, exists);
      return exists.then((known) =>
        again.goOn(acc, () => (again.isThere(acc) ? again.toBare(acc) : toAccount(acc, host, known))),
      );
    }
  }
}

/** Who decides where a message goes. */
export interface Again {
  /** Whether a session takes messages to the bare JID. */
  isThere(acc: Accumulator): boolean;
  toBare(acc: Accumulator): MaybePromise;
  /** Goes on after waiting. */
  goOn(acc: Accumulator, work: () => MaybePromise): MaybePromise;
}

function toAccount(acc: Accumulator, host: DeliveryHost, exists: boolean): MaybePromise {
  // The same answer whether the account exists and stores nothing, or does not exist (threat T68).
  if (!exists) return host.refuse(acc, new StanzaError('service-unavailable'));
  if (acc.stanza!.type === 'groupchat') return host.recipients.absent('offline_groupchat_message', acc);
  return whenSettled(host.recipients.checkDefaultList(acc), (verdict) => {
    // Nobody can say now whether the user wants it; and what would be stored could not be written either.
    if (verdict === 'unknown') return host.refuse(acc, new StanzaError('internal-server-error'));
    return host.recipients.absent(verdict === 'allow' ? 'offline_message' : 'failed_to_store_message', acc);
  });
}
