import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { formatProblems } from '../config/problem.ts';
import type { CertificateNote } from '../supervisor/certificates.ts';
import { print } from './io.ts';
import type { Runner } from './runner.ts';

export function addCheckConfig(program: Command, runner: Runner): void {
  program
    .command('check-config')
    .description('tell everything that is wrong with the configuration; start nothing')
    .action(() =>
      runner.run(async (target, io) => {
        const { checkOwnModules, loadConfigOf, nameOf, withoutValue } = await import('./load-config.ts');
        const { config, warnings } = loadConfigOf(target, io.env);
        await checkOwnModules(config);
        const odd = await certificateWarnings(config);
        const name = nameOf(target, io.env);
        const all = [
          ...warnings.map(withoutValue),
          ...odd.map(({ listener, file, text }) => ({
            path: `${listener}.tls`,
            message: `${file}: ${text}`,
          })),
        ];
        print(io, { isValid: true, warnings: all }, () =>
          [
            formatProblems(warnings, name),
            ...odd.map(({ listener, file, text }) => `${name}: ${listener}.tls: ${file}: ${text}`),
            `${name}: the configuration is valid`,
          ]
            .filter(Boolean)
            .join('\n'),
        );
        return 0;
      }),
    );
}

/** What is odd about the certificates. Throws `certificate_invalid` if one cannot be used. */
async function certificateWarnings(config: Config): Promise<readonly CertificateNote[]> {
  const { checkCertificates } = await import('../supervisor/certificates.ts');
  const { refuseUnusable } = await import('../admin/reload.ts');
  const { problems, warnings } = checkCertificates(config, undefined, Date.now());
  // Files that are missing may be on the machine where the server will run; the configuration's own warnings name them.
  const unusable = problems.filter(({ isUnreadable }) => !isUnreadable);
  refuseUnusable({ problems: unusable, warnings }, 'a server with this configuration would not start');
  return warnings;
}
