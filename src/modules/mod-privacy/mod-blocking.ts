import { z } from 'zod';
import {
  type C2sParams,
  defineModule,
  Element,
  type IqInfo,
  type Jid,
  type ModuleContext,
  NO_PRIVACY_LIST,
  NS_BLOCKING,
  type PrivacyIqAnswer,
  StanzaError,
  UNKNOWN_PRIVACY_LIST,
} from '../module.ts';
import { announceChange, isOwnChange, type ListsChanged } from './change.ts';
import { ITEMS_MAX, LISTS_MAX } from './limits.ts';
import { badRequest } from './list-xml.ts';
import { answering, answerRequest, pushTo, requestOf } from './requests.ts';

/** Changes the same lists by requests of its own. */
const PRIVACY = 'mod_privacy';
/** State of a session whose client knows the block list: it has asked for it, or changed it. It goes with the session to another shard by itself. */
const KNOWS = true;

/** What the sessions of a shard are told. Plain data: a session may just have moved to another shard. */
type PushEvent = Pick<ListsChanged, 'blocked' | 'unblocked' | 'isAllUnblocked'>;

/**
 * The blocking command (XEP-0191): a front end to the default privacy list, in which each blocked JID is an item that denies everything. mod_privacy does
 * the rest.
 */
export default defineModule({
  name: 'mod_blocking',
  xeps: [{ number: 191, version: '1.3' }],
  features: [NS_BLOCKING],
  options: z.strictObject({}),
  dependencies: [{ module: PRIVACY }],
  setup(context) {
    context.hook('user_send_iq', 50, (acc, session) => {
      const iq = requestOf(acc, NS_BLOCKING);
      if (iq === undefined) return undefined;
      if (!context.isDryRun) session.setModuleState(context.slot, KNOWS);
      return answerRequest(context, acc, session, iq, NO_PRIVACY_LIST);
    });
    context.ownPush(NS_BLOCKING, ['block', 'unblock']);
    context.hook('privacy_iq_get', 50, (acc, { to, iq }) => {
      return iq.payload.ns === NS_BLOCKING
        ? answering(context, acc, () => blocklist(context, to, iq))
        : undefined;
    });
    context.hook('privacy_iq_set', 50, (acc, { to, iq }) => {
      return iq.payload.ns === NS_BLOCKING
        ? answering(context, acc, () => change(context, to, iq))
        : undefined;
    });
    context.hook('foreign_event', 50, (acc, { tag, session, content }) => {
      if (tag !== context.module) return undefined;
      for (const payload of pushesFor(context, session, content as PushEvent)) {
        acc.addAction({ kind: 'route', acc: pushTo(context, session, payload) });
      }
      return undefined;
    });
    context.onAnnouncement((content) => {
      if (isOwnChange(context, content)) tellSessions(context, content);
    });
    // Whoever changes the default list by other means changes the block list, too (XEP-0191 §5).
    context.onAnnouncement((content) => {
      if (isOwnChange(context, content)) tellSessions(context, content);
    }, PRIVACY);
  },
});

async function blocklist(context: ModuleContext, owner: Jid, { payload }: IqInfo): Promise<PrivacyIqAnswer> {
  if (payload.name !== 'blocklist') return badRequest('a blocklist is expected');
  const list = await context.foldHook('privacy_get_user_list', NO_PRIVACY_LIST, { jid: owner });
  if (list === UNKNOWN_PRIVACY_LIST) throw new Error('the default list cannot be read');
  const blocked = list.items.filter(
    ({ type, action, matchAll }) => type === 'jid' && action !== 'allow' && matchAll,
  );
  return {
    children: [
      listOf(
        'blocklist',
        blocked.map(({ value }) => value),
      ),
    ],
  };
}

async function change(context: ModuleContext, owner: Jid, { payload }: IqInfo): Promise<PrivacyIqAnswer> {
  const jids = readJids(context, payload);
  if (jids instanceof StanzaError) return jids;
  if (payload.name === 'block') return await block(context, owner, jids);
  return payload.name === 'unblock' ? await unblock(context, owner, jids) : badRequest('block or unblock');
}

async function block(context: ModuleContext, owner: Jid, jids: readonly string[]): Promise<PrivacyIqAnswer> {
  if (jids.length === 0) return badRequest('there is nobody to block');
  const { domain, local, bare } = owner;
  const done = await context.store.request('privacy_block', domain, local, jids, ITEMS_MAX, LISTS_MAX);
  if (done === 'too_many') return new StanzaError('resource-constraint', `more than ${ITEMS_MAX} items`);
  context.count('block', jids.length);
  // All that was asked for is told, and whatever else came into force with an old list.
  await announceChange(context, bare, done, done.list, { blocked: [...new Set([...jids, ...done.blocked])] });
  return { children: [] };
}

async function unblock(
  context: ModuleContext,
  owner: Jid,
  jids: readonly string[],
): Promise<PrivacyIqAnswer> {
  const { domain, local, bare } = owner;
  const isAll = jids.length === 0;
  const done = await context.store.request('privacy_unblock', domain, local, isAll ? null : jids);
  if (done === null) return { children: [] };
  context.count('unblock', done.unblocked.length);
  const unblocked = isAll ? done.unblocked : [...new Set([...jids, ...done.unblocked])];
  await announceChange(context, bare, done, done.list, { unblocked, isAllUnblocked: isAll });
  return { children: [] };
}

function readJids(context: ModuleContext, payload: Element): string[] | StanzaError {
  const jids: string[] = [];
  for (const item of payload.elements()) {
    const text = item.attribute('jid');
    if (item.name !== 'item' || item.ns !== NS_BLOCKING || text === undefined) {
      return badRequest('an item with a jid is expected');
    }
    const jid = context.jid(text.trim());
    if (jid === undefined) return new StanzaError('jid-malformed');
    jids.push(jid.full);
  }
  return jids.length > ITEMS_MAX
    ? new StanzaError('resource-constraint', `more than ${ITEMS_MAX} items`)
    : jids;
}

/** Sessions of this shard learn what has changed, if they know the block list. */
function tellSessions(
  context: ModuleContext,
  { bare, blocked, unblocked, isAllUnblocked }: ListsChanged,
): void {
  const owner = context.jid(bare);
  const isNothing = blocked.length === 0 && unblocked.length === 0 && isAllUnblocked !== true;
  if (isNothing || owner === undefined) return;
  const event: PushEvent = { blocked, unblocked, isAllUnblocked: isAllUnblocked === true };
  context.sendEvent(owner, event, ({ shard }) => shard === context.shard);
}

function pushesFor(context: ModuleContext, session: C2sParams, event: PushEvent): readonly Element[] {
  if (session.moduleState(context.slot) !== KNOWS) return [];
  const { blocked, unblocked, isAllUnblocked } = event;
  const push: Element[] = [];
  if (blocked.length > 0) push.push(listOf('block', blocked));
  if (isAllUnblocked === true) push.push(listOf('unblock', []));
  else if (unblocked.length > 0) push.push(listOf('unblock', unblocked));
  return push;
}

function listOf(name: string, jids: readonly string[]): Element {
  const items = jids.map((jid) => Element.of('item', NS_BLOCKING, { jid }));
  return Element.of(name, NS_BLOCKING, {}, ...items);
}
