import type { Command } from 'commander';
import type { ReloadReport } from '../admin/reload.ts';
import type { Effect } from '../config/option.ts';
import { print, table } from './io.ts';
import type { Runner } from './runner.ts';
import { withServer } from './server-access.ts';

const EFFECTS: Readonly<Record<Effect, string>> = {
  live: 'in effect',
  'new connections': 'for new connections',
  restart: 'after a restart',
};

export function addReload(program: Command, runner: Runner): void {
  program
    .command('reload')
    .description('have the server read its configuration and certificates again')
    .action(() =>
      runner.run(async (target, io) => {
        const report = await withServer(target, io, (client) => client.request('reload'));
        print(io, report, () => describe(report as ReloadReport));
        return 0;
      }),
    );
}

function describe({ file, changes, warnings }: ReloadReport): string {
  const rows = changes.map(({ path, effect }) => [`  ${path}`, EFFECTS[effect]]);
  return [
    `reloaded ${file ?? 'the default configuration'}; certificates were read again`,
    changes.length === 0 ? 'no option has changed' : table(rows),
    warnings,
  ]
    .filter(Boolean)
    .join('\n');
}
