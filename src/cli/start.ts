import type { Command } from 'commander';
import type { Runner } from './runner.ts';

export function addStart(program: Command, runner: Runner): void {
  program
    .command('start')
    .description('run the server in the foreground; a line on standard output says when it is ready')
    .action(() =>
      // The server is loaded by nobody who only asks it something.
      runner.run(async (target, io) => (await import('./serve.ts')).serve(target, io)),
    );
}
