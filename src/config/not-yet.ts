import { isTable, type Path, type Table } from './path.ts';
import type { Report } from './report.ts';
import { AUTH_METHODS_NOT_YET } from './schema/auth.ts';

/**
 * What files of MongooseIM may say and Meerkat does not have: loaded with a warning, so that an operator can start with the
 * file that he has. Patterns are paths, in which `[]` stands for any index and `*` for any key.
 */

const POOLS_NOT_YET = ['rdbms', 'redis', 'elastic', 'rabbit', 'cassandra'];
const SNI = 'connection.tls.server_name_indication';
const POOLS = ['outgoing_pools.http.*', 'outgoing_pools.ldap.*'];

/** Archives of rooms come with rooms. */
const MAM_NOT_YET = ['muc'];
/** How MongooseIM's archives write and read, and modules of Erlang that they call. */
const MAM_NO_EFFECT = [
  'is_archivable_message',
  'send_message',
  'extra_fin_element',
  'extra_lookup_params',
  'cache',
  'async_writer',
  'db_jid_format',
  'db_message_format',
];

const NOT_YET = [
  'internal_databases',
  ...POOLS_NOT_YET.map((kind) => `outgoing_pools.${kind}`),
  'services',
  'instrumentation',
  's2s',
  'general.http_server_name',
  'general.domain_certfile',
  'general.mongooseimctl_access_commands',
  'listen.s2s',
  'listen.component',
  'listen.c2s[].proxy_protocol',
  'listen.c2s[].tls.dhfile',
  'listen.c2s[].tls.early_data',
  'listen.c2s[].tls.session_tickets',
  'listen.c2s[].tls.keep_secrets',
  'listen.http[].proxy_protocol',
  'listen.http[].protocol',
  'listen.http[].tls.dhfile',
  'listen.http[].handlers.mongoose_bosh_handler',
  'listen.http[].handlers.mongoose_websocket_handler',
  'listen.http[].handlers.mongoose_graphql_handler',
  'listen.http[].handlers.mongoose_swagger_handler',
  'listen.http[].handlers.mongoose_admin_api',
  'listen.http[].handlers.mongoose_client_api',
  'host_config[].s2s',
  ...POOLS_NOT_YET.map((kind) => `host_config[].outgoing_pools.${kind}`),
  ...MAM_NOT_YET.flatMap(inMam),
  ...AUTH_METHODS_NOT_YET.flatMap((key) => [`auth.${key}`, `host_config[].auth.${key}`]),
];

/** Settings of the Erlang machine and of databases that Meerkat does not use. */
const NO_EFFECT = [
  'general.sm_backend',
  'general.s2s_backend',
  'general.component_backend',
  'general.max_fsm_queue',
  'general.rdbms_server_type',
  'general.pgsql_users_number_estimate',
  'general.all_metrics_are_global',
  'listen.c2s[].backwards_compatible_session',
  'listen.c2s[].hibernate_after',
  'listen.c2s[].num_acceptors',
  'listen.c2s[].proto',
  'listen.c2s[].reuse_port',
  'listen.c2s[].max_fsm_queue',
  'listen.c2s[].tls.module',
  'listen.c2s[].tls.protocol_options',
  'listen.http[].hibernate_after',
  'listen.http[].num_acceptors',
  'listen.http[].proto',
  'listen.http[].reuse_port',
  'listen.http[].transport.num_acceptors',
  'listen.http[].tls.module',
  ...MAM_NO_EFFECT.flatMap(inMam),
  ...POOLS.flatMap((pool) =>
    ['strategy', `${SNI}.enabled`, `${SNI}.protocol`].flatMap((key) => [
      `${pool}.${key}`,
      `host_config[].${pool}.${key}`,
    ]),
  ),
];

const RENAMED: readonly (readonly [pattern: string, use: string])[] = [
  ['listen.http[].transport.max_connections', 'max_connections of the listener'],
];

