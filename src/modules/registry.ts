import mod_adhoc from './mod-adhoc/mod-adhoc.ts';
import mod_caps from './mod-caps/mod-caps.ts';
import mod_disco from './mod-disco/mod-disco.ts';
import mod_last from './mod-last/mod-last.ts';
import mod_offline from './mod-offline/mod-offline.ts';
import mod_offline_stub from './mod-offline-stub.ts';
import mod_ping from './mod-ping/mod-ping.ts';
import mod_presence from './mod-presence/mod-presence.ts';
import mod_private from './mod-private.ts';
import mod_register from './mod-register/mod-register.ts';
import mod_time from './mod-time.ts';
import mod_vcard from './mod-vcard/mod-vcard.ts';
import mod_version from './mod-version.ts';
import type { ModuleDefinition } from './module.ts';

/** The built-in modules. */
export const BUILT_IN_MODULES: ReadonlyMap<string, ModuleDefinition> = new Map(
  [
    mod_adhoc,
    mod_caps,
    mod_disco,
    mod_last,
    mod_offline,
    mod_offline_stub,
    mod_ping,
    mod_presence,
    mod_private,
    mod_register,
    mod_time,
    mod_vcard,
    mod_version,
  ].map((definition) => [definition.name, definition as unknown as ModuleDefinition]),
);
