import type { Command } from 'commander';
import { formatProblems } from '../config/problem.ts';
import type { Runner } from './cli.ts';
import { print } from './io.ts';

export function addCheckConfig(program: Command, runner: Runner): void {
  program
    .command('check-config')
    .description('tell everything that is wrong with the configuration; start nothing')
    .action(() =>
      runner.run(async (target, io) => {
        const { checkOwnModules, loadConfigOf, nameOf, withoutValue } = await import('./load-config.ts');
        const { config, warnings } = loadConfigOf(target, io.env);
        await checkOwnModules(config);
        const name = nameOf(target, io.env);
        print(io, { isValid: true, warnings: warnings.map(withoutValue) }, () =>
          [formatProblems(warnings, name), `${name}: the configuration is valid`].filter(Boolean).join('\n'),
        );
        return 0;
      }),
    );
}
