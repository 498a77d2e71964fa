import { z } from 'zod';
import { Damage, type DiscoAcc, defineModule, stop } from '../module.ts';
import { CleanUp } from './clean-up.ts';
import { Fetching } from './fetching.ts';
import { Keeping } from './keeping.ts';
import type { MovedPickup, Pickup } from './pickup.ts';
import { portableMessages } from './portable.ts';

const optionsSchema = z.strictObject({
  access_max_user_messages: z
    .string()
    .default('max_user_offline_messages')
    .describe(
      'The access rule that gives how many messages are kept for a user; 500 where it gives no number. All of them together may have 8 MiB in any case.',
    ),
  store_groupchat_messages: z
    .boolean()
    .default(false)
    .describe('Whether messages of type groupchat are kept, too. For MUC Light.'),
});

export type OfflineOptions = z.infer<typeof optionsSchema>;

const FEATURE = 'msgoffline';

/**
 * Messages for users who are not there (XEP-0160): kept when no resource takes messages, delivered to the first one that does.
 *
 * A message stays stored until the session that got it has handed it to the kernel, or its client has acknowledged it where it acknowledges (XEP-0198): a
 * crash in between repeats it rather than losing it. Meanwhile no other session of the user gets it.
 */
export default defineModule<OfflineOptions>({
  name: 'mod_offline',
  xeps: [
    { number: 160, version: '1.0.1' },
    { number: 203, version: '2.0', note: 'delay of stored messages' },
    { number: 22, version: '1.4', note: 'the event of storing' },
    { number: 23, version: '1.3', note: 'expiry' },
    { number: 85, version: '2.1', note: 'chat states alone are not stored' },
  ],
  features: [FEATURE],
  options: optionsSchema,
  setup(context) {
    const keeping = new Keeping(context);
    const damage = new Damage(context, 'offline_message_damaged');
    const fetching = new Fetching(context, damage);
    context.hook('offline_message', 50, (acc, { to }) => keeping.store(acc, to));
    if (context.options.store_groupchat_messages) {
      context.hook('offline_groupchat_message', 50, (acc, { to }) => keeping.store(acc, to));
    }
    context.sessionState<Pickup>({
      encode: (pickup) => fetching.encode(pickup),
      decode: (data, session) => fetching.moved(data as MovedPickup, session),
      left: (pickup, session, to) => fetching.left(pickup, session, to),
      arrived: (pickup, session) => fetching.arrived(pickup, session),
    });
    context.hook('amp_determine_strategy', 30, (strategy, { to, packet, event }) => {
      return event === 'initial_check' ? keeping.foretell(strategy, to, packet) : undefined;
    });
    context.hook('resend_offline_messages', 50, (acc, { jid }) => fetching.fetch(acc, jid));
    context.hook('foreign_event', 50, (acc, { tag, session }) => {
      return tag === context.module ? fetching.newMessages(acc, session) : undefined;
    });
    context.hook('user_terminate', 95, (_acc, session) => fetching.ended(session));
    context.hook('session_cleanup', 50, (_acc, { jid, sid }) => fetching.lost(jid, sid));
    context.hook('remove_user', 50, (_acc, { jid }) => keeping.removeUser(jid));
    context.hook('anonymous_purge', 50, (_acc, { jid }) => keeping.removeUser(jid));
    context.hook('remove_domain', 50, async (removal, { domain }) => {
      try {
        await context.store.request('offline_remove_domain', domain);
        return undefined;
      } catch {
        return stop({ ...removal, failed: [...removal.failed, context.module] });
      }
    });
    context.hook('get_personal_data', 50, (data, { jid }) => keeping.personalData(data, jid));
    context.hook('disco_local_features', 50, (acc) => (acc.node === FEATURE ? withMore(acc, []) : undefined));
    context.hook('disco_sm_features', 50, (acc, { presenceSubscribed }) => {
      if (!presenceSubscribed || (acc.node !== '' && acc.node !== FEATURE)) return undefined;
      return withMore(acc, acc.node === '' ? [FEATURE] : []);
    });
    context.portable(portableMessages(context, keeping, damage));
    new CleanUp(context);
  },
});

function withMore(acc: DiscoAcc<string>, features: readonly string[]): DiscoAcc<string> {
  return { ...acc, result: [...(acc.result ?? []), ...features] };
}
