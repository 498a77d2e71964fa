import { runCli } from './cli/cli.ts';

/** Entry of the process: the `meerkat` command. */
process.exitCode = await runCli(process.argv.slice(2));
