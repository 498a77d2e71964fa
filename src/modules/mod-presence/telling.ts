import type { Accumulator, C2sParams, Jid, ModuleContext, Stanza } from '../module.ts';

/**
 * Sends presence to those of `targets` whom the privacy list in force lets have it (XEP-0016 §2.11): one frame for each other shard. `own`: the session, or the full JID
 * of one that is not of this shard. A promise only where the list has to be read first.
 */
export function tell(
  context: ModuleContext,
  acc: Accumulator,
  own: C2sParams | Jid,
  stanza: Stanza,
  targets: readonly Jid[],
): undefined | Promise<undefined> {
  if (targets.length === 0) return undefined;
  const from = 'jid' in own ? own.jid! : own;
  const allowed = context.presenceTargets(acc, own, targets, stanza.type);
  if (allowed instanceof Promise) return allowed.then((found) => send(context, acc, from, stanza, found));
  return send(context, acc, from, stanza, allowed);
}

/** The same without asking. */
export function send(
  context: ModuleContext,
  acc: Accumulator,
  from: Jid,
  stanza: Stanza,
  targets: readonly Jid[],
): undefined {
  if (targets.length > 0) context.multicast(acc, stanza, from, targets);
}
