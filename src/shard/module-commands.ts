import type { CommandInput } from '../modules/module.ts';
import { CommandError } from '../util/command-error.ts';
import { parseDomain } from '../xmpp/jid.ts';
import type { CommandArgs } from './commands.ts';
import type { Shard } from './shard.ts';

type Run = (input: CommandInput) => Promise<unknown>;

/** Commands of the administration that modules answer, each for its host type. */
export class ModuleCommands {
  readonly #commands = new Map<string, { readonly module: string; readonly run: Run }>();

  add(hostType: string, module: string, name: string, run: Run): void {
    this.#commands.set(key(hostType, name), { module, run });
  }

  remove(hostType: string, name: string): void {
    this.#commands.delete(key(hostType, name));
  }

  find(hostType: string, name: string): Run | undefined {
    return this.#commands.get(key(hostType, name))?.run;
  }
}

function key(hostType: string, name: string): string {
  return `${hostType}\0${name}`;
}

/** Runs the command of a module for a domain. `text` in the arguments names the module, for the error when it does not run. */
export async function moduleCommand(shard: Shard, args: CommandArgs): Promise<unknown> {
  const { command = '', domain = '', text = 'the module', input = {} } = args;
  const info = shard.domains.hosted(parseDomain(domain) ?? '');
  if (info === undefined)
    throw new CommandError('domain_unknown', `${domain} is not a domain of this server`);
  const run = shard.moduleCommands.find(info.hostType.name, command);
  if (run === undefined) throw new CommandError('module_not_loaded', `${text} does not run for ${domain}`);
  return await run(input);
}
