import type { Jid, ModuleContext, SessionRef } from '../module.ts';

/** Tells the most available session of a user that something is stored for it; nobody, if none takes messages. */
export function tellAvailable(context: ModuleContext, owner: Jid): void {
  let best: SessionRef | undefined;
  let highest = -1;
  for (const session of context.sessions(owner)) {
    if (session.priority === undefined || session.priority <= highest) continue;
    best = session;
    highest = session.priority;
  }
  if (best !== undefined) tellSession(context, owner, best);
}

/** Tells one session that something is stored for it. */
export function tellSession(
  context: ModuleContext,
  owner: Jid,
  { shard, number }: Pick<SessionRef, 'shard' | 'number'>,
): void {
  context.sendEvent(owner, null, (session) => session.shard === shard && session.number === number);
}
