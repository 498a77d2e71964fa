import { createRequire, registerHooks } from 'node:module';
import { extname, isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ModuleConfig } from '../config/config.ts';
import type { ModuleDefinition } from '../modules/module.ts';
import { BUILT_IN_MODULES } from '../modules/registry.ts';

/** A module that is named in the configuration cannot be used. */
export class ModuleLoadError extends Error {}

/**
 * Finds the definition of a configured module: a built-in one by its name, an operator's own from its `path`, a file or a package.
 * `version` tells incarnations of a changed file apart, so that a reload reads it anew.
 */
export async function loadModule(config: ModuleConfig, version: number): Promise<ModuleDefinition> {
  if (config.path === undefined) {
    const definition = BUILT_IN_MODULES.get(config.name);
    if (definition === undefined) throw new ModuleLoadError(`there is no module ${config.name}`);
    return definition;
  }
  const url = moduleUrl(config.path);
  url.searchParams.set('v', String(version));
  let loaded: { default?: unknown };
  try {
    loaded = await import(url.href);
  } catch (cause) {
    throw new ModuleLoadError(`${config.name}: ${config.path} cannot be loaded: ${messageOf(cause)}`, {
      cause,
    });
  }
  const definition = loaded.default;
  if (!isDefinition(definition)) {
    throw new ModuleLoadError(`${config.name}: ${config.path} has no default export made by defineModule`);
  }
  if (definition.name !== config.name) {
    throw new ModuleLoadError(`${config.path} defines ${definition.name}, not ${config.name}`);
  }
  return definition;
}

/** What operators' modules import from, wherever they lie: the same file that the built-in ones use. */
const MODULE_API = 'meerkat/module';
const MODULE_API_URL = new URL(`../modules/module${extname(import.meta.url)}`, import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === MODULE_API ? next(MODULE_API_URL, context) : next(specifier, context),
});

function moduleUrl(path: string): URL {
  return pathToFileURL(isAbsolute(path) ? path : packageEntry(path));
}

/** The file of an installed package: below the working directory or one above it, else where the server itself is installed. */
function packageEntry(name: string): string {
  try {
    return createRequire(join(process.cwd(), 'package.json')).resolve(name);
  } catch {
    return createRequire(import.meta.url).resolve(name);
  }
}

function isDefinition(value: unknown): value is ModuleDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { name, setup, options } = value as Partial<ModuleDefinition>;
  return typeof name === 'string' && typeof setup === 'function' && options !== undefined;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** The options of an operator's own module, checked against its schema; built-in ones were checked with the configuration. */
export function optionsOf(config: ModuleConfig, definition: ModuleDefinition): unknown {
  if (config.path === undefined) return config.options;
  const result = definition.options.safeParse(config.options ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new ModuleLoadError(`options of ${config.name}: ${problems}`);
}
