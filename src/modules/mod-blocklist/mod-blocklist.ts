import { z } from 'zod';
import { defineModule, type PersonalData, stop } from '../module.ts';
import { registerCommands } from './commands.ts';
import { Lockout } from './lockout.ts';

/**
 * Users whom an administrator has locked out: they cannot open a session. It has nothing to do with whom a user blocks (mod_blocking).
 */
export default defineModule({
  name: 'mod_blocklist',
  options: z.strictObject({}),
  setup(context) {
    const lockout = new Lockout(context);
    context.hook('session_opening_allowed_for_user', 50, async (_permission, { jid }) => {
      const reason = await context.store.request('blocklist_get', jid.domain, jid.local);
      if (reason === null) return undefined;
      context.count('denied');
      return stop('deny');
    });
    context.hook('sm_register_connection', 50, (_nothing, { jid }) => lockout.opened(jid));
    context.onAnnouncement((content) => lockout.heard(content));
    registerCommands(context, lockout);

    context.hook('remove_user', 50, (_acc, { jid }) => lockout.forget(jid));
    context.hook('anonymous_purge', 50, (_acc, { jid }) => lockout.forget(jid));
    context.hook('remove_domain', 50, async (removal, { domain }) => {
      try {
        await context.store.request('blocklist_remove_domain', domain);
        return undefined;
      } catch {
        return stop({ ...removal, failed: [...removal.failed, context.module] });
      }
    });
    context.hook('get_personal_data', 50, async (data, { jid }): Promise<readonly PersonalData[]> => {
      const reason = await context.store.request('blocklist_get', jid.domain, jid.local);
      const rows = reason === null ? [] : [[reason]];
      return [...data, { name: 'blocklist', columns: ['reason'], rows }];
    });
  },
});
