import type { SaslFailure, SaslSuccess } from '../auth/sasl/result.ts';
import { foldHook } from '../hooks/run.ts';
import { Counter } from '../memory/counters.ts';
import { Jid } from '../xmpp/jid.ts';
import type { C2s } from './c2s.ts';
import { isForeignFrom } from './header.ts';

/** What follows a SASL exchange, in whichever profile it was (RFC 6120 §6, XEP-0388). */

/** The client is who it says. False when the stream has ended over it: it was opened in another account's name (RFC 6120 §6.4.6), or the account is gone. */
export function authenticated(c2s: C2s, { username, method }: SaslSuccess): boolean {
  const negotiation = c2s.negotiation!;
  const { host } = c2s;
  const jid = host.jids.intern(new Jid(username, c2s.lserver, ''));
  c2s.jid = jid;
  if (isForeignFrom(c2s)) {
    c2s.fail('invalid-from');
    return false;
  }
  if (host.wasRemoved(jid, negotiation.beganMs)) {
    // What was proven was proven of an account that is gone, whoever has its name now.
    c2s.fail('not-authorized', 'the account was removed');
    return false;
  }
  host.counters[Counter.c2s_auth_success]!++;
  host.login.ended(c2s, 'success');
  host.log.debug({ what: 'login', jid: jid.bare, address: c2s.info.address }, 'authenticated');
  negotiation.exchange = undefined;
  negotiation.tasksEnded(host.monotonicMs());
  negotiation.stepped(host.monotonicMs());
  c2s.isAuthenticated = true;
  c2s.info = { ...c2s.info, authMethod: method };
  return true;
}

/** The exchange failed: says so with `xml`, and lets the client try again; after the last retry the stream is closed. */
export function loginFailed(c2s: C2s, failed: SaslFailure, xml: string): void {
  const { condition, username, isRefusal, cause } = failed;
  const negotiation = c2s.negotiation!;
  const { host } = c2s;
  if (cause !== undefined) {
    host.log.error({ err: cause, what: 'auth_backend_failed', user: username }, 'cannot authenticate');
  }
  host.counters[Counter.c2s_auth_failed]!++;
  host.login.ended(c2s, 'failure');
  void foldHook(c2s.hostType, 'auth_failed', undefined, { username, server: c2s.lserver });
  host.log.info(
    { what: 'auth_failed', user: username, server: c2s.lserver, address: c2s.info.address, condition },
    'authentication failed',
  );
  negotiation.exchange = undefined;
  negotiation.tasksEnded(host.monotonicMs());
  c2s.state = 'wait_for_feature_before_auth';
  c2s.write(xml);
  const left = isRefusal ? --negotiation.saslRefusalsLeft : --negotiation.saslFailuresLeft;
  if (left >= 0) negotiation.stepped(host.monotonicMs());
  // RFC 6120 §6.4.5 wants a stream error.
  else c2s.fail('policy-violation', 'too many failed logins', 'too_many_auth_failures');
}
