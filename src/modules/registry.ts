import mod_adhoc from './mod-adhoc/mod-adhoc.ts';
import mod_amp from './mod-amp/mod-amp.ts';
import mod_auth_token from './mod-auth-token/mod-auth-token.ts';
import mod_bind2 from './mod-bind2/mod-bind2.ts';
import mod_blocklist from './mod-blocklist/mod-blocklist.ts';
import mod_cache_users from './mod-cache-users/mod-cache-users.ts';
import mod_caps from './mod-caps/mod-caps.ts';
import mod_carboncopy from './mod-carboncopy/mod-carboncopy.ts';
import mod_csi from './mod-csi/mod-csi.ts';
import mod_disco from './mod-disco/mod-disco.ts';
import mod_domain_isolation from './mod-domain-isolation.ts';
import mod_extdisco from './mod-extdisco/mod-extdisco.ts';
import mod_fast_auth_token from './mod-fast-auth-token/mod-fast-auth-token.ts';
import mod_keystore from './mod-keystore/mod-keystore.ts';
import mod_last from './mod-last/mod-last.ts';
import mod_mam from './mod-mam/mod-mam.ts';
import mod_offline from './mod-offline/mod-offline.ts';
import mod_offline_stub from './mod-offline-stub.ts';
import mod_ping from './mod-ping/mod-ping.ts';
import mod_presence from './mod-presence/mod-presence.ts';
import mod_blocking from './mod-privacy/mod-blocking.ts';
import mod_privacy from './mod-privacy/mod-privacy.ts';
import mod_private from './mod-private.ts';
import mod_register from './mod-register/mod-register.ts';
import mod_roster from './mod-roster/mod-roster.ts';
import mod_sasl2 from './mod-sasl2/mod-sasl2.ts';
import mod_sic from './mod-sic.ts';
import mod_stanzaid from './mod-stanzaid/mod-stanzaid.ts';
import mod_stream_management from './mod-stream-management/mod-stream-management.ts';
import mod_time from './mod-time.ts';
import mod_vcard from './mod-vcard/mod-vcard.ts';
import mod_version from './mod-version.ts';
import type { ModuleDefinition } from './module.ts';

/** The built-in modules. */
export const BUILT_IN_MODULES: ReadonlyMap<string, ModuleDefinition> = new Map(
  [
    mod_adhoc,
    mod_amp,
    mod_auth_token,
    mod_bind2,
    mod_blocking,
    mod_blocklist,
    mod_cache_users,
    mod_caps,
    mod_carboncopy,
    mod_csi,
    mod_disco,
    mod_domain_isolation,
    mod_extdisco,
    mod_fast_auth_token,
    mod_keystore,
    mod_last,
    mod_mam,
    mod_offline,
    mod_offline_stub,
    mod_ping,
    mod_presence,
    mod_privacy,
    mod_private,
    mod_register,
    mod_roster,
    mod_sasl2,
    mod_sic,
    mod_stanzaid,
    mod_stream_management,
    mod_time,
    mod_vcard,
    mod_version,
  ].map((definition) => [definition.name, definition as unknown as ModuleDefinition]),
);
