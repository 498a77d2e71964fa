import type { Command } from 'commander';
import { AdminError } from '../admin/errors.ts';
import { print } from './io.ts';
import type { Runner } from './runner.ts';
import { withServerOrStorage } from './server-access.ts';

interface Options {
  readonly days?: string;
  readonly all?: boolean;
}

/** Messages that are stored for absent users (mod_offline). */
export function addOffline(program: Command, runner: Runner): void {
  const offline = program.command('offline').description('messages stored for absent users (mod_offline)');
  offline
    .command('delete-expired')
    .description('delete the messages whose time is over (XEP-0023)')
    .argument('[domain]', 'a domain of the server')
    .option('--all', 'of all domains')
    .action((domain: string | undefined, options: Options) =>
      deleteMessages(runner, 'offline_delete_expired', domain, options, {}),
    );
  offline
    .command('delete-old')
    .description('delete the messages that were sent long ago')
    .argument('[domain]', 'a domain of the server')
    .requiredOption('--days <number>', 'those sent so many days ago, or before')
    .option('--all', 'of all domains')
    .action((domain: string | undefined, options: Options) =>
      deleteMessages(runner, 'offline_delete_old', domain, options, { days: Number(options.days) }),
    );
}

function deleteMessages(
  runner: Runner,
  command: string,
  domain: string | undefined,
  { days, all }: Options,
  input: object,
): Promise<void> {
  return runner.run(async (target, io) => {
    if ((domain === undefined) !== (all === true)) {
      throw new AdminError('usage', 'name a domain, or say --all');
    }
    if (days !== undefined && !/^[0-9]{1,5}$/.test(days)) {
      throw new AdminError('usage', `not a number of days: ${days}`);
    }
    const removed = await withServerOrStorage(target, io, async (ask) => {
      const domains = domain === undefined ? ((await ask('domains')) as string[]) : [domain];
      let sum = 0;
      for (const one of domains) {
        const done = await ask(command, { domain: one, ...input });
        sum += (done as { removed: number }).removed;
      }
      return sum;
    });
    print(io, { removed }, () => `${removed} deleted`);
    return 0;
  });
}
