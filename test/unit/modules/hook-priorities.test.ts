import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ModuleContext } from '../../../src/modules/module.ts';
import { BUILT_IN_MODULES } from '../../../src/modules/registry.ts';

/**
 * Where modules stand in the chains. Operators and modules of their own rely on MongooseIM's order: {@link MONGOOSE} is what each of its modules hangs on, and
 * every difference is named in {@link ABSENT} or {@link OURS}, with its reason.
 */

const REMOVAL = 'remove_user 50, anonymous_purge 50, remove_domain 50';
const EXPORT = 'get_personal_data 50';

const MONGOOSE: Readonly<Record<string, string>> = {
  mod_adhoc:
    'disco_local_features 99, disco_local_identity 99, disco_local_items 99, disco_sm_features 99, disco_sm_identity 99, disco_sm_items 99, adhoc_local_commands 100',
  mod_amp:
    'user_send_message 5, disco_local_features 99, c2s_stream_features 50, xmpp_send_element 10, amp_verify_support 10, amp_check_condition 10, amp_determine_strategy 10',
  mod_auth_token: 'disco_local_features 90, remove_user 50',
  mod_bind2: 'sasl2_stream_features 50, sasl2_start 50, sasl2_success 50',
  mod_blocking:
    'disco_local_features 99, privacy_iq_get 50, privacy_iq_set 50, user_send_iq 50, foreign_event 50',
  mod_blocklist: `session_opening_allowed_for_user 50, ${REMOVAL}`,
  mod_cache_users: 'does_user_exist 30, does_user_exist 70, remove_user 10, remove_domain 20',
  mod_caps:
    'disco_info 1, disco_local_features 1, disco_local_identity 1, user_send_presence 10, user_terminate 10, c2s_stream_features 50, s2s_stream_features 50',
  mod_carboncopy:
    'disco_local_features 99, bind2_stream_features 50, bind2_enable_features 50, unset_presence 10, user_send_message 89, user_receive_message 89',
  mod_csi:
    'c2s_stream_features 60, bind2_stream_features 50, bind2_enable_features 50, xmpp_presend_element 45, user_send_xmlel 60, user_stop_request 95, user_socket_closed 95, user_socket_error 95, reroute_unacked_messages 70',
  mod_disco:
    'disco_local_features 100, disco_local_items 100, disco_local_identity 100, disco_sm_features 100, disco_sm_items 100, disco_sm_identity 100, disco_info 100',
  mod_domain_isolation: 'filter_local_packet 10',
  mod_event_pusher:
    'filter_local_packet 80, user_send_message 90, user_available 90, unset_presence 90, unacknowledged_message 90, push_event 50, remove_user 90, remove_domain 50',
  mod_extdisco: '',
  mod_external_filter: 'user_send_message 3',
  mod_fast_auth_token:
    'sasl2_stream_features 50, sasl2_start 50, sasl2_success 50, remove_user 50, remove_domain 50',
  mod_inbox:
    'disco_local_features 99, user_send_message 70, filter_local_packet 90, update_inbox_for_muc 90, inbox_unread_count 80, remove_user 50, remove_domain 50, get_personal_data 50',
  mod_keystore: 'get_key 50',
  mod_last: `unset_presence 50, session_cleanup 50, sessions_cleanup 50, user_receive_iq 50, ${REMOVAL}`,
  mod_mam: `user_send_message 60, filter_local_packet 60, disco_local_features 99, disco_sm_features 99, amp_determine_strategy 20, sm_filter_offline_message 50, filter_unacknowledged_messages 50, mam_archive_id 50, mam_archive_message 50, mam_lookup_messages 50, mam_archive_size 50, mam_remove_archive 50, mam_archive_sync 50, mam_get_behaviour 50, mam_get_prefs 50, mam_set_prefs 50, ${REMOVAL}, ${EXPORT}`,
  mod_offline: `offline_message 50, offline_groupchat_message 50, resend_offline_messages 50, disco_local_features 50, disco_sm_features 50, amp_determine_strategy 30, failed_to_store_message 30, ${REMOVAL}, ${EXPORT}`,
  mod_offline_chatmarkers:
    'offline_message 40, offline_groupchat_message 40, resend_offline_messages 60, remove_user 50',
  mod_offline_stub: 'offline_message 75',
  mod_ping: 'user_send_packet 100, user_send_iq 100, user_ping_response 100, filter_local_packet 100',
  mod_presence: 'user_send_presence 50, user_receive_presence 50, user_terminate 90, foreign_event 50',
  mod_privacy: `disco_local_features 98, privacy_iq_get 50, privacy_iq_set 50, privacy_get_user_list 50, privacy_check_packet 50, privacy_updated_list 50, user_send_message 10, user_send_presence 10, user_send_iq 50, user_receive_message 10, user_receive_presence 10, user_receive_iq 10, foreign_event 50, ${REMOVAL}`,
  mod_private: `${REMOVAL}, ${EXPORT}`,
  mod_push_service_mongoosepush: 'push_notifications 10',
  mod_register: 'c2s_stream_features 50, user_send_xmlel 30',
  mod_roster: `roster_get 50, roster_in_subscription 50, roster_out_subscription 50, roster_get_subscription_lists 50, roster_get_jid_info 50, roster_get_versioning_feature 50, ${REMOVAL}, ${EXPORT}`,
  mod_sasl2: 'c2s_stream_features 50, user_send_xmlel 50',
  mod_sic: '',
  mod_smart_markers:
    'user_send_message 90, filter_local_packet 20, remove_user 60, remove_domain 60, forget_room 85, room_new_affiliations 60',
  mod_stanzaid: 'user_send_message 1, user_receive_message 100, filter_room_packet 100',
  mod_stream_management:
    'c2s_stream_features 50, user_send_packet 20, user_receive_packet 10, xmpp_presend_element 50, user_send_xmlel 50, foreign_event 50, user_stop_request 100, user_socket_closed 100, user_socket_error 100, user_terminate 100, reroute_unacked_messages 80, session_cleanup 50, sasl2_stream_features 50, sasl2_start 50, sasl2_success 20, bind2_stream_features 50, bind2_enable_features 50',
  mod_time: '',
  mod_vcard: `set_vcard 50, ${REMOVAL}, ${EXPORT}`,
  mod_version: '',
};

