import { isIP } from 'node:net';
import { z } from 'zod';
import { parseDomain } from '../xmpp/jid.ts';
import { isTable } from './path.ts';

/** Types of values that several options share. */

/** An integer, or `"infinity"` for no limit. */
export function intOrInfinity(min: number, max = Number.MAX_SAFE_INTEGER) {
  const infinity = z.literal('infinity').transform(() => Number.POSITIVE_INFINITY);
  return z.union([z.int().min(min).max(max), infinity]);
}

/** A string that says something. */
export const text = () => z.string().min(1);

/** A domain, prepared as RFC 7622 says. */
export const domain = () =>
  z.string().transform((value, context) => parseDomain(value) ?? refuse(context, 'not a domain name'));

/** A domain, or `*.` and a domain, for certificates. */
export const certificateDomain = () =>
  z.string().transform((value, context) => {
    const wildcard = value.startsWith('*.') ? '*.' : '';
    const prepared = parseDomain(value.slice(wildcard.length));
    return prepared === undefined ? refuse(context, 'not a domain name') : wildcard + prepared;
  });

export const ipAddress = () =>
  z.string().refine((value) => isIP(value) !== 0, { error: 'not an IP address' });

/** Tables that the operator names himself, as a Map: a name from the file is never a key of an object. */
export function namedTables<S extends z.ZodType>(member: S) {
  const toMap = (value: unknown) => (isTable(value) ? new Map(Object.entries(value)) : value);
  return z.preprocess(toMap, z.map(z.string(), member));
}

const offered = z.registry<{ readonly names: readonly string[] }>();

/**
 * One of some names, of which the first list is recommended. The others pass too, so that files of MongooseIM load: whoever
 * uses the value drops or translates them (see `resolve/names.ts`).
 */
export function nameFrom<const N extends readonly string[], const O extends readonly string[]>(
  names: N,
  others: O,
) {
  const schema = z.enum([...names, ...others] as (N[number] | O[number])[] as [N[number] | O[number]]);
  offered.add(schema, { names });
  return schema;
}

/** The names to recommend of a schema made by `nameFrom`. */
export function offeredNames(schema: z.ZodType): readonly string[] | undefined {
  return offered.get(schema)?.names;
}

function refuse(context: z.RefinementCtx<unknown>, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}
