import type { Accumulator } from '../hooks/accumulator.ts';
import { STOP } from '../hooks/chain.ts';
import { runHook } from '../hooks/run.ts';
import { applyActions } from './actions.ts';
import type { C2s } from './c2s.ts';
import { giveUpReceiving } from './receive.ts';
import { eventAccumulator } from './session-event.ts';
import { detach } from './take-over.ts';

/**
 * Ends the stream and, if there is one, the session: in the order of the reference, for every reason and in every state.
 * A module may keep the session alive when its socket is lost (STOP from the socket's hook).
 */
export function terminate(c2s: C2s): void {
  if (c2s.state === 'closed') return;
  const { host } = c2s;
  if (!c2s.isEstablished) {
    c2s.state = 'closed';
    host.unwatchLogin(c2s);
    host.streamEnded(c2s);
    return;
  }
  const acc = eventAccumulator(c2s);
  if (c2s.reason === 'socket_closed' || c2s.reason === 'socket_error') {
    const hook = c2s.reason === 'socket_closed' ? 'user_socket_closed' : 'user_socket_error';
    if (runHook(c2s.hostType, hook, acc, c2s) === STOP) {
      detach(c2s);
      applyActions(c2s, acc.actions);
      return;
    }
  }
  endSession(c2s, acc);
  reroute(c2s);
  host.streamEnded(c2s);
}

/** The hooks at a session's end, and its removal between them. */
export function endSession(c2s: C2s, acc: Accumulator): void {
  void runHook(c2s.hostType, 'user_terminate', acc, c2s);
  c2s.host.closeSession(c2s);
  const { sid, jid, info } = c2s;
  void runHook(c2s.hostType, 'sm_remove_connection', acc, { sid, jid, info, reason: c2s.reason ?? 'normal' });
  void runHook(c2s.hostType, 'reroute_unacked_messages', acc, c2s);
  c2s.state = 'closed';
  giveUpReceiving(c2s);
}

/** What waited to be received is routed again: messages freely, everything else to this session only, which is gone. */
function reroute(c2s: C2s): void {
  const waiting: Accumulator[] = c2s.inbox ?? [];
  c2s.inbox = undefined;
  c2s.inboxBytes = 0;
  for (const acc of waiting) c2s.host.undeliverable(acc);
}

/** Somebody wants the session to end (a module, a removed domain): handlers of `user_stop_request` may keep it. */
export function stopRequest(c2s: C2s, reason: string): void {
  if (c2s.state === 'closed') return;
  if (c2s.isEstablished) {
    const acc = eventAccumulator(c2s);
    const before = c2s.reason;
    c2s.reason = reason;
    const verdict = runHook(c2s.hostType, 'user_stop_request', acc, c2s);
    // It ends for this reason only if it ends.
    c2s.reason = before;
    if (verdict === STOP) {
      detach(c2s);
      applyActions(c2s, acc.actions);
      return;
    }
  }
  c2s.end(reason);
}
