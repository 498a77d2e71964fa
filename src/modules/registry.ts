import mod_disco from './mod-disco/mod-disco.ts';
import mod_offline from './mod-offline/mod-offline.ts';
import mod_ping from './mod-ping/mod-ping.ts';
import mod_presence from './mod-presence/mod-presence.ts';
import mod_register from './mod-register/mod-register.ts';
import mod_roster from './mod-roster/mod-roster.ts';
import mod_time from './mod-time.ts';
import mod_version from './mod-version.ts';
import type { ModuleDefinition } from './module.ts';

/** The built-in modules. */
export const BUILT_IN_MODULES: ReadonlyMap<string, ModuleDefinition> = new Map(
  [mod_disco, mod_offline, mod_ping, mod_presence, mod_register, mod_roster, mod_time, mod_version].map(
    (definition) => [definition.name, definition as unknown as ModuleDefinition],
  ),
);
