import { mkdirSync, writeFileSync } from 'node:fs';
import { environment } from './lib/environment.ts';
import type { Figure } from './lib/figure.ts';
import { figures } from './lib/figures.ts';
import { microTable, runMicro } from './lib/micro.ts';
import { benchmarksPage } from './lib/report.ts';

/**
 * `npm run bench [-- NAME…] [--smoke]`: measures the server beside the bare relay in the same run, prints what it finds, and (when everything ran)
 * writes `docs/benchmarks.md` and a dated file in `bench/results/`. With `--smoke` everything runs for a moment, with tiny amounts: to see that it works.
 */

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const isSmoke = process.argv.includes('--smoke');

const results: Figure[] = [];
for (const measure of figures(isSmoke)) {
  if (names.length > 0 && !names.some((name) => measure.name.includes(name))) continue;
  const figure = await measure.run();
  results.push(figure);
  const target = figure.target === undefined ? '' : `  (target ${figure.target})`;
  process.stdout.write(`${figure.name}: ${figure.summary}${target}\n`);
  for (const line of figure.details) process.stdout.write(`    ${line}\n`);
}

const failed = results.filter((figure) => figure.errors > 0);
for (const { name, errors } of failed)
  process.stdout.write(`${name}: ${errors} messages lost, doubled or out of order\n`);

const micro = names.length === 0 ? await runMicro(isSmoke) : [];
if (micro.length > 0) process.stdout.write(`\n${microTable(micro)}\n`);

if (!isSmoke && names.length === 0) {
  const where = environment();
  const record = { ...where, results, micro };
  mkdirSync(new URL('results/', import.meta.url), { recursive: true });
  const file = new URL(`results/${where.date}.json`, import.meta.url);
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
  writeFileSync(new URL('../docs/benchmarks.md', import.meta.url), benchmarksPage(where, results, micro));
}

process.exit(failed.length > 0 ? 1 : 0);
