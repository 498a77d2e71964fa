import { NOT_YET_TEXT } from '../not-yet.ts';
import type { Path } from '../path.ts';
import type { Report } from '../report.ts';

/** Keeps the names that Meerkat has, with a warning for each other one of MongooseIM. */
export function knownNames<N extends string>(
  names: readonly string[],
  known: readonly N[],
  path: Path,
  report: Report,
  why: string = NOT_YET_TEXT,
): N[] {
  const kept: N[] = [];
  for (const [i, name] of names.entries()) {
    const found = known.find((one) => one === name);
    if (found === undefined) report.warn([...path, i], `"${name}" is ${why}`, { value: name });
    else kept.push(found);
  }
  return kept;
}

/** Notes an error for each value that stands in the list before. */
export function refuseDuplicates(values: readonly (string | number)[], path: Path, report: Report): void {
  for (const [i, value] of values.entries()) {
    const first = values.indexOf(value);
    if (first < i)
      report.error([...path, i], `"${value}" is there already, as number ${first + 1}`, { value });
  }
}
