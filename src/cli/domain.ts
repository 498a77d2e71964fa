import type { Command } from 'commander';
import { AdminError } from '../admin/errors.ts';
import { type Io, print } from './io.ts';
import type { Runner } from './runner.ts';
import { withServerOrStorage } from './server-access.ts';

/** When it is said that it takes long: a domain may have millions of messages. */
const LONG_MS = 3_000;

export function addDomain(program: Command, runner: Runner): void {
  const domain = program.command('domain').description('what is stored for a whole domain');
  domain
    .command('remove-data')
    .description(
      'remove all accounts of a domain with everything that is stored for them, and end their sessions',
    )
    .argument('<domain>', 'a domain of the server; it stays one')
    .option('--yes', 'do it: nothing of it comes back')
    .action((name: string, options: { yes?: boolean }) =>
      runner.run(async (target, io) => {
        if (options.yes !== true) {
          throw new AdminError(
            'usage',
            `this removes all accounts of ${name} and their data for good; --yes does it`,
          );
        }
        const args = { domain: name };
        const removed = await saying(io, () =>
          withServerOrStorage(target, io, (ask) => ask('domain_remove_data', args)),
        );
        print(io, { domain: removed }, () => `all data of ${removed} removed`);
        return 0;
      }),
    );
}

/** Does the work, and tells on standard error when it takes long, and that it goes on. */
async function saying<T>(io: Io, work: () => Promise<T>): Promise<T> {
  const timer = setTimeout(() => io.err('there is much to remove: waiting until all is gone\n'), LONG_MS);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}
