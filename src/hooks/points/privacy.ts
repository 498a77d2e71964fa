import type { Jid } from '../../xmpp/jid.ts';
import type { Accumulator } from '../accumulator.ts';
import { point } from '../point.ts';
import type { C2sParams } from '../session.ts';
import { type IqInfo, type PrivacyList, UNKNOWN_PRIVACY_LIST } from '../values.ts';

interface PrivacyIq {
  from: Jid;
  to: Jid;
  iq: IqInfo;
}

const PRIVACY_IQ = {
  from: 'The full JID of the session.',
  to: 'The user’s own bare JID.',
  iq: 'The request.',
};

/** Hooks of privacy lists and the blocking command. */
export const privacyPoints = {
  privacy_check_packet: point<
    Accumulator,
    {
      jid: Jid;
      privacyList: PrivacyList;
      from: Jid;
      to: Jid;
      name: string;
      type: string | undefined;
      dir: 'in' | 'out';
    }
  >({
    scope: 'host_type',
    part: 'core',
    when: 'Whoever must know whether a user’s privacy list lets a stanza pass: the checks in the session at sending and receiving, the session manager before offline storage and for subscriptions, last activity. The answer is remembered in the accumulator, so that the hook runs once per context and direction.',
    acc: 'The accumulator of the stanza; its key `hook/result` is `allow`.',
    params: {
      jid: 'The user whose list it is.',
      privacyList: 'The list: the session’s active one, or the user’s default.',
      from: 'The sender.',
      to: 'The recipient.',
      name: 'The name of the stanza: `message`, `presence` or `iq`.',
      type: 'Its type, if it has one.',
      dir: 'Whether the stanza comes to the user or goes out from him.',
    },
    result:
      'The key `hook/result`: `allow`, `deny`, or `block`, which the sender is told about in the words of XEP-0191. STOP with a key that still says `allow` denies: that is how a check that failed refuses. So a handler that allows returns nothing.',
    counted: false,
    failure: 'closed',
  }),
  privacy_get_user_list: point<PrivacyList, { jid: Jid; session?: C2sParams }>({
    scope: 'host_type',
    part: 'core',
    when: 'The privacy module when a session needs its list for the first time; the session manager, for stanzas to the account itself; the presence module before it tells contacts, and last activity.',
    acc: 'A list without items, which allows everything.',
    params: {
      jid: 'The user.',
      session:
        'A session of the user on this shard, if the list in force there is wanted (its active one, or the default).',
    },
    result: 'The user’s default list, or the one in force in the session.',
    failure: 'closed',
    refusal: UNKNOWN_PRIVACY_LIST,
  }),
  privacy_iq_get: point<Accumulator, PrivacyIq & { privList: PrivacyList }>({
    scope: 'host_type',
    part: 'core',
    when: 'The privacy module and the blocking module, for an IQ get of their namespaces that a client sent without `to`.',
    acc: 'The accumulator of the IQ.',
    params: { ...PRIVACY_IQ, privList: 'The list that is active in the session.' },
    result:
      'The key `hook/result`: a record with the `children` of the result, or a StanzaError. Without the key the client gets feature-not-implemented. STOP only skips the handlers that come later.',
    counted: false,
  }),
  privacy_iq_set: point<Accumulator, PrivacyIq>({
    scope: 'host_type',
    part: 'core',
    when: 'The same for an IQ set.',
    acc: 'The accumulator of the IQ.',
    params: PRIVACY_IQ,
    result:
      'The key `hook/result`, as in privacy_iq_get. A `newActiveList` in the record becomes the list of the session, and contacts whom it blocks get unavailable presence. STOP only skips the handlers that come later.',
    counted: false,
  }),
  privacy_updated_list: point<PrivacyList | false, { oldList: PrivacyList; newList: PrivacyList }>({
    scope: 'host_type',
    part: 'core',
    when: 'The privacy module, in every session of a user after one of them changed a list.',
    acc: '`false`.',
    params: { oldList: 'The list active in this session.', newList: 'The changed list.' },
    result:
      'A list becomes the active one of this session, and its client is told of the change. `false`: this session is not concerned.',
  }),
} as const;
