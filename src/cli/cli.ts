import { Command } from 'commander';
import { PRODUCT } from './product.ts';
import { start } from './start.ts';

/** Runs the command line. Resolves to the exit status. */
export async function runCli(argv: readonly string[]): Promise<number> {
  let status = 0;
  const program = new Command('meerkat').version(PRODUCT.version);
  program
    .command('start')
    .option('--config <file>')
    .option('--data <directory>')
    .action(async (options: { config?: string; data?: string }) => {
      status = await start(options);
    });
  await program.parseAsync([...argv], { from: 'user' });
  return status;
}
