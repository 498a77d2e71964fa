import { AdminError } from '../admin/errors.ts';
import type { Config } from '../config/config.ts';
import type { LoadResult } from '../config/load.ts';
import { formatProblems, type Problem } from '../config/problem.ts';
import { readConfig } from '../config/read.ts';
import { BUILT_IN_MODULES } from '../modules/registry.ts';
import { loadModule, ModuleLoadError, optionsOf } from '../shard/module-loader.ts';
import type { Io } from './io.ts';
import type { Target } from './target.ts';

/** Reads the configuration that the options name. */
export function readTarget(target: Target, env: NodeJS.ProcessEnv): LoadResult {
  const moduleSchemas = new Map([...BUILT_IN_MODULES].map(([name, { options }]) => [name, options]));
  return readConfig({ file: target.config, dataDirectory: target.data, env, moduleSchemas });
}

/** What a configuration is called in messages. */
export function nameOf(target: Target, env: NodeJS.ProcessEnv): string {
  return target.config ?? env['MEERKAT_CONFIG'] ?? 'default configuration';
}

/** Loads the configuration. Throws `config_invalid` with all that is wrong. */
export function loadConfigOf(
  target: Target,
  env: NodeJS.ProcessEnv,
): { readonly config: Config; readonly warnings: readonly Problem[] } {
  const result = readTarget(target, env);
  if (result.ok) return result;
  const { problems } = result;
  throw new AdminError(
    'config_invalid',
    formatProblems(problems, nameOf(target, env)),
    problems.map(withoutValue),
  );
}

/** The same for commands that go on: they tell warnings on standard error. */
export function loadConfigFor(target: Target, io: Io): Config {
  const { config, warnings } = loadConfigOf(target, io.env);
  if (warnings.length > 0) io.err(`${formatProblems(warnings, nameOf(target, io.env))}\n`);
  return config;
}

/** Whether the operator's own modules can be loaded, and take their options. Throws `config_invalid`. */
export async function checkOwnModules(config: Config): Promise<void> {
  const own = [...config.hostTypes.values()].flatMap(({ modules }) =>
    [...modules.values()].filter(({ path }) => path !== undefined),
  );
  const problems: string[] = [];
  for (const module of own) {
    try {
      optionsOf(module, await loadModule(module, 0));
    } catch (cause) {
      if (!(cause instanceof ModuleLoadError)) throw cause;
      problems.push(`modules.${module.name}: ${cause.message}`);
    }
  }
  const messages = [...new Set(problems)];
  if (messages.length > 0) throw new AdminError('config_invalid', messages.join('\n'), messages);
}

/** A problem for a program. Values are left out: some file may hold a secret in the wrong place. */
export function withoutValue<P extends { readonly value?: unknown }>({
  value: _,
  ...problem
}: P): Omit<P, 'value'> {
  return problem;
}
