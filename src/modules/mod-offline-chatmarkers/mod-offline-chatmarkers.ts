import { z } from 'zod';
import { DomainRemovals, defineModule, type Jid, STOP, utcMicros } from '../module.ts';
import { Missed } from './missed.ts';

/** Rows deleted at a time. */
const STEP = 1_000;

/**
 * Chat markers for absent users: of all that are sent to them in a conversation, the last of each sender comes to them when they are there again. Needs mod_smart_markers,
 * which keeps the markers themselves, with `keep_private` off.
 */
export default defineModule({
  name: 'mod_offline_chatmarkers',
  dependencies: [{ module: 'mod_smart_markers' }],
  options: z.strictObject({
    store_groupchat_messages: z
      .boolean()
      .default(false)
      .describe('Whether markers in rooms are kept, too. For MUC Light.'),
  }),
  setup(context) {
    const missed = new Missed(context);
    const hasEffects = { hasEffects: true };
    context.hook('offline_message', 40, (acc, { to }) => missed.note(acc, to), hasEffects);
    if (context.options.store_groupchat_messages) {
      context.hook('offline_groupchat_message', 40, (acc, { to }) => missed.note(acc, to), hasEffects);
    }
    context.hook('resend_offline_messages', 60, (acc, { jid }) => missed.fetch(acc, jid));
    context.hook('foreign_event', 50, (acc, { tag, session }) => {
      if (tag !== context.module) return undefined;
      context.resendOffline(session, acc);
      return STOP;
    });
    const removeUser = async (jid: Jid): Promise<undefined> => {
      await context.store.request('offline_markers_remove_user', jid.domain, jid.local);
    };
    context.hook('remove_user', 50, (_acc, { jid }) => removeUser(jid));
    context.hook('anonymous_purge', 50, (_acc, { jid }) => removeUser(jid));
    const domains = new DomainRemovals(context, async (domain) => {
      while ((await context.store.request('offline_markers_remove_domain', domain, STEP)) > 0);
    });
    context.hook('remove_domain', 50, (removal, { domain }) => domains.begin(removal, domain));
    context.hook('get_personal_data', 50, async (data, { jid }) => {
      const missedOnes = await context.store.request('offline_markers_list', jid.domain, jid.local);
      const rows = missedOnes.map(({ thread, room, since }) => [thread, room, utcMicros(since)]);
      return [...data, { name: 'offline_chatmarkers', columns: ['thread', 'room', 'since'], rows }];
    });
  },
});