type Reasons = Readonly<Record<string, Readonly<Record<string, string>>>>;

const DECLARED = 'declared as `features` of the module; mod_disco gathers those';

/** What modules of MongooseIM hang on and ours do not. */
const ABSENT: Reasons = {
  mod_blocking: { 'disco_local_features 99': DECLARED },
  mod_caps: { 'disco_info 1': 'mod_disco passes on what the handlers of the features made of the node' },
  mod_carboncopy: { 'disco_local_features 99': DECLARED },
  mod_csi: {
    'reroute_unacked_messages 70': 'behind stream management: what its client has not acknowledged is older',
  },
  mod_fast_auth_token: {
    'sasl2_success 50': 'before a session is resumed, which ends the hook: its client wants its token, too',
  },
  mod_inbox: { 'disco_local_features 99': DECLARED },
  mod_last: { 'session_cleanup 50': 'sessions_cleanup has the same sessions, all at once' },
  mod_mam: {
    'mam_archive_id 50': 'the store names archives by the address of their owner',
    'filter_unacknowledged_messages 50':
      'what is routed again does not pass filter_local_packet a second time',
  },
  mod_offline: { 'failed_to_store_message 30': 'mod_amp hears of it itself' },
  mod_ping: { 'filter_local_packet 100': 'late answers are dropped by the router' },
  mod_privacy: { 'disco_local_features 98': DECLARED },
  mod_stream_management: {
    'user_receive_packet 10': 'stanzas are delivered to a session by its number and time, not by its address',
    'foreign_event 50': 'sessions are taken over by way of onTakeOver, also across shards',
    'user_terminate 100':
      'before mod_presence (90), which tells contacts with the last priority of the session',
    'session_cleanup 50': 'what waited on a shard is gone with it; nothing is kept elsewhere',
  },
};

