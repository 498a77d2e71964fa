import type { Command } from 'commander';
import { print } from './io.ts';
import { PRODUCT } from './product.ts';
import type { Runner } from './runner.ts';

export function addVersion(program: Command, runner: Runner): void {
  program.version(PRODUCT.version, '-V, --version', 'print the version');
  program
    .command('version')
    .description('print the versions of Meerkat and of Node.js')
    .action(() =>
      runner.run(async (_target, io) => {
        const { name, version } = PRODUCT;
        const node = process.versions.node;
        print(io, { name, version, node }, () => `${name} ${version} on Node.js ${node}`);
        return 0;
      }),
    );
}
