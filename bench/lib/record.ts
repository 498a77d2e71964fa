import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Environment } from './environment.ts';
import type { Figure } from './figure.ts';
import type { MicroGroup } from './micro.ts';

const DIRECTORY = new URL('../results/', import.meta.url);

/** A figure, and when and of which commit it was measured. */
export interface RecordedFigure extends Figure {
  readonly date?: string;
  readonly commit?: string;
}

/** What one file in `bench/results/` has. The environment is that of the last run that wrote it. */
export interface BenchRecord extends Environment {
  readonly results: readonly RecordedFigure[];
  readonly micro: readonly MicroGroup[];
}

/** The last record; undefined if there is none. */
export function lastRecord(): BenchRecord | undefined {
  const files = readdirSync(DIRECTORY).filter((file) => file.endsWith('.json'));
  const last = files.sort().at(-1);
  return last === undefined
    ? undefined
    : (JSON.parse(readFileSync(new URL(last, DIRECTORY), 'utf8')) as BenchRecord);
}

/** Writes the record of a day. */
export function writeRecord(record: BenchRecord): void {
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(new URL(`${record.date}.json`, DIRECTORY), `${JSON.stringify(record, null, 2)}\n`);
}

/**
 * The figures of `former` with `fresh` ones in place of those with their names, in the order of `names`; figures that there are no more are left out. What was measured is marked with
 * its date and commit.
 */
export function renewed(
  where: Environment,
  names: readonly string[],
  fresh: readonly Figure[],
  former: BenchRecord | undefined,
): RecordedFigure[] {
  const byName = new Map<string, RecordedFigure>();
  for (const one of former?.results ?? [])
    byName.set(one.name, { date: former!.date, commit: former!.commit, ...one });
  for (const one of fresh) byName.set(one.name, { ...one, date: where.date, commit: where.commit });
  return names.map((name) => byName.get(name)).filter((one) => one !== undefined);
}
