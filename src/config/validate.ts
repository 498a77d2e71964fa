import { z } from 'zod';
import { nearest } from './nearest.ts';
import { isTable, type Path, type Table, valueAt } from './path.ts';
import { type Problem, showValue } from './problem.ts';
import { type ProblemDetails, Report } from './report.ts';
import { childSchema, core, isOptional, metaOf, schemaAt, tableKeys, typeText } from './schema-tree.ts';
import type { Positions } from './toml-positions.ts';

// A value that is replaced because it was wrong may itself lack something, once per level of nesting.
const REPAIRS_MAX = 8;

/**
 * Checks a part of the file against its schema and notes every problem. The result has the defaults filled in. Where values
 * were wrong it is still made, with the defaults or stand-ins in their place (put into `raw` as well), so that what depends on
 * the other values can be checked in the same run; the caller must not use it for anything else when the report has errors.
 */
export function validate<S extends z.ZodType>(
  schema: S,
  raw: unknown,
  path: Path,
  report: Report,
): z.output<S> | undefined {
  reportUnknownKeys(schema, raw, path, report);
  const root = { raw };
  for (let repairs = 0; repairs < REPAIRS_MAX; repairs++) {
    const result = schema.safeParse(root.raw);
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      // Unknown keys are noted above, in the same way for schemas that would refuse and for those that would strip them.
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) delete (valueAt(root.raw, issue.path as Path) as Table)[key];
        continue;
      }
      const below = issue.path as Path;
      reportIssue(schema, root.raw, issue, path, report);
      repair(schema, root, below);
    }
  }
  return undefined;
}

/**
 * Checks the options of an operator's own module with the schema that it exports, as `loadConfig` does for the built-in ones.
 * `path` is where they stand, for example `['modules', 'mod_mine']`.
 */
export function validateOptions<S extends z.ZodType>(
  schema: S,
  raw: unknown,
  path: Path,
  positions: Positions,
):
  | { readonly ok: true; readonly options: z.output<S> }
  | { readonly ok: false; readonly problems: readonly Problem[] } {
  const report = new Report(positions);
  const options = validate(schema, structuredClone(raw), path, report);
  if (report.errors.length > 0 || options === undefined) return { ok: false, problems: report.errors };
  return { ok: true, options };
}

function reportUnknownKeys(schema: z.ZodType, value: unknown, path: Path, report: Report): void {
  if (Array.isArray(value)) {
    for (const [i, element] of value.entries()) {
      const child = childSchema(schema, i);
      if (child !== undefined) reportUnknownKeys(child, element, [...path, i], report);
    }
  } else if (isTable(value)) {
    const keys = tableKeys(schema);
    for (const [key, member] of Object.entries(value)) {
      const child = childSchema(schema, key);
      if (child !== undefined) reportUnknownKeys(child, member, [...path, key], report);
      else if (keys !== undefined) reportUnknownKey([...path, key], keys, report);
    }
  }
}

/** Notes a key that the table does not have, with the nearest one that it has. */
export function reportUnknownKey(path: Path, keys: readonly string[], report: Report): void {
  report.error(path, 'unknown key', { suggestion: nearest(String(path.at(-1)), keys) });
}

function reportIssue(
  schema: z.ZodType,
  raw: unknown,
  issue: z.core.$ZodIssue,
  base: Path,
  report: Report,
): void {
  const below = issue.path as Path;
  const node = schemaAt(schema, below) ?? z.unknown();
  const value = valueAt(raw, below);
  const { message, ...details } = explain(node, value, issue);
  report.error([...base, ...below], message, details);
}

const HAS_OWN_WORDS: ReadonlySet<string | undefined> = new Set(['custom', 'invalid_format']);

function explain(
  node: z.ZodType,
  value: unknown,
  issue: z.core.$ZodIssue,
): ProblemDetails & { message: string } {
  const expected = typeText(node);
  const got = `, got ${showValue(value)}`;
  if (metaOf(node)?.secret) return { message: `expected ${expected}`, expected };
  // A check with words of its own (an address, a domain) knows best what is wrong.
  if (HAS_OWN_WORDS.has(issue.code) || node instanceof z.ZodUnknown)
    return { message: issue.message + got, value };
  if (value === undefined) return { message: `missing, expected ${expected}`, expected };
  if (Array.isArray(value) && value.length === 0 && core(node) instanceof z.ZodArray) {
    return { message: `expected ${expected}, with at least one element`, value, expected };
  }
  return { message: `expected ${expected}${got}`, value, expected, suggestion: nearestName(node, value) };
}

function nearestName(schema: z.ZodType, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const names = [...typeText(schema).matchAll(/"([^"]+)"/g)].map((match) => match[1]!);
  return nearest(value, names);
}

/** Takes a wrong value away, or puts one in its place that passes. */
function repair(schema: z.ZodType, root: { raw: unknown }, path: Path): void {
  const node = schemaAt(schema, path) ?? z.unknown();
  const key = path.at(-1);
  if (key === undefined) {
    root.raw = standIn(node);
    return;
  }
  const parent = valueAt(root.raw, path.slice(0, -1));
  if (Array.isArray(parent) && typeof key === 'number') parent[key] = standIn(node);
  else if (isTable(parent) && typeof key === 'string') {
    if (isOptional(node)) delete parent[key];
    else parent[key] = standIn(node);
  }
}

/** Some value that the schema takes, or at least one that is nearer to it. */
function standIn(schema: z.ZodType): unknown {
  const node = core(schema);
  if (node instanceof z.ZodNumber) return Math.max(node.minValue ?? 0, 0);
  if (node instanceof z.ZodString) return 'stand-in';
  if (node instanceof z.ZodBoolean) return false;
  if (node instanceof z.ZodEnum) return node.options[0];
  if (node instanceof z.ZodLiteral) return [...node.values][0];
  if (node instanceof z.ZodUnion) return standIn(node.options[0] as z.ZodType);
  if (node instanceof z.ZodArray) return [];
  return Object.create(null);
}
