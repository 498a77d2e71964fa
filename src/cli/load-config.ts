import type { Config } from '../config/config.ts';
import { formatProblems } from '../config/problem.ts';
import { readConfig } from '../config/read.ts';
import { BUILT_IN_MODULES } from '../modules/registry.ts';

/** Where the configuration comes from, as the command line says. */
export interface ConfigSource {
  readonly config?: string | undefined;
  readonly data?: string | undefined;
}

/** Loads the configuration; prints all that is wrong with it and returns undefined when it cannot be used. */
export function loadOrReport(source: ConfigSource): Config | undefined {
  const moduleSchemas = new Map([...BUILT_IN_MODULES].map(([name, { options }]) => [name, options]));
  const result = readConfig({
    file: source.config,
    dataDirectory: source.data,
    env: process.env,
    moduleSchemas,
  });
  const file = source.config ?? 'default configuration';
  if (result.warnings.length > 0) process.stderr.write(`${formatProblems(result.warnings, file)}\n`);
  if (result.ok) return result.config;
  process.stderr.write(`${formatProblems(result.problems, file)}\n`);
  return undefined;
}
