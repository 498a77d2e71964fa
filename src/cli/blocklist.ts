import type { Command } from 'commander';
import { print, table } from './io.ts';
import type { Runner } from './runner.ts';
import { withServerOrStorage } from './server-access.ts';

interface Entry {
  readonly jid: string;
  readonly reason: string;
}

const PAGE = 1_000;

/** Users whom the administrator locks out (mod_blocklist). */
export function addBlocklist(program: Command, runner: Runner): void {
  const blocklist = program.command('blocklist').description('users who may not log in (mod_blocklist)');
  blocklist
    .command('add')
    .description('lock a user out and end all sessions; again: change the reason')
    .argument('<jid>', 'the address of the account')
    .argument('[reason]', 'why; shown by list')
    .action((jid: string, reason: string | undefined) =>
      runner.run(async (target, io) => {
        const input = { jid, reason: reason ?? '' };
        const done = await withServerOrStorage(target, io, (ask) => ask('blocklist_add', input));
        print(io, done, () => `${(done as Entry).jid} blocked`);
        return 0;
      }),
    );
  blocklist
    .command('remove')
    .description('let a user in again')
    .argument('<jid>', 'the address of the account')
    .action((jid: string) =>
      runner.run(async (target, io) => {
        const done = await withServerOrStorage(target, io, (ask) => ask('blocklist_remove', { jid }));
        print(io, done, () => `${(done as Entry).jid} not blocked any more`);
        return 0;
      }),
    );
  blocklist
    .command('count')
    .description('how many users of a domain are locked out')
    .argument('<domain>', 'a domain of the server')
    .action((domain: string) =>
      runner.run(async (target, io) => {
        const done = await withServerOrStorage(target, io, (ask) => ask('blocklist_count', { domain }));
        print(io, done, () => String((done as { count: number }).count));
        return 0;
      }),
    );
  blocklist
    .command('list')
    .description('the users of a domain who are locked out, and why')
    .argument('<domain>', 'a domain of the server')
    .action((domain: string) =>
      runner.run(async (target, io) => {
        const all: Entry[] = [];
        await withServerOrStorage(target, io, async (ask) => {
          for (;;) {
            const page = (await ask('blocklist_list', { domain, index: all.length, limit: PAGE })) as Entry[];
            all.push(...page);
            if (page.length < PAGE) break;
          }
        });
        print(io, all, () => table(all.map(({ jid, reason }) => [jid, reason])));
        return 0;
      }),
    );
}
