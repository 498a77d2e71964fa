import type { Command } from 'commander';
import { AdminError } from '../admin/errors.ts';
import { escapeControls } from '../observe/escape.ts';
import { print, table } from './io.ts';
import type { Runner } from './runner.ts';
import { type Ask, withServerOrStorage } from './server-access.ts';

interface Last {
  readonly jid: string;
  readonly isOnline: boolean;
  readonly timestamp: string | null;
  readonly status: string;
}

interface OldUser {
  readonly jid: string;
  readonly timestamp: string | null;
}

const TIME = '2026-07-01T12:00:00Z, or a date';

/** When users were there last (mod_last). */
export function addLast(program: Command, runner: Runner): void {
  const last = program
    .command('last')
    .description('when users were there last (mod_last); with --config, also while no server runs');
  last
    .command('get')
    .description('when a user was there last, and with which status')
    .argument('<jid>', 'the address of the account')
    .action((jid: string) =>
      runner.run(async (target, io) => {
        const found = (await withServerOrStorage(target, io, (ask) => ask('last_get', { jid }))) as Last;
        print(io, found, () => describe(found));
        return 0;
      }),
    );
  last
    .command('set')
    .description('say when a user was there last')
    .argument('<jid>', 'the address of the account')
    .argument('[status]', 'the status that he left')
    .option('--at <time>', `when: ${TIME}; otherwise now`)
    .action((jid: string, status: string | undefined, { at }: { at?: string }) =>
      runner.run(async (target, io) => {
        const input = { jid, status: status ?? '', timestamp: at ?? null };
        const done = await withServerOrStorage(target, io, (ask) => ask('last_set', input));
        print(io, done, () => `${(done as Last).jid} last seen ${(done as Last).timestamp}`);
        return 0;
      }),
    );
  addLists(last, runner);
}

function addLists(last: Command, runner: Runner): void {
  last
    .command('active')
    .description('how many users of a domain are there, or were since a time')
    .argument('<domain>', 'a domain of the server')
    .requiredOption('--since <time>', TIME)
    .action((domain: string, { since }: { since: string }) =>
      runner.run(async (target, io) => {
        let count = 0;
        await withServerOrStorage(target, io, (ask) =>
          inPages<{ count: number }>(ask, 'last_active', { domain, since }, (page) => {
            count += page.count;
          }),
        );
        print(io, { domain, count }, () => String(count));
        return 0;
      }),
    );
  last
    .command('old')
    .description('the users of a domain who have not been there since a time')
    .argument('<domain>', 'a domain of the server')
    .requiredOption('--before <time>', TIME)
    .action((domain: string, { before }: { before: string }) =>
      runner.run(async (target, io) => {
        const all: OldUser[] = [];
        await withServerOrStorage(target, io, (ask) =>
          inPages<{ users: OldUser[] }>(ask, 'last_old', { domain, before }, ({ users }) => {
            if (io.isJson) all.push(...users);
            else if (users.length > 0)
              io.out(`${table(users.map(({ jid, timestamp }) => [jid, timestamp ?? 'never']))}\n`);
          }),
        );
        if (io.isJson) print(io, all, () => '');
        return 0;
      }),
    );
  last
    .command('remove-old')
    .description('remove the accounts of those users, with everything that is stored for them')
    .argument('<domain>', 'a domain of the server')
    .requiredOption('--before <time>', TIME)
    .option('--yes', 'do it: nothing of it comes back')
    .action((domain: string, { before, yes }: { before: string; yes?: boolean }) =>
      runner.run(async (target, io) => {
        if (yes !== true) {
          const what = `all accounts of ${domain} that nobody has used since ${before}`;
          throw new AdminError('usage', `this removes ${what}; meerkat last old shows them, --yes does it`);
        }
        const all: string[] = [];
        await withServerOrStorage(target, io, (ask) =>
          inPages<{ removed: string[] }>(ask, 'last_remove_old', { domain, before }, ({ removed }) => {
            if (io.isJson) all.push(...removed);
            else io.out(removed.map((jid) => `${escapeControls(jid)} removed\n`).join(''));
          }),
        );
        if (io.isJson) print(io, all, () => '');
        return 0;
      }),
    );
}

/** Asks until there is no further page. */
async function inPages<Page>(
  ask: Ask,
  command: string,
  args: Readonly<Record<string, unknown>>,
  show: (page: Page) => void,
): Promise<void> {
  let after: string | null = '';
  while (after !== null) {
    const page = (await ask(command, { ...args, after })) as Page & { readonly next: string | null };
    show(page);
    after = page.next;
  }
}

function describe({ jid, isOnline, timestamp, status }: Last): string {
  const when = timestamp ?? 'never seen leaving';
  return table([[jid, isOnline ? 'online' : 'offline', when, status]]);
}
