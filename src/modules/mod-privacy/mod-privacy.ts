import { z } from 'zod';
import {
  type Accumulator,
  type C2sParams,
  defineModule,
  type ModuleContext,
  NO_PRIVACY_LIST,
  NS_PRIVACY,
  type PersonalData,
  type PrivacyList,
  stop,
  type Verdict,
} from '../module.ts';
import { type DomainCleared, isOwnChange } from './change.ts';
import { Checks } from './checks.ts';
import { Evaluation } from './evaluation.ts';
import { ListCache } from './list-cache.ts';
import { ListRequests } from './list-requests.ts';
import { ListUse, type UseEvent } from './list-use.ts';
import { kindsOf } from './list-xml.ts';
import { registerPortable } from './portable.ts';
import { answering, answerRequest, requestOf } from './requests.ts';
import { type ChangeEvent, SessionChanges } from './session-changes.ts';
import { type SessionData, SessionLists, type SessionState } from './session-lists.ts';

/** Changes lists by its own command. */
const BLOCKING = 'mod_blocking';

/**
 * Privacy lists (XEP-0016), the engine behind the blocking command, too: which stanzas may come to a user and leave him.
 *
 * A list is in force in a session (its active one, else the user's default one), and the default list for what is addressed to the account. Lists are
 * remembered in each shard until they change; a session of a user without one remembers just that.
 */
export default defineModule({
  name: 'mod_privacy',
  xeps: [
    { number: 16, version: '1.7' },
    { number: 126, version: '1.1', note: 'invisibility, through lists' },
  ],
  features: [NS_PRIVACY],
  options: z.strictObject({}),
  setup(context) {
    const cache = new ListCache(context);
    const lists = new SessionLists(context, cache);
    const checks = new Checks(context, lists);
    const evaluation = new Evaluation(context);
    const changes = new SessionChanges(context, cache, lists);
    const use = new ListUse(context, lists);
    const requests = new ListRequests(context, lists, use);

    context.hook('user_send_message', 10, (acc, session) => checks.send(acc, session));
    context.hook('user_send_presence', 10, (acc, session) => checks.send(acc, session));
    context.hook('user_send_iq', 50, (acc, session) => {
      return ownRequest(context, lists, changes, acc, session) ?? checks.send(acc, session);
    });
    context.hook('user_receive_message', 10, (acc, session) => checks.receive(acc, session));
    context.hook('user_receive_presence', 10, (acc, session) => checks.receive(acc, session));
    context.ownPush(NS_PRIVACY, ['query']);
    context.hook('user_receive_iq', 10, (acc, session) => checks.receive(acc, session));

    context.hook('privacy_check_packet', 50, (acc, check) => evaluation.check(acc, check));
    context.hook('privacy_get_user_list', 50, (_list, { jid, session }) => {
      return session === undefined ? lists.defaultOf(jid) : lists.inForce(session);
    });
    context.hook('privacy_updated_list', 50, (_list, { oldList, newList }) => {
      return oldList.name === newList.name ? newList : undefined;
    });
    context.hook('privacy_iq_get', 50, (acc, { from, iq }) => {
      return iq.payload.ns === NS_PRIVACY ? answering(context, acc, () => requests.get(from, iq)) : undefined;
    });
    context.hook('privacy_iq_set', 50, (acc, { from, iq }) => {
      return iq.payload.ns === NS_PRIVACY
        ? answering(context, acc, () => requests.set(acc, from, iq))
        : undefined;
    });

    context.hook('foreign_event', 50, (acc, { tag, session, content }) => {
      if (tag !== context.module) return undefined;
      const event = content as Partial<ChangeEvent & UseEvent>;
      if (event.change !== undefined) changes.told(acc, session, event as ChangeEvent);
      else if (event.asked !== undefined) use.ask(session, event as UseEvent);
      // Others listen, too.
      return undefined;
    });
    context.onAnnouncement((content) => {
      if (use.heard(content)) return;
      if ((content as Partial<DomainCleared>).domain !== undefined) cache.clear();
      else if (isOwnChange(context, content)) changes.heard(content, false);
    });
    context.onAnnouncement((content) => {
      if (isOwnChange(context, content)) changes.heard(content, true);
    }, BLOCKING);

    context.sessionState<SessionState>({
      encode: (_state, session) => lists.encode(session),
      decode: (data) => lists.decode(data as SessionData),
    });

    registerData(context);
    registerPortable(context);
  },
});

/** Answers a request of ours; undefined when it is none. */
function ownRequest(
  context: ModuleContext,
  lists: SessionLists,
  changes: SessionChanges,
  acc: Accumulator,
  session: C2sParams,
): Verdict | Promise<Verdict> {
  const iq = requestOf(acc, NS_PRIVACY);
  if (iq === undefined) return undefined;
  if (!context.isDryRun) lists.own(session).isInterested = true;
  const inForce = lists.inForce(session);
  const answer = (before: PrivacyList): Verdict | Promise<Verdict> =>
    answerRequest(context, acc, session, iq, before, (list) => {
      lists.own(session).active = list === NO_PRIVACY_LIST ? undefined : list.name;
      lists.own(session).given = undefined;
      changes.activated(session, before);
    });
  const verdict = inForce instanceof Promise ? inForce.then(answer) : answer(inForce);
  // The session must not go to another shard before its list is in force.
  if (verdict instanceof Promise) context.committing(acc, verdict);
  return verdict;
}

/** What is stored of users, and how it goes. */
function registerData(context: ModuleContext): void {
  const removeUser = async (domain: string, local: string, bare: string): Promise<undefined> => {
    const removed = await context.store.request('privacy_remove_user', domain, local);
    if (removed > 0) context.announce({ bare, list: undefined, blocked: [], unblocked: [] });
  };
  context.hook('remove_user', 50, (_acc, { jid }) => removeUser(jid.domain, jid.local, jid.bare));
  context.hook('anonymous_purge', 50, (_acc, { jid }) => removeUser(jid.domain, jid.local, jid.bare));
  context.hook('remove_domain', 50, async (removal, { domain }) => {
    try {
      await context.store.request('privacy_remove_domain', domain);
      context.announce({ domain } satisfies DomainCleared);
      return undefined;
    } catch {
      return stop({ ...removal, failed: [...removal.failed, context.module] });
    }
  });
  context.hook('get_personal_data', 50, async (data, { jid }): Promise<readonly PersonalData[]> => {
    const all = await context.store.request('privacy_export', jid.domain, jid.local);
    const rows = all.lists.flatMap(({ name, items }) =>
      items.map(([type, value, action, order, kinds]) => [
        name,
        name === all.default ? 'default' : '',
        { j: 'jid', g: 'group', s: 'subscription', n: '' }[type],
        value,
        { a: 'allow', d: 'deny', b: 'block' }[action],
        String(order),
        kindsOf(kinds).join(' '),
      ]),
    );
    const columns = ['list', 'default', 'type', 'value', 'action', 'order', 'stanzas'];
    return [...data, { name: 'privacy', columns, rows }];
  });
}
