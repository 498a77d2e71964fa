import type { Accumulator } from '../hooks/accumulator.ts';
import { STOP } from '../hooks/chain.ts';
import { runHook } from '../hooks/run.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { SessionId } from '../xmpp/session-id.ts';
import type { C2s } from './c2s.ts';

/**
 * Whether a session may be opened under a full JID: `user_open_session` over the accumulator of the request, the listener's access rule and
 * `session_opening_allowed_for_user`. After a refusal `forbidden_session` has run.
 */
export function mayOpenSession(c2s: C2s, acc: Accumulator, jid: Jid): boolean | Promise<boolean> {
  const verdict = runHook(c2s.hostType, 'user_open_session', acc, c2s);
  const allowed = c2s.host.login.mayOpenSession(c2s, jid);
  if (verdict instanceof Promise || allowed instanceof Promise) {
    return Promise.all([verdict, allowed]).then(([settled, isAllowed]) =>
      decided(c2s, acc, jid, settled !== STOP && isAllowed),
    );
  }
  return decided(c2s, acc, jid, verdict !== STOP && allowed);
}

function decided(c2s: C2s, acc: Accumulator, jid: Jid, isAllowed: boolean): boolean {
  if (!isAllowed) void runHook(c2s.hostType, 'forbidden_session', acc, { jid });
  return isAllowed;
}

/** Gives the stream the name and the identity of the session that it is about to become. {@link enterSession} or {@link dropName} follows. */
export function nameSession(c2s: C2s, jid: Jid): SessionId {
  const sid = c2s.host.newSessionId();
  c2s.sid = sid;
  c2s.jid = c2s.host.jids.intern(jid);
  return sid;
}

/** There will be no session of that identity. The stream may have another one by now. */
export function dropName(c2s: C2s, sid: SessionId): void {
  c2s.host.cancelSessionId(sid);
  if (c2s.sid === sid) c2s.jid = c2s.jid.bareJid;
}

/** Enters the session into the session table: from here on it is established. False when there is no room; then it has no name again. */
export function enterSession(c2s: C2s): boolean {
  const { host } = c2s;
  if (host.openSession(c2s, c2s.jid, c2s.sid) === 'full') {
    dropName(c2s, c2s.sid);
    return false;
  }
  host.unwatchLogin(c2s);
  c2s.negotiation = undefined;
  c2s.state = 'session_established';
  return true;
}
