import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { DATABASE_FILE } from '../store/sqlite/database.ts';
import type { StorageCheck } from '../store/sqlite/integrity.ts';
import { formatBytes, print } from './io.ts';
import { loadConfigFor } from './load-config.ts';
import { takeStorage } from './run-server.ts';
import type { Runner } from './runner.ts';
import { requireNamed } from './server-access.ts';
import { withSoundFiles } from './storage-files.ts';

export function addCheckStorage(program: Command, runner: Runner): void {
  program
    .command('check-storage')
    .description('whether a database is sound: that of a server which does not run, or a backup')
    .argument('[file]', 'a backup; without it, the database in the storage directory')
    .option('--quick', 'leave out the comparison of indices with tables, which takes most of the time')
    .action((file: string | undefined, options: { quick?: boolean }) =>
      runner.run(async (target, io) => {
        const isQuick = options.quick === true;
        if (file === undefined) requireNamed(target, io);
        const check =
          file === undefined
            ? checkDirectory(loadConfigFor(target, io).storage.directory, isQuick)
            : checkFile(resolve(file), isQuick);
        print(io, check, () => words(check));
        return 0;
      }),
    );
}

/** What was found, and of further partitions of the archive, if there are any. */
type Checked = StorageCheck & { readonly archive?: readonly StorageCheck[] };

function checkDirectory(directory: string, isQuick: boolean): Checked {
  const release = takeStorage(directory);
  try {
    return checkFile(join(directory, DATABASE_FILE), isQuick);
  } finally {
    release();
  }
}

function checkFile(file: string, isQuick: boolean): Checked {
  return withSoundFiles(file, isQuick, ({ checks: [check, ...archive] }) =>
    archive.length === 0 ? check! : { ...check!, archive },
  );
}

function words({ archive = [], ...check }: Checked): string {
  return [check, ...archive].map(line).join('\n');
}

function line({ file, bytes, schema, known }: StorageCheck): string {
  const age = schema < known ? `, which the next start brings to ${known}` : '';
  return `${file}: sound; ${formatBytes(bytes)}, schema ${schema}${age}`;
}
