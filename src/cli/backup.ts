import { resolve } from 'node:path';
import type { Command } from 'commander';
import { formatBytes, print } from './io.ts';
import type { Runner } from './runner.ts';
import { withServerOrStorage } from './server-access.ts';

export function addBackup(program: Command, runner: Runner): void {
  program
    .command('backup')
    .description('copy the database to a file, while the server runs or not')
    .argument('<file>', 'where to; the server writes it')
    .option('--force', 'replace the file if it exists')
    .action((file: string, options: { force?: boolean }) =>
      runner.run(async (target, io) => {
        const args = { file: resolve(file), isForced: options.force === true };
        const copy = (await withServerOrStorage(target, io, (ask) => ask('backup', args))) as {
          file: string;
          bytes: number;
        };
        print(io, copy, () => `${copy.file}: ${formatBytes(copy.bytes)}`);
        return 0;
      }),
    );
}
