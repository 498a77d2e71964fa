import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { Bench } from 'tinybench';

/** One scenario of a micro bench. */
export interface MicroResult {
  readonly name: string;
  /** Median. */
  readonly nsPerOp: number;
  readonly opsPerSecond: number;
  readonly samples: number;
  /** Relative margin of error of the mean, in percent. */
  readonly rme: number;
}

/** What each `bench/micro/*.bench.ts` exports as `run`. */
export type MicroBench = (options: { readonly smoke: boolean }) => Promise<readonly MicroResult[]>;

/** The results of one file. */
export interface MicroGroup {
  /** The file's name without `.bench.ts`. */
  readonly name: string;
  readonly results: readonly MicroResult[];
}

/** Adds a scenario. What `operation` returns is summed up, so that no work can be left out. */
export type AddScenario = (name: string, operation: () => number) => void;

const SAMPLE_MS = 500;

/**
 * Measures scenarios one after the other. `batch` operations make a sample: reading the clock costs as much as a tenth of a scan. With `smoke`
 * everything runs twice, to see that it works.
 */
export async function measure(
  smoke: boolean,
  fill: (add: AddScenario) => void,
  batch = 100,
): Promise<MicroResult[]> {
  let sink = 0;
  const bench = new Bench(
    smoke ? { time: 0, iterations: 2, warmup: false, throws: true } : { time: SAMPLE_MS, throws: true },
  );
  fill((name, operation) => {
    bench.add(name, () => {
      for (let i = 0; i < batch; i++) sink += operation();
    });
  });
  await bench.run();
  assert(Number.isFinite(sink));
  return bench.tasks.map((task) => {
    assert(task.result.state === 'completed');
    const { p50, samplesCount, rme } = task.result.latency;
    const nsPerOp = (p50 * 1e6) / batch;
    return { name: task.name, nsPerOp, opsPerSecond: 1e9 / nsPerOp, samples: samplesCount, rme };
  });
}

const DIRECTORY = new URL('../micro/', import.meta.url);
const ENTRY = new URL('run.ts', DIRECTORY).pathname;

/** Runs micro benches, each file in a process of its own: what one teaches the compiler must not slow down the next. `names` chooses some. */
export async function runMicro(smoke: boolean, names: readonly string[] = []): Promise<MicroGroup[]> {
  const groups: MicroGroup[] = [];
  for (const file of readdirSync(DIRECTORY)
    .filter((entry) => entry.endsWith('.bench.ts'))
    .sort()) {
    const name = file.slice(0, -'.bench.ts'.length);
    if (names.length > 0 && !names.some((wanted) => name.includes(wanted))) continue;
    groups.push({ name, results: await runAlone(name, smoke) });
  }
  return groups;
}

function runAlone(name: string, smoke: boolean): Promise<readonly MicroResult[]> {
  const args = [ENTRY, '--alone', name, ...(smoke ? ['--smoke'] : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(text) as MicroResult[]);
      else reject(new Error(`bench/micro/${name}.bench.ts ended with ${code}`));
    });
  });
}

/** Runs one file in this process. */
export async function runHere(name: string, smoke: boolean): Promise<readonly MicroResult[]> {
  const { run } = (await import(new URL(`${name}.bench.ts`, DIRECTORY).href)) as { run: MicroBench };
  return await run({ smoke });
}

/** All results as a table in Markdown, for the terminal and for `docs/benchmarks.md`. */
export function microTable(groups: readonly MicroGroup[]): string {
  const rows = groups.flatMap(({ name, results }) =>
    results.map((result) => [
      name,
      result.name,
      Math.round(result.opsPerSecond).toLocaleString('en'),
      (result.nsPerOp / 1000).toFixed(result.nsPerOp < 10_000 ? 3 : 1),
      `±${result.rme.toFixed(1)} %`,
    ]),
  );
  const table = [['bench', 'scenario', 'ops/s', 'µs', 'spread'], ...rows];
  const widths = table[0]!.map((_unused, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) => `| ${row.map((cell, i) => pad(cell, widths[i]!, i > 1)).join(' | ')} |`);
  const rule = widths.map((width, i) => (i > 1 ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [lines[0]!, `| ${rule.join(' | ')} |`, ...lines.slice(1)].join('\n');
}

function pad(cell: string, width: number, isNumber: boolean): string {
  return isNumber ? cell.padStart(width) : cell.padEnd(width);
}
