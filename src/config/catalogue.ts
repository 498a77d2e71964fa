import { z } from 'zod';
import type { Effect } from './option.ts';
import { childSchema, core, defaultOf, isOptional, metaOf, typeText } from './schema-tree.ts';

/** One option of the schema, as the documentation shows it. */
export interface CatalogueEntry {
  /** `[]` stands for an index, `NAME` for a name that the operator gives: `listen.c2s[].port`, `shaper.NAME.max_rate`. */
  readonly path: string;
  readonly type: string;
  /** In TOML or in words; undefined when there is none. */
  readonly defaultText: string | undefined;
  readonly isRequired: boolean;
  readonly unit: string | undefined;
  readonly about: string;
  readonly reload: Effect;
}

/** All options below a schema, in the order in which they are declared. Tables are not listed, only what they hold. */
export function catalogue(schema: z.ZodType, path = '', reload: Effect = 'live'): CatalogueEntry[] {
  const meta = metaOf(schema);
  const effect = meta?.reload ?? reload;
  const node = core(schema);
  if (node instanceof z.ZodObject) {
    const keys = Object.keys(node.shape);
    if (keys.length > 0)
      return keys.flatMap((key) => catalogue(childSchema(node, key)!, join(path, key), effect));
  }
  if (node instanceof z.ZodArray && core(node.element as z.ZodType) instanceof z.ZodObject) {
    return catalogue(node.element as z.ZodType, `${path}[]`, effect);
  }
  if (node instanceof z.ZodMap) return catalogue(node.valueType as z.ZodType, join(path, 'NAME'), effect);
  return [
    {
      path,
      type: typeText(schema),
      defaultText: meta?.defaultText ?? tomlText(defaultOf(schema)),
      isRequired: !isOptional(schema),
      unit: meta?.unit,
      about: meta?.about ?? '',
      reload: effect,
    },
  ];
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function tomlText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (value === Number.POSITIVE_INFINITY) return '`"infinity"`';
  return `\`${JSON.stringify(value).replaceAll(',', ', ')}\``;
}
