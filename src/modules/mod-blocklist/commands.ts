import {
  CommandError,
  type CommandInput,
  type Jid,
  type ModuleContext,
  makeJid,
  parseJid,
} from '../module.ts';
import type { Lockout } from './lockout.ts';

const PAGE_MAX = 1_000;
/** Bytes of UTF-8 of a reason. */
const REASON_BYTES_MAX = 4_096;

/** The commands of `meerkat blocklist`. */
export function registerCommands(context: ModuleContext, lockout: Lockout): void {
  context.command('blocklist_add', async (input) => {
    const jid = user(context, input);
    const reason = input['reason'] ?? '';
    if (typeof reason !== 'string' || Buffer.byteLength(reason) > REASON_BYTES_MAX) {
      throw new CommandError('bad_request', `the reason is a text of at most ${REASON_BYTES_MAX} bytes`);
    }
    if (!(await context.accounts.exists(jid))) {
      throw new CommandError('user_unknown', `there is no user ${jid.bare}`);
    }
    return { jid: jid.bare, reason, ended: await lockout.add(jid, reason) };
  });
  context.command('blocklist_remove', async (input) => {
    const jid = user(context, input);
    if (!(await lockout.remove(jid))) throw new CommandError('not_blocked', `${jid.bare} is not blocked`);
    return { jid: jid.bare };
  });
  context.command('blocklist_count', async (input) => {
    const domain = host(context, input);
    return { domain, count: await context.store.request('blocklist_count', domain) };
  });
  context.command('blocklist_list', async (input) => {
    const domain = host(context, input);
    const index = number(input, 'index', 0);
    const limit = Math.min(PAGE_MAX, number(input, 'limit', PAGE_MAX));
    const entries = await context.store.request('blocklist_list', domain, index, limit);
    return entries.map(({ username, reason }) => ({ jid: makeJid(username, domain)!.bare, reason }));
  });
}

function user(context: ModuleContext, input: CommandInput): Jid {
  const jid = parseJid(String(input['jid']));
  if (jid === undefined || jid.local === '' || !context.hosts.includes(jid.domain)) {
    throw new CommandError('invalid_jid', `not the address of a user: ${String(input['jid'])}`);
  }
  return jid.bareJid;
}

function host(context: ModuleContext, input: CommandInput): string {
  const domain = String(input['domain']);
  if (!context.hosts.includes(domain))
    throw new CommandError('domain_unknown', `${domain} is not a domain here`);
  return domain;
}

function number(input: CommandInput, name: string, standard: number): number {
  const value = input[name] ?? standard;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new CommandError('bad_request', `${name} is a whole number from 0`);
}
