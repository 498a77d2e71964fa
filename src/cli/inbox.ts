import type { Command } from 'commander';
import { AdminError } from '../admin/errors.ts';
import { print } from './io.ts';
import { daysOf, removeIn } from './removals.ts';
import type { Runner } from './runner.ts';
import { withServerOrStorage } from './server-access.ts';

interface Options {
  readonly days: string;
  readonly all?: boolean;
}

/** Users' inboxes (mod_inbox). */
export function addInbox(program: Command, runner: Runner): void {
  const inbox = program.command('inbox').description('conversation lists of users (mod_inbox)');
  inbox
    .command('flush-bin')
    .description('delete the conversations that users have put into the bin')
    .argument('[address]', 'a user, or a domain of the server')
    .option('--days <number>', 'only those without a message for so many days', '0')
    .option('--all', 'of all domains')
    .action((address: string | undefined, { days, all }: Options) =>
      runner.run(async (target, io) => {
        if ((address === undefined) !== (all === true)) {
          throw new AdminError('usage', 'name a user or a domain, or say --all');
        }
        const place =
          address === undefined ? undefined : address.includes('@') ? { jid: address } : { domain: address };
        const input = { days: daysOf(days) };
        const removed = await withServerOrStorage(target, io, (ask) =>
          removeIn(ask, 'inbox_flush_bin', place, input),
        );
        print(io, { removed }, () => `${removed} deleted`);
        return 0;
      }),
    );
}
