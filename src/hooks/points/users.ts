import type { Element } from '../../xml/element.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Accumulator } from '../accumulator.ts';
import { point } from '../point.ts';
import {
  DATA_INCOMPLETE,
  type ExistenceRequest,
  type KeyId,
  type Nothing,
  type Outcome,
  PAGE_INCOMPLETE,
  type PersonalData,
  type PersonalPage,
  type SecretKey,
} from '../values.ts';
import { IGNORED_VALUE, NO_STANZA, NOTHING } from './common.ts';

/** Hooks around accounts: their life, their data, the keys that tokens are signed with. */
export const userPoints = {
  does_user_exist: point<boolean, { jid: Jid; requestType: ExistenceRequest }>({
    scope: 'host_type',
    part: 'core',
    when: 'Whoever must know whether an account exists: the session manager before offline storage, the archive, the administration.',
    acc: '`false`.',
    params: {
      jid: 'The user.',
      requestType:
        '`stored` counts stored accounts only, `with_anonymous` the users of anonymous sessions too.',
    },
    result:
      'Whether the account exists. A handler that is sure returns a stop; one that knows nothing returns nothing.',
  }),
  register_user: point<Nothing, { jid: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'Authentication, after an account was created; also for every anonymous login.',
    acc: NOTHING,
    params: { jid: 'The user, a bare JID.' },
    result: IGNORED_VALUE,
    counted: false,
  }),
  remove_user: point<Accumulator, { jid: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'Authentication, after an account was removed. Modules delete what they hold of the user (priorities 10 to 90); the session manager ends the user’s sessions last, at 100.',
    acc: NO_STANZA,
    params: { jid: 'The user, a bare JID.' },
    result: 'Nobody looks at it. STOP would leave the data of the modules that come later in place.',
    counted: false,
  }),
  anonymous_purge: point<Accumulator, { jid: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'Anonymous authentication, when the session of an anonymous user has ended. Modules delete what they hold of the user.',
    acc: NO_STANZA,
    params: { jid: 'The user, a bare JID.' },
    result: 'Nobody looks at it. STOP would leave the data of the modules that come later in place.',
    counted: false,
  }),
  get_personal_data: point<readonly PersonalData[], { jid: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'The administration (`meerkat user export`), to export all that is stored about a user.',
    acc: 'An empty list.',
    params: { jid: 'The user.' },
    result:
      'Each entry is one table: its name, its columns, its rows. Handlers return the list with theirs added. If one fails, nothing is exported: nobody would see what is missing. A table that may be long has its first rows, and in `next` what the others are asked for with (`get_personal_data_page`).',
    failure: 'closed',
    refusal: DATA_INCOMPLETE,
  }),
  get_personal_data_page: point<PersonalPage | null, { jid: Jid; table: string; after: string }>({
    scope: 'host_type',
    part: 'core',
    when: 'The administration (`meerkat user export`), for the rows of a table that get_personal_data has only begun, again and again until there are no more. So an export has no limit, and each run is short.',
    acc: 'Null.',
    params: {
      jid: 'The user.',
      table: 'The name of the table.',
      after: 'The `next` of the rows before.',
    },
    result:
      'The rows that follow, and the next `next`. A handler whose table it is not returns nothing. Null in the end is a failure: nobody has such a table any more.',
    failure: 'closed',
    refusal: PAGE_INCOMPLETE,
  }),
  get_key: point<readonly SecretKey[], { keyId: KeyId }>({
    scope: 'host_type',
    part: 'core',
    when: 'Token authentication, when it signs or verifies a token.',
    acc: 'An empty list.',
    params: { keyId: 'The name of the key, and the host type that it belongs to.' },
    result: 'Exactly one key; with none or several of them the request fails.',
  }),
  set_vcard: point<Outcome, { user: Jid; vcard: Element }>({
    scope: 'host_type',
    part: 'core',
    when: 'Token authentication, when a token that creates an account brings a vCard along.',
    acc: 'A failure that says that no handler is there.',
    params: { user: 'The user, a bare JID.', vcard: 'The vCard.' },
    result: '`ok` when it was stored. A failure is logged, and the login goes on.',
  }),
  vcard_set: point<Nothing, { jid: Jid; vcard: Element }>({
    scope: 'host_type',
    part: 'core',
    when: 'The vCard module, after a vCard was stored.',
    acc: NOTHING,
    params: { jid: 'The user.', vcard: 'The vCard.' },
    result: IGNORED_VALUE,
  }),
} as const;
