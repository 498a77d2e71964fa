import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AdminError } from '../admin/errors.ts';
import { partitionName } from '../store/sqlite/archive-files.ts';
import { hasDatabase, restoreDatabase } from '../store/sqlite/restore.ts';
import { formatBytes, print } from './io.ts';
import { loadConfigFor } from './load-config.ts';
import { takeStorage } from './run-server.ts';
import type { Runner } from './runner.ts';
import { requireNamed } from './server-access.ts';
import { withSoundFiles } from './storage-files.ts';

/** What a restore has done. */
interface Restored {
  readonly file: string;
  readonly directory: string;
  readonly bytes: number;
  readonly schema: number;
  /** Where the database that was there is now. */
  readonly replaced: string | null;
}

export function addRestore(program: Command, runner: Runner): void {
  program
    .command('restore')
    .description('put a backup into the storage directory of a server that does not run')
    .argument('<file>', 'the backup')
    .option('--force', 'although there is a database; it is moved aside')
    .action((file: string, options: { force?: boolean }) =>
      runner.run(async (target, io) => {
        requireNamed(target, io);
        const { directory } = loadConfigFor(target, io).storage;
        const done = restore(resolve(file), directory, options.force === true);
        print(io, done, () => words(done));
        return 0;
      }),
    );
}

function restore(file: string, directory: string, isForced: boolean): Restored {
  const release = takeStorage(directory);
  try {
    if (hasDatabase(directory) && !isForced)
      throw new AdminError('file_exists', `there is a database in ${directory} (--force moves it aside)`);
    return withSoundFiles(file, false, ({ open, checks }) => {
      if (partitionName(open[0]!) !== undefined)
        throw new AdminError(
          'restore_failed',
          `${file} is a part of an archive: name the database that it belongs to`,
        );
      const done = restoreDatabase(open, directory, new Date());
      return { file, directory, schema: checks[0]!.schema, ...done };
    });
  } catch (cause) {
    if (cause instanceof AdminError) throw cause;
    throw new AdminError('restore_failed', `${file} was not restored: ${(cause as Error).message}`);
  } finally {
    release();
  }
}

function words({ file, directory, bytes, schema, replaced }: Restored): string {
  const aside = replaced === null ? '' : `\nthe database that was there is in ${replaced}`;
  return `${file} restored to ${directory}: ${formatBytes(bytes)}, schema ${schema}${aside}`;
}
