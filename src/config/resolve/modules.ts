import type { ModuleConfig } from '../config.ts';
import { nearest } from '../nearest.ts';
import { MODULE_OPTIONS_WITHOUT_EFFECT, MONGOOSE_MODULES, NO_EFFECT_TEXT, NOT_YET_TEXT } from '../not-yet.ts';
import type { Path, Table } from '../path.ts';
import { showValue } from '../problem.ts';
import { tableKeys } from '../schema-tree.ts';
import { validate } from '../validate.ts';
import type { ResolveContext } from './context.ts';
import { absolute, unreadable } from './files.ts';

/** What runs when the file has no `[modules]` section: what chat clients look for, and nothing that opens the server to strangers. */
export const DEFAULT_MODULES: readonly string[] = [
  'mod_roster',
  'mod_presence',
  'mod_offline',
  'mod_disco',
  'mod_caps',
  'mod_adhoc',
  'mod_carboncopy',
  'mod_csi',
  'mod_ping',
  'mod_sic',
  'mod_stream_management',
  'mod_version',
  'mod_time',
  'mod_privacy',
  'mod_blocking',
  'mod_last',
  'mod_private',
  'mod_vcard',
  'mod_sasl2',
  'mod_bind2',
  'mod_fast_auth_token',
];

type ModulesSection = ReadonlyMap<string, Table>;

export function resolveModules(
  section: ModulesSection | undefined,
  path: Path,
  context: ResolveContext,
): Map<string, ModuleConfig> {
  const modules = new Map<string, ModuleConfig>();
  for (const [name, table] of section ?? defaultSection(context)) {
    const module =
      'path' in table
        ? ownModule(name, table, [...path, name], context)
        : builtInModule(name, table, [...path, name], context);
    if (module !== undefined) modules.set(name, module);
  }
  return modules;
}

function defaultSection({ moduleSchemas }: ResolveContext): ModulesSection {
  const present = DEFAULT_MODULES.filter((name) => moduleSchemas.has(name));
  return new Map(present.map((name) => [name, Object.create(null) as Table]));
}

function builtInModule(
  name: string,
  table: Table,
  path: Path,
  context: ResolveContext,
): ModuleConfig | undefined {
  const { moduleSchemas, report } = context;
  const schema = moduleSchemas.get(name);
  if (schema === undefined) {
    if (MONGOOSE_MODULES.has(name)) report.warn(path, NOT_YET_TEXT);
    else {
      const suggestion = nearest(name, [...moduleSchemas.keys(), ...MONGOOSE_MODULES]);
      report.error(path, 'no built-in module has this name, and no path says where it is', { suggestion });
    }
    return undefined;
  }
  const keys = tableKeys(schema);
  const options: Table = Object.create(null);
  for (const [key, value] of Object.entries(table)) {
    const isForeign = MODULE_OPTIONS_WITHOUT_EFFECT.has(key) && keys !== undefined && !keys.includes(key);
    if (isForeign) report.warn([...path, key], NO_EFFECT_TEXT);
    else options[key] = value;
  }
  return { name, path: undefined, options: validate(schema, options, path, report) };
}

const FILE = /^\.{0,2}\/|\.[cm]?[jt]s$/;

/** A module of the operator's: its options are checked when it is loaded, with the schema that it exports. */
function ownModule(
  name: string,
  table: Table,
  path: Path,
  context: ResolveContext,
): ModuleConfig | undefined {
  const { path: place } = table;
  const placePath = [...path, 'path'];
  if (typeof place !== 'string' || place === '') {
    const expected = 'the name of a file or package';
    context.report.error(placePath, `expected ${expected}, got ${showValue(place)}`, {
      value: place,
      expected,
    });
    return undefined;
  }
  const options: Table = Object.assign(Object.create(null), table);
  delete options['path'];
  if (!FILE.test(place)) return { name, path: place, options };
  const file = absolute(context, place);
  const why = unreadable(file);
  if (why !== undefined) context.report.error(placePath, `cannot read ${file}: ${why}`, { value: place });
  return { name, path: file, options };
}