/** The modules of MongooseIM; one that Meerkat has by now is looked for there first. */
export const MONGOOSE_MODULES: ReadonlySet<string> = new Set([
  'mod_adhoc',
  'mod_amp',
  'mod_auth_token',
  'mod_bind2',
  'mod_blocking',
  'mod_blocklist',
  'mod_bosh',
  'mod_broadcast',
  'mod_cache_users',
  'mod_caps',
  'mod_carboncopy',
  'mod_csi',
  'mod_disco',
  'mod_domain_isolation',
  'mod_event_pusher',
  'mod_extdisco',
  'mod_external_filter',
  'mod_fast_auth_token',
  'mod_global_distrib',
  'mod_http_upload',
  'mod_inbox',
  'mod_jingle_sip',
  'mod_keystore',
  'mod_last',
  'mod_mam',
  'mod_muc',
  'mod_muc_light',
  'mod_muc_log',
  'mod_offline',
  'mod_offline_chatmarkers',
  'mod_offline_stub',
  'mod_ping',
  'mod_presence',
  'mod_privacy',
  'mod_private',
  'mod_pubsub',
  'mod_pubsub_old',
  'mod_push_service_mongoosepush',
  'mod_register',
  'mod_revproxy',
  'mod_roster',
  'mod_sasl2',
  'mod_shared_roster_ldap',
  'mod_sic',
  'mod_smart_markers',
  'mod_stanzaid',
  'mod_stream_management',
  'mod_time',
  'mod_vcard',
  'mod_version',
  'mod_websockets',
]);

/** Options of MongooseIM's modules that have no counterpart: how they schedule IQs, and in which database they keep data. */
export const MODULE_OPTIONS_WITHOUT_EFFECT: ReadonlySet<string> = new Set(['iqdisc', 'backend']);

/** An option of mod_mam wherever it may stand. */
function inMam(key: string): string[] {
  return ['modules.mod_mam', 'modules.mod_mam.pm'].flatMap((section) => [
    `${section}.${key}`,
    `host_config[].${section}.${key}`,
  ]);
}

export const NOT_YET_TEXT = 'not built yet, ignored';
export const NO_EFFECT_TEXT = 'has no effect in Meerkat, ignored';

/** Takes out of the tree what Meerkat does not have, with a warning for each. */
export function setAsideForeign(tree: Table, report: Report): void {
  for (const pattern of NOT_YET) setAside(tree, pattern, NOT_YET_TEXT, report);
  for (const pattern of NO_EFFECT) setAside(tree, pattern, NO_EFFECT_TEXT, report);
  for (const [pattern, use] of RENAMED) setAside(tree, pattern, `ignored, use ${use}`, report);
  removeEmptied(tree);
}

function setAside(tree: Table, pattern: string, message: string, report: Report): void {
  const steps = pattern
    .split('.')
    .flatMap((part) => (part.endsWith('[]') ? [part.slice(0, -2), '[]'] : [part]));
  remove(tree, steps, [], message, report);
}

function remove(value: unknown, steps: readonly string[], path: Path, message: string, report: Report): void {
  const [step, ...rest] = steps;
  if (step === '[]') {
    if (!Array.isArray(value)) return;
    for (const [i, element] of value.entries()) remove(element, rest, [...path, i], message, report);
  } else if (step === '*') {
    if (!isTable(value)) return;
    for (const key of Object.keys(value)) remove(value[key], rest, [...path, key], message, report);
  } else if (step !== undefined && isTable(value) && Object.hasOwn(value, step)) {
    if (rest.length > 0) remove(value[step], rest, [...path, step], message, report);
    else {
      delete value[step];
      report.warn([...path, step], message);
    }
  }
}

/** A `transport` table that held nothing else is not a key that Meerkat knows. */
function removeEmptied(tree: Table): void {
  const http = isTable(tree['listen']) ? tree['listen']['http'] : undefined;
  if (!Array.isArray(http)) return;
  for (const listener of http) {
    if (!isTable(listener) || !isTable(listener['transport'])) continue;
    if (Object.keys(listener['transport']).length === 0) delete listener['transport'];
  }
}
