import { parseJid } from '../xmpp/jid.ts';
import { AdminError } from './errors.ts';
import type { AdminCommand } from './socket.ts';

type Args = Readonly<Record<string, unknown>>;

/** Commands that a module of a domain answers: the module, and which argument tells the domain (`either`: that of an account, or a domain). The module looks at the others itself. */
const COMMANDS: readonly (readonly [command: string, module: string, about: 'jid' | 'domain' | 'either'])[] =
  [
    ['blocklist_add', 'mod_blocklist', 'jid'],
    ['blocklist_remove', 'mod_blocklist', 'jid'],
    ['blocklist_count', 'mod_blocklist', 'domain'],
    ['blocklist_list', 'mod_blocklist', 'domain'],
    ['inbox_flush_bin', 'mod_inbox', 'either'],
    ['last_get', 'mod_last', 'jid'],
    ['last_set', 'mod_last', 'jid'],
    ['last_active', 'mod_last', 'domain'],
    ['last_old', 'mod_last', 'domain'],
    ['last_remove_old', 'mod_last', 'domain'],
    ['offline_delete_expired', 'mod_offline', 'domain'],
    ['offline_delete_old', 'mod_offline', 'domain'],
    ['private_get', 'mod_private', 'jid'],
    ['private_set', 'mod_private', 'jid'],
    ['vcard_get', 'mod_vcard', 'jid'],
    ['vcard_set', 'mod_vcard', 'jid'],
  ];

/** These commands, each of which calls `onModule`. */
export function commandsOfModules(
  onModule: (module: string, command: string, input: Args, domain: string) => Promise<unknown>,
): Record<string, AdminCommand> {
  return Object.fromEntries(
    COMMANDS.map(([command, module, about]) => [
      command,
      (args: Args) => {
        const isOfAccount = about === 'jid' || (about === 'either' && args['jid'] !== undefined);
        return onModule(module, command, args, isOfAccount ? domainOf(args) : text(args, 'domain'));
      },
    ]),
  );
}

/** The domain of the account that a command is about. */
function domainOf(args: Args): string {
  const jid = parseJid(text(args, 'jid'));
  if (jid === undefined || jid.local === '') {
    throw new AdminError('invalid_jid', `not the address of a user: ${text(args, 'jid')}`);
  }
  return jid.domain;
}

/** An argument that must be a text. */
export function text(args: Args, name: string): string {
  const value = args[name];
  if (typeof value !== 'string') throw new AdminError('bad_request', `${name} must be a string`);
  return value;
}
