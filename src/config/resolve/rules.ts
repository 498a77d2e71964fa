import { parseDomain, parseLocalpart, parseResource } from '../../xmpp/jid.ts';
import type { AccessClause, AccessValue, AclPattern, PartPattern, ShaperConfig } from '../config.ts';
import { compileRegexp } from '../linear-regexp.ts';
import { nearest } from '../nearest.ts';
import type { Path } from '../path.ts';
import { showValue } from '../problem.ts';
import type { AccessSection, AclSection, PatternTable, ShaperSection } from '../schema/rules.ts';
import type { ResolveContext } from './context.ts';

/** Shapers that exist without a line in the file; one of the same name there replaces them. Numbers: docs/security.md. */
export const BUILT_IN_SHAPERS: readonly ShaperConfig[] = [
  { name: 'normal', maxRate: 32_768, burst: 262_144 },
  { name: 'fast', maxRate: 1_048_576, burst: 1_048_576 },
];
/** The name that says "no shaper". */
const NO_SHAPER = 'none';
const GLOB_LENGTH_MAX = 256;

export function resolveShapers(
  section: ShaperSection,
  { report }: ResolveContext,
): Map<string, ShaperConfig> {
  const shapers = new Map(BUILT_IN_SHAPERS.map((shaper) => [shaper.name, shaper]));
  for (const [name, { max_rate: maxRate, burst }] of section) {
    if (name === NO_SHAPER)
      report.error(['shaper', name], '"none" means no shaper and cannot be the name of one');
    shapers.set(name, { name, maxRate, burst: burst ?? maxRate });
  }
  return shapers;
}

/** The shaper of that name; undefined for `none`. */
export function shaperNamed(
  name: string,
  shapers: ReadonlyMap<string, ShaperConfig>,
  path: Path,
  { report }: ResolveContext,
): ShaperConfig | undefined {
  const shaper = shapers.get(name);
  if (shaper === undefined && name !== NO_SHAPER) {
    report.error(path, `no shaper has the name ${showValue(name)}`, {
      value: name,
      suggestion: nearest(name, [...shapers.keys(), NO_SHAPER]),
    });
  }
  return shaper;
}

export function resolveAcl(
  section: AclSection,
  path: Path,
  context: ResolveContext,
): Map<string, readonly AclPattern[]> {
  const lists = new Map<string, readonly AclPattern[]>();
  for (const [name, patterns] of section) {
    if (name === 'all' || name === 'none')
      context.report.error([...path, name], 'the name of a list that always exists');
    lists.set(
      name,
      patterns.map((pattern, i) => resolvePattern(pattern, [...path, name, i], context)),
    );
  }
  return lists;
}

function resolvePattern(table: PatternTable, path: Path, context: ResolveContext): AclPattern {
  const part = (key: 'user' | 'server' | 'resource', prepare: (text: string) => string | undefined) =>
    resolvePart(key, table[key], table[`${key}_regexp`], table[`${key}_glob`], prepare, path, context);
  return {
    match: table.match,
    user: part('user', parseLocalpart),
    server: part('server', parseDomain),
    resource: part('resource', parseResource),
  };
}

function resolvePart(
  key: string,
  exact: string | undefined,
  regexp: string | undefined,
  glob: string | undefined,
  prepare: (text: string) => string | undefined,
  path: Path,
  { report }: ResolveContext,
): PartPattern | undefined {
  if (exact === undefined && regexp === undefined && glob === undefined) return undefined;
  const prepared = exact === undefined ? undefined : prepare(exact);
  if (exact !== undefined && prepared === undefined) {
    report.error([...path, key], `cannot be part of an address, got ${showValue(exact)}`, { value: exact });
  }
  const compiled = regexp === undefined ? undefined : compileRegexp(regexp);
  if (typeof compiled === 'string') report.error([...path, `${key}_regexp`], compiled, { value: regexp });
  if (glob !== undefined && glob.length > GLOB_LENGTH_MAX) {
    report.error([...path, `${key}_glob`], `glob is longer than ${GLOB_LENGTH_MAX} characters`, {
      value: glob,
    });
  }
  return { exact: prepared, regexp: typeof compiled === 'string' ? undefined : compiled, glob };
}

/** Joins the lists of a host type to the global ones (config.md §1: union). */
export function mergeAcl(
  global: ReadonlyMap<string, readonly AclPattern[]>,
  own: ReadonlyMap<string, readonly AclPattern[]>,
): Map<string, readonly AclPattern[]> {
  const merged = new Map(global);
  for (const [name, patterns] of own) merged.set(name, [...(global.get(name) ?? []), ...patterns]);
  return merged;
}

/** What access clauses may refer to. */
export interface RuleNames {
  readonly acls: ReadonlySet<string>;
  readonly shapers: ReadonlyMap<string, ShaperConfig>;
}

export function resolveAccess(
  section: AccessSection,
  names: RuleNames,
  path: Path,
  context: ResolveContext,
): Map<string, readonly AccessClause[]> {
  const rules = new Map<string, readonly AccessClause[]>();
  for (const [rule, clauses] of section) {
    rules.set(
      rule,
      clauses.map(({ acl, value }, i) => {
        const clausePath = [...path, rule, i];
        warnUnknownAcl(acl, names.acls, [...clausePath, 'acl'], context);
        return { acl, value: accessValue(value, names.shapers, [...clausePath, 'value'], context) };
      }),
    );
  }
  return rules;
}

// MongooseIM takes an unknown list for an empty one, and so do we; but it is hardly ever meant.
function warnUnknownAcl(
  acl: string,
  acls: ReadonlySet<string>,
  path: Path,
  { report }: ResolveContext,
): void {
  if (acls.has(acl)) return;
  const message = `no [acl] list has the name ${showValue(acl)}, so this clause never matches`;
  report.warn(path, message, { value: acl, suggestion: nearest(acl, [...acls]) });
}

const ACCESS_WORDS = ['allow', 'deny', 'default'];

function accessValue(
  value: string | number,
  shapers: ReadonlyMap<string, ShaperConfig>,
  path: Path,
  { report }: ResolveContext,
): AccessValue {
  if (typeof value === 'number' || ACCESS_WORDS.includes(value)) return value;
  if (value === 'infinity') return Number.POSITIVE_INFINITY;
  if (value === NO_SHAPER || shapers.has(value)) return value;
  const expected = '"allow", "deny", "default", an integer, "infinity" or the name of a shaper';
  const suggestion = nearest(value, [...ACCESS_WORDS, 'infinity', ...shapers.keys()]);
  report.error(path, `expected ${expected}, got ${showValue(value)}`, { value, expected, suggestion });
  return value;
}

/**
 * Joins the rules of a host type to the global ones (config.md §4): its clauses come after them, but before a final clause
 * that allows everybody.
 */
export function mergeAccess(
  global: ReadonlyMap<string, readonly AccessClause[]>,
  own: ReadonlyMap<string, readonly AccessClause[]>,
): Map<string, readonly AccessClause[]> {
  const merged = new Map(global);
  for (const [rule, clauses] of own) {
    const before = global.get(rule) ?? [];
    const last = before.at(-1);
    const isOpen = last?.acl === 'all' && last.value === 'allow';
    merged.set(rule, isOpen ? [...before.slice(0, -1), ...clauses, last] : [...before, ...clauses]);
  }
  return merged;
}
