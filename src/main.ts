import { protect } from './cli/protect.ts';

/** Entry of the process: the `meerkat` command. */

const argv = process.argv.slice(2);
if (argv.includes('start')) protect();
const { runCli } = await import('./cli/cli.ts');
process.exitCode = await runCli(argv);
