import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defaultConfigText } from './default-config.ts';
import { type Environment, variable } from './environment.ts';
import { type LoadInput, type LoadResult, loadConfig } from './load.ts';

/** Where the configuration is, before it is read. */
export interface ReadInput extends Omit<LoadInput, 'text' | 'file'> {
  /** From `--config`. */
  readonly file?: string | undefined;
}

/** The absolute name of the configuration file; undefined when the built-in defaults apply. */
export function configFile(file: string | undefined, env: Environment): string | undefined {
  const name = file ?? variable(env, 'MEERKAT_CONFIG');
  return name === undefined ? undefined : resolve(name);
}

/** Reads and loads the file of `--config` or `MEERKAT_CONFIG`, or the built-in defaults. */
export function readConfig(input: ReadInput): LoadResult {
  const file = configFile(input.file, input.env);
  if (file === undefined) return loadConfig({ ...input, text: defaultConfigText(), file: undefined });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const message = `cannot read the configuration: ${(error as Error).message}`;
    return { ok: false, problems: [{ path: '', line: 1, column: 1, message }], warnings: [] };
  }
  return loadConfig({ ...input, text, file });
}