/** What ours hang on beside those. */
const OURS: Reasons = {
  mod_amp: {
    'user_receive_message 15': 'messages that became too late in storage (expire-at)',
    'amp_event 50': 'what modules that store messages report, in place of a call',
    'offline_message 99': 'nobody has stored it',
    'failed_to_store_message 30': 'in place of mod_offline',
  },
  mod_auth_token: {
    'register_user 50': 'tokens of an earlier account of the name end',
    'remove_domain 50': 'data of users go with their domain',
    [EXPORT]: 'a user may ask for what is stored of him',
  },
  mod_bind2: { 'foreign_event 50': 'sessions of the same client learn that there is a newer one' },
  mod_blocklist: {
    'sm_register_connection 50': 'sessions that open while their user is being locked out',
    [EXPORT]: 'a user may ask for what is stored of him',
  },
  mod_carboncopy: {
    'sm_filter_offline_message 50': 'copies for a device that is gone are not bounced or kept',
  },
  mod_csi: { 'reroute_unacked_messages 90': 'see above' },
  mod_event_pusher: {
    'offline_message 30': 'notifications of messages that nobody is there for',
    'offline_groupchat_message 30': 'the same of rooms',
    'foreign_event 50': 'sessions whose node was disabled',
    'anonymous_purge 90': 'data of anonymous users go with them',
    [EXPORT]: 'a user may ask for what is stored of him',
  },
  mod_fast_auth_token: {
    'sasl2_success 10': 'see above',
    'user_terminate 50': 'a client that is thrown out loses its tokens',
    'register_user 50': 'tokens of an earlier account of the name end',
    [EXPORT]: 'a user may ask for what is stored of him',
  },
  mod_inbox: { 'anonymous_purge 50': 'data of anonymous users go with them' },
  mod_last: { [EXPORT]: 'a user may ask for what is stored of him' },
  mod_mam: {
    'get_personal_data_page 50': 'archives have no limit',
    'get_mam_pm_gdpr_data 50': 'its part of get_personal_data, as the list of hooks has it',
    'node_cleanup_for_host_type 50': 'what a dead shard had not stored yet is waited for no longer',
  },
  mod_offline: {
    'foreign_event 50': 'something was stored while the session came',
    'user_terminate 95': 'giving back what was not delivered; it is deleted after delivery, not before',
    'session_cleanup 50': 'the same for a session lost with its shard',
  },
  mod_offline_chatmarkers: {
    'foreign_event 50': 'something was noted while the session came',
    'remove_domain 50': 'data of users go with their domain',
    'anonymous_purge 50': 'data of anonymous users go with them',
    [EXPORT]: 'a user may ask for what is stored of him',
  },
  mod_ping: {
    'sm_register_connection 50': 'the interval begins with the session, or with its resumption',
    'user_terminate 50': 'the timer ends with the session',
  },
  mod_presence: {
    'session_cleanup 50': 'contacts are told of a session lost with its shard',
    'sessions_cleanup 50': 'and those who had directed presence of it',
  },
  mod_privacy: {
    'user_receive_iq 5': 'forged pushes (XEP-0016 §2.4)',
    [EXPORT]: 'a user may ask for what is stored of him',
  },
  mod_register: { 'remove_user 99': 'the result reaches the client before its session ends (100)' },
  mod_roster: {
    'c2s_stream_features 50': 'approval in advance (RFC 6121 §3.4)',
    'foreign_event 40': 'a change on its way to the sessions, before mod_presence hears of it',
    'user_receive_iq 5': 'forged pushes (RFC 6121 §2.1.6)',
  },
  mod_smart_markers: {
    'anonymous_purge 60': 'data of anonymous users go with them',
    'get_personal_data 60': 'a user may ask for what is stored of him',
  },
  mod_stanzaid: {
    'disco_sm_features 99': 'XEP-0359 §4: support by the account',
    'filter_local_packet 50':
      'forged ids are taken out before the archive; what comes from elsewhere gets one',
  },
  mod_blocking: { 'user_receive_iq 5': 'forged pushes (XEP-0191 §5)' },
  mod_stream_management: {
    'user_terminate 80': 'see above',
    'sasl2_success 21': 'a session that was bound although it should have been resumed',
  },
};

