import type { Accumulator, C2sParams, Jid, ModuleContext, Stanza } from '../module.ts';
import { type PresenceState, stateOf } from './presence-state.ts';

/**
 * Sends presence to those of `targets` whom the privacy list in force lets have it (XEP-0016 §2.11): one frame for each other shard. `own`: the session, or the full JID
 * of one that is not of this shard. A promise only where the list, or what it says of somebody, has to be read first: then all that the session says after it waits
 * behind it, so that the last word that anybody hears of a session is the last that there was.
 */
export function tell(
  context: ModuleContext,
  acc: Accumulator,
  own: C2sParams | Jid,
  stanza: Stanza,
  targets: readonly Jid[],
): undefined | Promise<undefined> {
  if (targets.length === 0) return undefined;
  const state = 'jid' in own ? stateOf(context, own) : undefined;
  if (state === undefined) return ask(context, acc, own, stanza, targets);
  if (state.waiting === undefined) {
    const asking = ask(context, acc, own, stanza, targets);
    return asking === undefined ? undefined : wait(state, asking);
  }
  acc.retain();
  stanza.retain();
  return inTurn(state, () => ask(context, acc, own, stanza, targets));
}

/** Does `work` behind all that the session is about to say; and what it says from now on, behind `work`. */
export function inTurn(
  state: PresenceState,
  work: () => undefined | Promise<undefined>,
): undefined | Promise<undefined> {
  const { waiting } = state;
  const working = waiting === undefined ? work() : waiting.last.then(work);
  return working === undefined ? undefined : wait(state, working);
}

function wait(state: PresenceState, work: Promise<undefined>): Promise<undefined> {
  state.waiting ??= { last: work, count: 0 };
  const { waiting } = state;
  waiting.count++;
  const done = work.finally(() => {
    if (--waiting.count === 0) state.waiting = undefined;
  });
  waiting.last = done.catch(() => undefined);
  return done;
}

function ask(
  context: ModuleContext,
  acc: Accumulator,
  own: C2sParams | Jid,
  stanza: Stanza,
  targets: readonly Jid[],
): undefined | Promise<undefined> {
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
