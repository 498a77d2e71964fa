import { fileURLToPath } from 'node:url';
import type { Config } from '../../../src/config/config.ts';
import { type LoadInput, type LoadResult, loadConfig } from '../../../src/config/load.ts';
import { formatProblem, formatProblems, type Problem } from '../../../src/config/problem.ts';
import { moduleSchemas } from '../../fixtures/config/module-schemas.ts';

/** Where relative paths of the texts in these tests start. */
export const FIXTURES = fileURLToPath(new URL('../../fixtures/config/', import.meta.url));

/** Loads a text as if it were a file among the fixtures. */
export function load(text: string, input: Partial<LoadInput> = {}): LoadResult {
  return loadConfig({ text, file: `${FIXTURES}meerkat.toml`, env: {}, moduleSchemas, ...input });
}

/** Loads a text that must be fine. */
export function loaded(text: string, input: Partial<LoadInput> = {}): Config {
  const result = load(text, input);
  if (!result.ok) throw new Error(formatProblems(result.problems, 'meerkat.toml'));
  return result.config;
}

/** The problems of a text, one a line: `2:3 path: message; did you mean "…"?`. */
export function problemsOf(text: string, input: Partial<LoadInput> = {}): string[] {
  const result = load(text, input);
  return result.ok ? [] : shown(result.problems);
}

/** The warnings of a text, in the same form. */
export function warningsOf(text: string, input: Partial<LoadInput> = {}): string[] {
  return shown(load(text, input).warnings);
}

function shown(problems: readonly Problem[]): string[] {
  return problems.map((problem) => formatProblem(problem, '').slice(1));
}

export { moduleSchemas };
