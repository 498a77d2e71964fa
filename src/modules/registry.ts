import mod_offline from './mod-offline/mod-offline.ts';
import mod_presence from './mod-presence/mod-presence.ts';
import type { ModuleDefinition } from './module.ts';

/** The built-in modules. */
export const BUILT_IN_MODULES: ReadonlyMap<string, ModuleDefinition> = new Map(
  [mod_offline, mod_presence].map((definition) => [
    definition.name,
    definition as unknown as ModuleDefinition,
  ]),
);
