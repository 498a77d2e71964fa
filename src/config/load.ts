import { dirname, resolve as resolvePath } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import type { Config } from './config.ts';
import { deepFreeze } from './freeze.ts';
import { setAsideForeign } from './not-yet.ts';
import { isTable, type Path, type Table } from './path.ts';
import type { Problem } from './problem.ts';
import { Report } from './report.ts';
import { type Overrides, resolve } from './resolve/resolve.ts';
import { documentSchema } from './schema/document.ts';
import { type Positions, tomlPositions } from './toml-positions.ts';
import { validate } from './validate.ts';

/** What to load, and what overrides it. */
export interface LoadInput extends Overrides {
  /** The TOML text. */
  readonly text: string;
  /** Where it came from; relative paths in it start there. Undefined for a text of our own: they start in the working directory. */
  readonly file?: string | undefined;
  /** The options of the built-in modules, each declared beside its module. */
  readonly moduleSchemas: ReadonlyMap<string, z.ZodType>;
}

export type LoadResult =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly warnings: readonly Problem[];
      /** For `validateOptions`, once the operator's own modules are loaded. */
      readonly positions: Positions;
    }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

// A configuration has a few kilobytes; what is far larger is another file.
const TEXT_LENGTH_MAX = 1024 * 1024;
const NESTING_MAX = 32;

/**
 * Loads a configuration: parse, set aside what only MongooseIM has, validate, resolve references, freeze. All problems are
 * found in one go, each with its place. Files that it names are read (secrets) or looked for (certificates), nothing is written.
 */
export function loadConfig(input: LoadInput): LoadResult {
  const parsed = parseToml(input.text);
  if ('problem' in parsed) return { ok: false, problems: [parsed.problem], warnings: [] };
  const positions = tomlPositions(input.text);
  const report = new Report(positions);
  refuseUnsafeKeys(parsed.tree, [], report);
  setAsideForeign(parsed.tree, report);
  const config = build(parsed.tree, input, report);
  if (config === undefined || report.errors.length > 0) {
    return { ok: false, problems: report.errors, warnings: report.warnings };
  }
  return { ok: true, config: deepFreeze(config), warnings: report.warnings, positions };
}

function build(tree: Table, input: LoadInput, report: Report): Config | undefined {
  const document = validate(documentSchema, tree, [], report);
  if (document === undefined) return undefined;
  const directory = input.file === undefined ? process.cwd() : dirname(resolvePath(input.file));
  return resolve(document, input.file, input, {
    report,
    directory,
    env: input.env,
    moduleSchemas: input.moduleSchemas,
  });
}

function parseToml(text: string): { readonly tree: Table } | { readonly problem: Problem } {
  if (text.length > TEXT_LENGTH_MAX) {
    const message = `larger than ${TEXT_LENGTH_MAX} characters, this cannot be a configuration`;
    return { problem: { path: '', line: 1, column: 1, message } };
  }
  try {
    return { tree: parse(text, { maxDepth: NESTING_MAX }) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const message = error.message.split('\n')[0]!.replace('Invalid TOML document', 'not valid TOML');
    return { problem: { path: '', line: error.line, column: error.column, message } };
  }
}

/** `__proto__` never is a key: it is taken out before anything else looks at the tree (threat T54). */
function refuseUnsafeKeys(value: unknown, path: Path, report: Report): void {
  if (Array.isArray(value)) {
    for (const [i, element] of value.entries()) refuseUnsafeKeys(element, [...path, i], report);
  } else if (isTable(value)) {
    for (const key of Object.keys(value)) {
      if (key === '__proto__') {
        report.error([...path, key], 'unknown key');
        delete value[key];
      } else refuseUnsafeKeys(value[key], [...path, key], report);
    }
  }
}
