import type { Element } from '../../xml/element.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Accumulator } from '../accumulator.ts';
import { type NoParams, point } from '../point.ts';
import type { ContactInfo, Features, Nothing, RosterItem, SubscriptionType } from '../values.ts';
import { IGNORED_VALUE, NOTHING } from './common.ts';

/** Hooks of the roster and of subscriptions. */
export const rosterPoints = {
  roster_get: point<readonly RosterItem[], { acc: Accumulator; showFullRoster: boolean; jid: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'Whoever needs a user’s roster: the roster IQ, the administration, service discovery to see whether the one who asks is subscribed.',
    acc: 'An empty list.',
    params: {
      acc: 'The accumulator of what caused it.',
      showFullRoster:
        'Whether items that clients do not see are wanted too: no subscription, and a request of the contact that nobody answered.',
      jid: 'The user.',
    },
    result: 'The items of the roster.',
    counted: false,
  }),
  roster_get_jid_info: point<ContactInfo, { to: Jid; remote: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'Whoever needs to know how a user stands with one contact: privacy lists, last activity, archive preferences, access to published items.',
    acc: 'Subscription `none`, no groups.',
    params: { to: 'The user whose roster it is.', remote: 'The contact.' },
    result: 'Subscription and groups of the contact.',
  }),
  roster_get_subscription_lists: point<Accumulator, { jid: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'The presence module, when a session becomes available, and when a change of the roster may have passed it by; at every available presence if the lists have no version.',
    acc: 'The accumulator of the presence.',
    params: { jid: 'The user, a bare JID.' },
    result:
      'Handlers set the key `roster/subscription_lists` to a record with the lists `from`, `to` and `pending` (requests not answered yet); a handler that adds to it starts from what is there. Without the key, all three are empty. With a `version` in it, the handler’s module tells sessions of each change by an event. STOP only skips the handlers that come later.',
  }),
  roster_get_versioning_feature: point<Features, NoParams>({
    scope: 'host_type',
    part: 'core',
    when: 'The session, when it offers its stream features after authentication.',
    acc: 'An empty list.',
    params: {},
    result: 'These elements are added to the stream features.',
  }),
  roster_groups: point<readonly string[], { lserver: string }>({
    scope: 'host_type',
    part: 'pubsub',
    when: 'Publish-subscribe, when it makes the configuration form of a node.',
    acc: 'An empty list.',
    params: { lserver: 'The domain.' },
    result: 'The names of roster groups that the form offers.',
  }),
  roster_in_subscription: point<Accumulator, { to: Jid; from: Jid; type: SubscriptionType; reason: string }>({
    scope: 'host_type',
    part: 'core',
    when: 'The session manager, for a presence of a subscription type to a bare JID that privacy lists let pass, on the shard of whoever routes it. At priority 20 the session manager itself ends it if the account does not exist.',
    acc: 'The accumulator of the presence.',
    params: {
      to: 'The user, a bare JID.',
      from: 'The contact.',
      type: 'What kind of presence it is.',
      reason: 'The text that came with a request; otherwise empty.',
    },
    result:
      'The presence is delivered to the user’s sessions if the key `hook/result` is `true`; without the key it is not. What is to follow it (pushes of the roster) is left with `afterwards`. STOP only skips the handlers that come later.',
  }),
  roster_out_subscription: point<Accumulator, { from: Jid; to: Jid; type: SubscriptionType }>({
    scope: 'host_type',
    part: 'core',
    when: 'The presence module, for a presence of a subscription type that a client sends; also the administration.',
    acc: 'The accumulator of the presence.',
    params: { from: 'The user, a bare JID.', to: 'The contact.', type: 'What kind of presence it is.' },
    result:
      'The presence is routed from the bare JID, unless the key `hook/result` is `false`: what nobody asked for is not (RFC 6121 §3.4, A.2). What is to follow it is left with `afterwards`. STOP only skips the handlers that come later.',
  }),
  roster_process_item: point<RosterItem, { lserver: string }>({
    scope: 'host_type',
    part: 'core',
    when: 'The roster module, after it wrote an item that a client changed, before anybody is told.',
    acc: 'The item.',
    params: { lserver: 'The user’s domain.' },
    result: 'This item is what the user’s clients are told; it is not written again.',
  }),
  roster_push: point<Nothing, { from: Jid; item: RosterItem }>({
    scope: 'host_type',
    part: 'core',
    when: 'The roster module, once for every session that it tells about a change, if roster versioning is off.',
    acc: NOTHING,
    params: { from: 'The user.', item: 'The changed item.' },
    result: IGNORED_VALUE,
    counted: false,
  }),
  roster_set: point<Nothing, { from: Jid; to: Jid; subEl: Element }>({
    scope: 'host_type',
    part: 'core',
    when: 'The roster module, at the start of every roster IQ of type set.',
    acc: NOTHING,
    params: { from: 'Who sent it.', to: 'Whose roster is meant.', subEl: 'The `<query/>`.' },
    result: 'Nobody looks at it: the change cannot be prevented here.',
    counted: false,
  }),
} as const;
