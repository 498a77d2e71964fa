import { type Accumulator, type Jid, type ModuleContext, type PrivacyList, STOP } from '../module.ts';

const NO_LIST: PrivacyList = { name: 'none', items: [] };

/**
 * Whether the user's default privacy list lets a message through. Those that are no group chat were checked before `offline_message`; a group chat has nobody between
 * the room and the user, and whoever is blocked could call himself one.
 */
export async function isWanted(context: ModuleContext, acc: Accumulator, user: Jid): Promise<boolean> {
  const { type } = acc.stanza!;
  if (type !== 'groupchat') return true;
  const privacyList = await context.foldHook('privacy_get_user_list', NO_LIST, { jid: user });
  acc.set('hook', 'result', 'allow');
  const check = {
    jid: user,
    privacyList,
    from: acc.from,
    to: acc.to,
    name: 'message',
    type,
    dir: 'in',
  } as const;
  const verdict = await context.runHook('privacy_check_packet', acc, check);
  return verdict !== STOP && acc.get('hook', 'result') === 'allow';
}
