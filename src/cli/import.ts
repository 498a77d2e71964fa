import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AdminError } from '../admin/errors.ts';
import { escapeControls } from '../observe/escape.ts';
import { type ImportReport, importFiles } from './import-file.ts';
import { print, table } from './io.ts';
import type { Runner } from './runner.ts';
import { withServerOrStorage } from './server-access.ts';

/** The exit status of an import that has come to its end, but could not take everything. */
const WITH_LOSSES = 4;

export function addImport(program: Command, runner: Runner): void {
  program
    .command('import')
    .description('take accounts with their data from files of XEP-0227, and tell what could not be taken')
    .argument('<files...>', 'the files; those that one includes lie in its directory or below')
    .action((files: string[]) =>
      runner.run(async (target, io) => {
        const paths = files.map((file) => resolve(file));
        const report = await withServerOrStorage(target, io, (ask) => importFiles(paths, ask));
        if (report.problem !== null) {
          if (!io.isJson) io.out(`${words(report)}\n`);
          throw new AdminError('import_failed', escapeControls(report.problem), report);
        }
        print(io, report, () => words(report));
        return report.lost > 0 ? WITH_LOSSES : 0;
      }),
    );
}

function words(report: ImportReport): string {
  const { users, accounts, entries, known, lost, losses, problem } = report;
  const lines = [
    `${users} users read: ${accounts} accounts made; ${entries} entries stored, ${known} there already, ${lost} losses`,
  ];
  if (losses.length > 0) {
    const rows = losses.map(({ code, what, count }) => [code, what, count]);
    lines.push('', table([['loss', 'what', 'count'], ...rows], [2]), '');
    for (const { code, what, count, places } of losses) {
      lines.push(`${code} ${escapeControls(what)}`);
      for (const { file, line, user, text } of places) {
        const who = user === undefined ? '' : ` ${user}`;
        lines.push(escapeControls(`  ${file}:${line}${who}${text === undefined ? '' : `: ${text}`}`));
      }
      if (count > places.length) lines.push(`  and ${count - places.length} more`);
    }
  }
  if (problem !== null)
    lines.push(
      '',
      'The import stopped before its end. What is counted above is stored; the command may be given again.',
    );
  return lines.join('\n');
}