/** Options with which a module registers all that it can. */
const OPTIONS: Readonly<Record<string, object>> = {
  mod_event_pusher: { push: {} },
  mod_external_filter: { pool_tag: 'default' },
  mod_inbox: { groupchat: ['muc', 'muclight'] },
  mod_mam: { pm: {}, user_prefs_store: 'rdbms' },
  mod_offline: { store_groupchat_messages: true },
  mod_offline_chatmarkers: { store_groupchat_messages: true },
  mod_ping: { send_pings: true },
  mod_roster: { versioning: true },
  mod_smart_markers: { keep_private: true },
};

/** Something that takes part in everything and does nothing. */
function anything(): unknown {
  const self: unknown = new Proxy(() => {}, {
    get: (_target, key) => {
      if (key === 'then') return undefined;
      if (key === Symbol.toPrimitive) return () => 'anything';
      return key === Symbol.iterator ? function* () {} : self;
    },
    apply: () => self,
    construct: () => self as object,
  });
  return self;
}

/** What a module registers when it is set up: hooks with their priorities, in the order of their names. */
function registered(name: string): string[] {
  const definition = BUILT_IN_MODULES.get(name)!;
  const handlers = new Set<string>();
  const hook = (hookName: string, priority: number): void => {
    handlers.add(`${hookName} ${priority}`);
  };
  const known: Readonly<Record<string, unknown>> = {
    module: name,
    hosts: ['localhost'],
    options: definition.options.parse(OPTIONS[name] ?? {}),
    hook,
    globalHook: hook,
    ownPush: () => hook('user_receive_iq', 5),
  };
  const context = new Proxy({}, { get: (_target, key) => known[String(key)] ?? anything() });
  definition.setup(context as ModuleContext);
  return [...handlers].sort();
}

function listed(text: string): string[] {
  return text.split(', ').filter((entry) => entry !== '');
}

/** What the table `Hooks` of a module's page says. */
function documented(name: string): string[] {
  const page = readFileSync(new URL(`../../../docs/modules/${name}.md`, import.meta.url), 'utf8');
  const [, section = ''] = /^## Hooks\n([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(page) ?? [];
  return [...section.matchAll(/^\| (`[^|]+) \| ([\d, ]+) \|/gm)]
    .flatMap(([, names, priorities]) =>
      [...names!.matchAll(/`(\w+)`/g)].flatMap(([, hook]) =>
        priorities!.split(', ').map((priority) => `${hook} ${priority}`),
      ),
    )
    .sort();
}

describe.each([...BUILT_IN_MODULES.keys()])('%s', (name) => {
  const absent = Object.keys(ABSENT[name] ?? {});
  const ours = Object.keys(OURS[name] ?? {});

  it('has the places in the chains that MongooseIM’s has, but for what is explained', () => {
    const theirs = listed(MONGOOSE[name]!);
    // What is explained is still so.
    expect(absent.filter((entry) => !theirs.includes(entry))).toEqual([]);
    expect(ours.filter((entry) => theirs.includes(entry))).toEqual([]);
    const expected = [...theirs.filter((entry) => !absent.includes(entry)), ...ours].sort();
    expect(registered(name)).toEqual(expected);
  });

  it('has a page that names them', () => {
    expect(documented(name)).toEqual(registered(name));
  });
});

it('the table knows all modules', () => {
  expect(Object.keys(MONGOOSE)).toEqual([...BUILT_IN_MODULES.keys()]);
});
