import type { Command } from 'commander';
import { print } from './io.ts';
import { passwordFrom } from './password.ts';
import type { Runner } from './runner.ts';
import { type Ask, withServerOrStorage } from './server-access.ts';
import { showUserExport } from './user-export.ts';
import { eachUserPage } from './user-pages.ts';

const PASSWORD = 'the password; without it, or with -, it is asked for, or read from standard input';

export function addUser(program: Command, runner: Runner): void {
  const user = program.command('user').description('accounts; with --config, also while no server runs');
  addPasswordVerb(user, runner, 'add', 'make an account', 'user_add', 'added');
  addPasswordVerb(
    user,
    runner,
    'passwd',
    'change the password of an account',
    'user_passwd',
    'password changed',
  );
  user
    .command('delete')
    .description('remove an account with everything that is stored for it, and end its sessions')
    .argument('<jid>', 'its address: romeo@example.org')
    .action((jid: string) =>
      runner.run(async (target, io) => {
        const bare = await withServerOrStorage(target, io, (ask) => ask('user_delete', { jid }));
        print(io, { jid: bare }, () => `${bare} deleted`);
        return 0;
      }),
    );
  user
    .command('revoke')
    .description('end all tokens that an account can log in with instead of its password')
    .argument('<jid>', 'its address')
    .action((jid: string) =>
      runner.run(async (target, io) => {
        const bare = await withServerOrStorage(target, io, (ask) => ask('user_revoke', { jid }));
        print(io, { jid: bare }, () => `tokens of ${bare} ended`);
        return 0;
      }),
    );
  user
    .command('export')
    .description('everything that is stored about a user, as tables')
    .argument('<jid>', 'its address')
    .action((jid: string) =>
      runner.run(async (target, io) => {
        await withServerOrStorage(target, io, (ask) => showUserExport(io, ask, jid));
        return 0;
      }),
    );
  user
    .command('exists')
    .description('whether an account exists: exit status 0 if so, 1 if not')
    .argument('<jid>', 'its address')
    .action((jid: string) =>
      runner.run(async (target, io) => {
        const exists = await withServerOrStorage(target, io, (ask) => ask('user_exists', { jid }));
        print(io, { jid, exists }, () => (exists ? `${jid} exists` : `there is no user ${jid}`));
        return exists ? 0 : 1;
      }),
    );
  user
    .command('list')
    .description('the accounts of a domain, or of all domains')
    .argument('[domain]', 'a domain of the server')
    .action((domain: string | undefined) =>
      runner.run(async (target, io) => {
        const all: string[] = [];
        await withServerOrStorage(target, io, (ask) =>
          listUsers(ask, domain, (page) => {
            if (io.isJson) all.push(...page);
            else io.out(page.map((jid) => `${jid}\n`).join(''));
          }),
        );
        if (io.isJson) print(io, all, () => '');
        return 0;
      }),
    );
}

function addPasswordVerb(
  user: Command,
  runner: Runner,
  verb: string,
  description: string,
  command: string,
  done: string,
): void {
  user
    .command(verb)
    .description(description)
    .argument('<jid>', 'its address: romeo@example.org')
    .argument('[password]', PASSWORD)
    .action((jid: string, argument: string | undefined) =>
      runner.run(async (target, io) => {
        const password = await passwordFrom(argument, io);
        const bare = await withServerOrStorage(target, io, (ask) => ask(command, { jid, password }));
        print(io, { jid: bare }, () => `${bare} ${done}`);
        return 0;
      }),
    );
}

/** Page by page: there may be millions. */
async function listUsers(
  ask: Ask,
  domain: string | undefined,
  show: (page: readonly string[]) => void,
): Promise<void> {
  const domains = domain === undefined ? ((await ask('domains')) as string[]) : [domain];
  for (const one of domains) await eachUserPage(ask, one, show);
}
