import type { Jid } from '../../xmpp/jid.ts';
import type { Accumulator } from '../accumulator.ts';
import type { FlatForm, InboxEntry, PushEventAcc, PushedEvent } from '../archive-values.ts';
import { point } from '../point.ts';
import type { IqInfo, Outcome } from '../values.ts';

/** Hooks of the inbox and of notifications to the world outside (XEP-0357 and others). */
export const inboxPoints = {
  extend_inbox_result: point<readonly InboxEntry[], { acc: Accumulator; iq: IqInfo }>({
    scope: 'host_type',
    part: 'core',
    when: 'The inbox, before it sends a page of entries, or the single entry that a client asked for.',
    acc: 'The entries.',
    params: { acc: 'The accumulator of the request.', iq: 'The request.' },
    result: 'These entries are sent. When a single entry was asked for, exactly one must come back.',
  }),
  inbox_unread_count: point<Accumulator, { user: Jid }>({
    scope: 'host_type',
    part: 'core',
    when: 'Push notifications, when they tell how many messages are unread.',
    acc: 'The accumulator of the message.',
    params: { user: 'The user who is notified.' },
    result:
      'Handlers set the temporary key `inbox/unread_count` if it is not there yet. Without it the number is 1. STOP only skips the handlers that come later.',
  }),
  push_event: point<PushEventAcc, { event: PushedEvent }>({
    scope: 'host_type',
    part: 'core',
    when: 'The event pusher, for every message sent or delivered, for users who come and go, and for messages that were not acknowledged.',
    acc: 'The accumulator of what happened, and a record `metadata` without entries. A handler that runs before the receivers (priority 50) may add to `metadata`, or end the chain with a stop.',
    params: { event: 'What happened.' },
    result:
      'Keys in the namespace `event_pusher` of the accumulator become permanent ones of the message. The rest is forgotten.',
  }),
  push_notifications: point<
    Outcome,
    { pubsubJid: Jid | undefined; notificationForms: readonly FlatForm[]; options: FlatForm }
  >({
    scope: 'host_type',
    part: 'core',
    when: 'Push notifications for a virtual service, or publish-subscribe when something is published to a node of type push.',
    acc: '`ok`.',
    params: {
      pubsubJid: 'The service that the user registered, if it is a virtual one.',
      notificationForms: 'What is to be told: the fields of each form.',
      options: 'The options of the registration; `device_id` and `service` must be among them.',
    },
    result:
      'A failure `device_not_registered` ends the registration. Other failures give an error to whoever published. `ok`: done.',
  }),
} as const;
