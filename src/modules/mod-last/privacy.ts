import { type Accumulator, type Jid, type ModuleContext, type PrivacyList, STOP } from '../module.ts';

const NO_LIST: PrivacyList = { name: 'none', items: [] };

/**
 * Whether `reader` may know when `user` was there: a subscription to the presence, unless the user's default privacy list keeps presence from the
 * reader (XEP-0012 §8).
 */
export function isShownTo(
  context: ModuleContext,
  acc: Accumulator,
  reader: Jid,
  user: Jid,
): boolean | Promise<boolean> {
  if (reader.bare === user.bare) return true;
  const isSubscribed = context.isSubscribed(reader, user);
  if (isSubscribed === false) return false;
  return passes(context, acc, reader, user, isSubscribed);
}

async function passes(
  context: ModuleContext,
  acc: Accumulator,
  reader: Jid,
  user: Jid,
  isSubscribed: true | Promise<boolean>,
): Promise<boolean> {
  acc.stanza?.retain();
  if (!(await isSubscribed)) return false;
  const privacyList = await context.foldHook('privacy_get_user_list', NO_LIST, { jid: user });
  // An accumulator of its own: answers about presence are not answers about the request.
  const question = context.accumulator(user, reader, acc.stanza!);
  question.set('hook', 'result', 'allow');
  const verdict = await context.runHook('privacy_check_packet', question, {
    jid: user,
    privacyList,
    from: user,
    to: reader,
    name: 'presence',
    type: undefined,
    dir: 'out',
  });
  return verdict !== STOP && question.get('hook', 'result') === 'allow';
}
