import { z } from 'zod';
import { type OptionMeta, optionMeta } from './option.ts';
import type { Path } from './path.ts';
import { offeredNames } from './values.ts';

/** Questions about a zod schema: what is below it, how its values are described, what its default is. */

/** The schema inside one wrapper (default, optional, a transformation); undefined when there is none. */
function inner(schema: z.ZodType): z.ZodType | undefined {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch
  ) {
    return schema.def.innerType as z.ZodType;
  }
  // A pipe reads with its first half, except that `preprocess` puts its transformation first.
  if (schema instanceof z.ZodPipe) {
    return (schema.def.in instanceof z.ZodTransform ? schema.def.out : schema.def.in) as z.ZodType;
  }
  return undefined;
}

/** The schema without its wrappers. */
export function core(schema: z.ZodType): z.ZodType {
  let current = schema;
  for (let next = inner(current); next !== undefined; next = inner(current)) current = next;
  return current;
}

/** The schema of a table's key or a list's element. Undefined: no such key, or a value without a schema of its own. */
export function childSchema(schema: z.ZodType, step: string | number): z.ZodType | undefined {
  const node = core(schema);
  if (typeof step === 'number') return node instanceof z.ZodArray ? (node.element as z.ZodType) : undefined;
  if (node instanceof z.ZodObject) {
    return Object.hasOwn(node.shape, step) ? (node.shape[step] as z.ZodType) : undefined;
  }
  if (node instanceof z.ZodMap || node instanceof z.ZodRecord) return node.valueType as z.ZodType;
  return undefined;
}

/** The schema at a path. */
export function schemaAt(root: z.ZodType, path: Path): z.ZodType | undefined {
  let schema: z.ZodType | undefined = root;
  for (const step of path) schema = schema === undefined ? undefined : childSchema(schema, step);
  return schema;
}

/** The keys a table may have; undefined when it may have any. */
export function tableKeys(schema: z.ZodType): readonly string[] | undefined {
  const node = core(schema);
  if (!(node instanceof z.ZodObject)) return undefined;
  const { catchall } = node.def;
  return catchall === undefined || catchall instanceof z.ZodNever ? Object.keys(node.shape) : undefined;
}

/** What was declared about a schema or what it wraps. */
export function metaOf(schema: z.ZodType): OptionMeta | undefined {
  for (let current: z.ZodType | undefined = schema; current !== undefined; current = inner(current)) {
    const meta = optionMeta(current);
    if (meta !== undefined) return meta;
  }
  return undefined;
}

/** Whether the value may be left out. */
export function isOptional(schema: z.ZodType): boolean {
  return schema.safeParse(undefined).success;
}

/** The default that the schema fills in; undefined when there is none. */
export function defaultOf(schema: z.ZodType): unknown {
  for (let current: z.ZodType | undefined = schema; current !== undefined; current = inner(current)) {
    if (current instanceof z.ZodDefault) return current.def.defaultValue;
  }
  return undefined;
}

/** The valid values in words: `integer from 0 to 65535`, `"tls" or "starttls"`, `list of strings`. */
export function typeText(schema: z.ZodType): string {
  const declared = metaOf(schema)?.type;
  if (declared !== undefined) return declared;
  const node = core(schema);
  if (node instanceof z.ZodNumber) return numberText(node);
  if (node instanceof z.ZodString) return node.minLength === null ? 'string' : 'non-empty string';
  if (node instanceof z.ZodBoolean) return 'true or false';
  if (node instanceof z.ZodEnum)
    return alternatives((offeredNames(node) ?? node.options).map((name) => JSON.stringify(name)));
  if (node instanceof z.ZodLiteral)
    return alternatives([...node.values].map((value) => JSON.stringify(value)));
  if (node instanceof z.ZodUnion) return alternatives(node.options.map((one) => typeText(one as z.ZodType)));
  if (node instanceof z.ZodArray) return listText(node.element as z.ZodType);
  if (node instanceof z.ZodMap || node instanceof z.ZodRecord) return 'table of named entries';
  if (node instanceof z.ZodObject) return 'table';
  return 'value';
}

function numberText(node: z.ZodNumber): string {
  const kind = node.isInt ? 'integer' : 'number';
  const min = node.minValue ?? Number.NEGATIVE_INFINITY;
  const max = node.maxValue ?? Number.POSITIVE_INFINITY;
  const hasMin = min > Number.MIN_SAFE_INTEGER;
  const hasMax = max < Number.MAX_SAFE_INTEGER;
  if (hasMin && hasMax) return `${kind} from ${min} to ${max}`;
  if (hasMin) return `${kind} ≥ ${min}`;
  return hasMax ? `${kind} ≤ ${max}` : kind;
}

function listText(element: z.ZodType): string {
  const node = core(element);
  if (node instanceof z.ZodString) return 'list of strings';
  if (node instanceof z.ZodObject) return 'list of tables';
  return `list of ${typeText(element)}`;
}

function alternatives(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`;
}
