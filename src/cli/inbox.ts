import type { Command } from 'commander';
import { AdminError } from '../admin/errors.ts';
import { print } from './io.ts';
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
        if (!/^[0-9]{1,5}$/.test(days)) throw new AdminError('usage', `not a number of days: ${days}`);
        const removed = await withServerOrStorage(target, io, async (ask) => {
          const places =
            address === undefined
              ? ((await ask('domains')) as string[]).map((domain) => ({ domain }))
              : [address.includes('@') ? { jid: address } : { domain: address }];
          let sum = 0;
          for (const place of places) {
            const done = await ask('inbox_flush_bin', { ...place, days: Number(days) });
            sum += (done as { removed: number }).removed;
          }
          return sum;
        });
        print(io, { removed }, () => `${removed} deleted`);
        return 0;
      }),
    );
}
