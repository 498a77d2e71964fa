import { isDeepStrictEqual } from 'node:util';
import type { Config } from './config.ts';
import type { Effect } from './option.ts';
import { isTable, type Path, pathText } from './path.ts';
import { documentSchema } from './schema/document.ts';
import { metaOf, schemaAt } from './schema-tree.ts';

/** One option that differs between two configurations. */
export interface ReloadChange {
  readonly path: string;
  readonly effect: Effect;
}

/**
 * What changed between two configurations and when each change counts. Values are not part of it, some are secret. Certificate
 * files keep their names when they are renewed, so a reload reads them again whatever this list says.
 */
export function reloadPlan(before: Config, after: Config): ReloadChange[] {
  const changes: ReloadChange[] = [];
  compare(before.document, after.document, [], changes);
  return changes;
}

function compare(before: unknown, after: unknown, path: Path, changes: ReloadChange[]): void {
  if (isDeepStrictEqual(before, after)) return;
  const a = members(before);
  const b = members(after);
  if (a === undefined || b === undefined) {
    changes.push({ path: pathText(path), effect: effectAt(path) });
    return;
  }
  for (const key of new Set([...a.keys(), ...b.keys()]))
    compare(a.get(key), b.get(key), [...path, key], changes);
}

/** What a table or a list of tables holds; undefined for a value that changes as a whole. */
function members(value: unknown): ReadonlyMap<string | number, unknown> | undefined {
  if (value instanceof Map) return value;
  if (Array.isArray(value)) return value.every(isTable) ? new Map(value.entries()) : undefined;
  return isTable(value) ? new Map(Object.entries(value)) : undefined;
}

/** Declared at the option, or at the section that it is in. */
function effectAt(path: Path): Effect {
  for (let length = path.length; length > 0; length--) {
    const schema = schemaAt(documentSchema, path.slice(0, length));
    const effect = schema === undefined ? undefined : metaOf(schema)?.reload;
    if (effect !== undefined) return effect;
  }
  return 'restart';
}
