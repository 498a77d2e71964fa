import type { Command } from 'commander';
import { print } from './io.ts';
import type { Runner } from './runner.ts';
import { withServerOrStorage } from './server-access.ts';
import { shownXml, xmlFrom } from './xml-argument.ts';

const XML = 'what to store; without it, or with -, it is read from standard input';

/** What a user's clients keep on the server for themselves (mod_private). */
export function addPrivate(program: Command, runner: Runner): void {
  const command = program
    .command('private')
    .description('private XML storage of users (mod_private); with --config, also while no server runs');
  command
    .command('get')
    .description('what a user keeps under a namespace')
    .argument('<jid>', 'the address of the account')
    .argument('<namespace>', 'storage:bookmarks, for instance')
    .action((jid: string, namespace: string) =>
      runner.run(async (target, io) => {
        const found = await withServerOrStorage(target, io, (ask) => ask('private_get', { jid, namespace }));
        print(io, found, () => shownXml((found as { xml: string }).xml));
        return 0;
      }),
    );
  command
    .command('set')
    .description('store elements for a user, in place of what is there under their namespaces')
    .argument('<jid>', 'the address of the account')
    .argument('[xml]', XML)
    .action((jid: string, argument: string | undefined) =>
      runner.run(async (target, io) => {
        const xml = await xmlFrom(argument, io);
        const done = await withServerOrStorage(target, io, (ask) => ask('private_set', { jid, xml }));
        print(io, done, () => `stored for ${(done as { jid: string }).jid}`);
        return 0;
      }),
    );
}

/** vCards of users (mod_vcard). */
export function addVcard(program: Command, runner: Runner): void {
  const command = program
    .command('vcard')
    .description('vCards of users (mod_vcard); with --config, also while no server runs');
  command
    .command('get')
    .description('the vCard of a user')
    .argument('<jid>', 'the address of the account')
    .action((jid: string) =>
      runner.run(async (target, io) => {
        const found = await withServerOrStorage(target, io, (ask) => ask('vcard_get', { jid }));
        print(io, found, () => shownXml((found as { vcard: string }).vcard));
        return 0;
      }),
    );
  command
    .command('set')
    .description('store a vCard for a user, in place of the one that is there')
    .argument('<jid>', 'the address of the account')
    .argument('[xml]', XML)
    .action((jid: string, argument: string | undefined) =>
      runner.run(async (target, io) => {
        const xml = await xmlFrom(argument, io);
        const done = await withServerOrStorage(target, io, (ask) => ask('vcard_set', { jid, xml }));
        print(io, done, () => `vCard of ${(done as { jid: string }).jid} stored`);
        return 0;
      }),
    );
}
