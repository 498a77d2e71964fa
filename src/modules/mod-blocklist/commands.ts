import {
  accountInput,
  CommandError,
  domainInput,
  type ModuleContext,
  makeJid,
  numberInput,
  textInput,
  userInput,
} from '../module.ts';
import type { Lockout } from './lockout.ts';

const PAGE_MAX = 1_000;
/** Bytes of UTF-8 of a reason. */
const REASON_BYTES_MAX = 4_096;

/** The commands of `meerkat blocklist`. */
export function registerCommands(context: ModuleContext, lockout: Lockout): void {
  context.command('blocklist_add', async (input) => {
    const reason = textInput(input, 'reason', REASON_BYTES_MAX);
    const jid = await accountInput(context, input);
    return { jid: jid.bare, reason, ended: await lockout.add(jid, reason) };
  });
  context.command('blocklist_remove', async (input) => {
    const jid = userInput(context, input);
    if (!(await lockout.remove(jid))) throw new CommandError('not_blocked', `${jid.bare} is not blocked`);
    return { jid: jid.bare };
  });
  context.command('blocklist_count', async (input) => {
    const domain = domainInput(context, input);
    return { domain, count: await context.store.request('blocklist_count', domain) };
  });
  context.command('blocklist_list', async (input) => {
    const domain = domainInput(context, input);
    const index = numberInput(input, 'index', 0);
    const limit = Math.min(PAGE_MAX, numberInput(input, 'limit', PAGE_MAX));
    const entries = await context.store.request('blocklist_list', domain, index, limit);
    return entries.map(({ username, reason }) => ({ jid: makeJid(username, domain)!.bare, reason }));
  });
}
