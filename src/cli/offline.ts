import type { Command } from 'commander';
import { AdminError } from '../admin/errors.ts';
import { print } from './io.ts';
import { daysOf, removeIn } from './removals.ts';
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
      deleteMessages(runner, 'offline_delete_expired', domain, options),
    );
  offline
    .command('delete-old')
    .description('delete the messages that were sent long ago')
    .argument('[domain]', 'a domain of the server')
    .requiredOption('--days <number>', 'those sent so many days ago, or before')
    .option('--all', 'of all domains')
    .action((domain: string | undefined, options: Options) =>
      deleteMessages(runner, 'offline_delete_old', domain, options),
    );
}

function deleteMessages(
  runner: Runner,
  command: string,
  domain: string | undefined,
  { days, all }: Options,
): Promise<void> {
  return runner.run(async (target, io) => {
    if ((domain === undefined) !== (all === true)) {
      throw new AdminError('usage', 'name a domain, or say --all');
    }
    const input = days === undefined ? {} : { days: daysOf(days) };
    const place = domain === undefined ? undefined : { domain };
    const removed = await withServerOrStorage(target, io, (ask) => removeIn(ask, command, place, input));
    print(io, { removed }, () => `${removed} deleted`);
    return 0;
  });
}
