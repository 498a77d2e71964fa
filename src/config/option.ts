import { z } from 'zod';

/** When a changed option counts after a reload (SIGHUP). */
export type Effect = 'live' | 'new connections' | 'restart';

/** What the documentation, the problems and a reload need to know about an option, kept beside its type. */
export interface OptionMeta {
  /** What the option does, in one or two sentences. */
  readonly about: string;
  readonly unit?: string;
  /** Options of modules are live: a module is restarted with its new options. */
  readonly reload?: Effect;
  /** The default in words, where the schema has none because it is worked out while loading. */
  readonly defaultText?: string;
  /** The valid values in words, where the schema's own description would mislead. */
  readonly type?: string;
  /** Never shown in messages. */
  readonly secret?: boolean;
}

const metas = z.registry<OptionMeta>();

/** Declares an option: its type (with default and range) and what there is to say about it. */
export function option<S extends z.ZodType>(schema: S, meta: OptionMeta): S {
  if (metas.has(schema)) throw new Error('this schema is another option already');
  metas.add(schema, meta);
  return schema;
}

/** What was declared about a schema; a plain zod description counts as `about`. */
export function optionMeta(schema: z.ZodType): OptionMeta | undefined {
  const meta = metas.get(schema);
  if (meta !== undefined) return meta;
  const about = schema.description;
  return about === undefined ? undefined : { about };
}
