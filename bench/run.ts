import { environment } from './lib/environment.ts';
import type { Figure } from './lib/figure.ts';
import { figures } from './lib/figures.ts';
import { microTable, runMicro } from './lib/micro.ts';
import { lastRecord, renewed, writeRecord } from './lib/record.ts';
import { writePage } from './lib/report.ts';

/**
 * `npm run bench [-- NAME…] [--record] [--smoke]`: measures the server beside the bare relay in the same run, and prints what it finds. When everything runs, or with `--record`,
 * figures are written into `bench/results/` and `docs/benchmarks.md` as they come; with `--record` those that were not asked for stay as they were, with the commit that they are of.
 * With `--smoke` everything runs for a moment, with tiny amounts: to see that it works.
 */

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const isSmoke = process.argv.includes('--smoke');
const isRecorded = !isSmoke && (names.length === 0 || process.argv.includes('--record'));

const all = figures(isSmoke);
const where = environment();
const former = isRecorded ? lastRecord() : undefined;
const results: Figure[] = [];
let micro = former?.micro ?? [];

function record(): void {
  if (!isRecorded) return;
  const order = all.map(({ name }) => name);
  const made = { ...where, results: renewed(where, order, results, former), micro };
  writeRecord(made);
  writePage(made);
}

for (const measure of all) {
  if (names.length > 0 && !names.some((name) => measure.name.includes(name))) continue;
  const figure = await measure.run();
  results.push(figure);
  const target = figure.target === undefined ? '' : `  (target ${figure.target})`;
  process.stdout.write(`${figure.name}: ${figure.summary}${target}\n`);
  for (const line of figure.details) process.stdout.write(`    ${line}\n`);
  record();
}

const failed = results.filter((figure) => figure.errors > 0);
for (const { name, errors } of failed)
  process.stdout.write(`${name}: ${errors} messages lost, doubled or out of order\n`);

if (names.length === 0 || names.includes('micro')) {
  micro = await runMicro(isSmoke);
  process.stdout.write(`\n${microTable(micro)}\n`);
  record();
}

process.exit(failed.length > 0 ? 1 : 0);
