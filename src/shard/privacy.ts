import type { Accumulator } from '../hooks/accumulator.ts';
import type { HostType } from '../hooks/host-type.ts';
import { checkPrivacy, needsCheck } from '../hooks/privacy.ts';
import { foldHook } from '../hooks/run.ts';
import type { C2sParams } from '../hooks/session.ts';
import {
  NO_PRIVACY_LIST,
  type PrivacyDecision,
  type PrivacyList,
  UNKNOWN_PRIVACY_LIST,
} from '../hooks/values.ts';
import { Jid } from '../xmpp/jid.ts';

/**
 * Whether the default list of the recipient's account lets a stanza through; for what is addressed to the account rather than to a session. `unknown`:
 * the list cannot be read now.
 */
export function checkDefaultList(acc: Accumulator): DefaultListVerdict | Promise<DefaultListVerdict> {
  const { from, to, hostType } = acc;
  if (from.bare === to.bare) return 'allow';
  const list = foldHook(hostType, 'privacy_get_user_list', NO_PRIVACY_LIST, { jid: to.bareJid }, acc.trace);
  return list instanceof Promise ? list.then((found) => check(acc, found)) : check(acc, list);
}

export type DefaultListVerdict = PrivacyDecision | 'unknown';

function check(acc: Accumulator, privacyList: PrivacyList): DefaultListVerdict | Promise<DefaultListVerdict> {
  if (privacyList === UNKNOWN_PRIVACY_LIST) return 'unknown';
  if (!needsCheck(acc.hostType, privacyList.items.length > 0)) return 'allow';
  const { hostType, from, to, stanza } = acc;
  const { name, type } = stanza!;
  return checkPrivacy(hostType, acc, { jid: to.bareJid, privacyList, from, to, name, type, dir: 'in' });
}

/**
 * Those of `targets` who may get presence of this type from a session: all of them (the same array) unless a list says otherwise. `own`: the session, or the
 * full JID of one that is not here. `list`: the list to go by; by default the one in force in the session, or the default list of the account.
 */
export function presenceTargets(
  hostType: HostType | undefined,
  acc: Accumulator,
  own: C2sParams | Jid,
  targets: readonly Jid[],
  type: string | undefined,
  list?: PrivacyList,
): readonly Jid[] | Promise<readonly Jid[]> {
  if (targets.length === 0) return targets;
  const from = own instanceof Jid ? own : own.jid!;
  const jid = from.bareJid;
  const whose = own instanceof Jid ? { jid } : { jid, session: own };
  const inForce = list ?? foldHook(hostType, 'privacy_get_user_list', NO_PRIVACY_LIST, whose);
  if (inForce instanceof Promise) return onceKnown(inForce, hostType, acc, own, targets, type);
  if (!needsCheck(hostType, inForce.items.length > 0)) return targets;
  return checked(hostType, acc, from, targets, type, inForce);
}

function onceKnown(
  list: Promise<PrivacyList>,
  hostType: HostType | undefined,
  acc: Accumulator,
  own: C2sParams | Jid,
  targets: readonly Jid[],
  type: string | undefined,
): Promise<readonly Jid[]> {
  return list.then((found) => presenceTargets(hostType, acc, own, targets, type, found));
}

/** Those of `targets` whom the list lets have it. A function of its own: the one above is called for each answer to a probe, and makes no closure. */
function checked(
  hostType: HostType | undefined,
  acc: Accumulator,
  from: Jid,
  targets: readonly Jid[],
  type: string | undefined,
  inForce: PrivacyList,
): readonly Jid[] | Promise<readonly Jid[]> {
  const jid = from.bareJid;
  const ask = (to: Jid): PrivacyDecision | Promise<PrivacyDecision> =>
    checkPrivacy(hostType, acc, { jid, privacyList: inForce, from, to, name: 'presence', type, dir: 'out' });
  return select(targets, 0, ask, []);
}

/** One after the other: answers come by way of the one accumulator. */
function select(
  targets: readonly Jid[],
  first: number,
  ask: (to: Jid) => PrivacyDecision | Promise<PrivacyDecision>,
  allowed: Jid[],
): readonly Jid[] | Promise<readonly Jid[]> {
  for (let i = first; i < targets.length; i++) {
    const target = targets[i]!;
    const decision = ask(target);
    if (decision instanceof Promise) {
      return decision.then((settled) => {
        if (settled === 'allow') allowed.push(target);
        return select(targets, i + 1, ask, allowed);
      });
    }
    if (decision === 'allow') allowed.push(target);
  }
  return allowed;
}
