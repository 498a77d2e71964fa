import { Accumulator, Origin } from '../hooks/accumulator.ts';
import { runHook } from '../hooks/run.ts';
import { applyActions } from './actions.ts';
import type { C2s } from './c2s.ts';

/** An accumulator that no stanza caused: for events, closed sockets, the end. */
export function eventAccumulator(c2s: C2s): Accumulator {
  const { host } = c2s;
  const acc = new Accumulator(
    host.nextRef(),
    host.timestamp(),
    Origin.NONE,
    c2s.hostType,
    c2s.lserver,
    undefined,
    c2s.jid,
    c2s.jid,
  );
  acc.originSid = c2s.sid;
  return acc;
}

/** Gives an event to the `foreign_event` handlers of this session; the one whose tag it is takes it. */
export function sessionEvent(c2s: C2s, tag: string, payload: unknown): void {
  if (c2s.state === 'closed') return;
  const acc = eventAccumulator(c2s);
  const verdict = runHook(c2s.hostType, 'foreign_event', acc, {
    session: c2s,
    type: 'cast',
    tag,
    content: payload,
    reply: undefined,
  });
  if (verdict instanceof Promise) void verdict.then(() => applyActions(c2s, acc.actions));
  else applyActions(c2s, acc.actions);
}
