import { C2s } from '../c2s/c2s.ts';
import type { Accumulator } from '../hooks/accumulator.ts';
import type { StreamLogin } from '../hooks/login.ts';
import { runHook } from '../hooks/run.ts';
import type { C2sParams } from '../hooks/session.ts';
import type { ContactInfo } from '../hooks/values.ts';
import type { FlaggedSession, SessionHandle, SessionsApi, TakeOverResult } from '../modules/module.ts';
import { ALL_SHARDS } from '../sm/outbox.ts';
import type { SessionRef } from '../sm/session-manager.ts';
import type { Jid } from '../xmpp/jid.ts';
import { isSameSession, type SessionId } from '../xmpp/session-id.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import { ModuleRouting } from './module-routing.ts';
import { Handle, NO_EFFECTS } from './session-handle.ts';
import { C2sLogin } from './stream-login.ts';

/** Sessions, for modules. */
export abstract class ModuleSessions extends ModuleRouting implements SessionsApi {
  sessions(bare: Jid): SessionRef[] {
    return this.services.sm.sessionsOf(bare);
  }

  availableResources(bare: Jid): Promise<Jid[]> {
    return this.services.sessions.availableResources(bare);
  }

  flaggedSessions(
    bare: Jid,
    flags: number,
    except?: SessionId,
  ): readonly FlaggedSession[] | Promise<readonly FlaggedSession[]> {
    return this.services.sessions.flagged(bare, flags, except);
  }

  setFlag(session: C2sParams, flag: number, isSet: boolean): void {
    if (this.withheld('flag', `${flag} ${isSet ? 'on' : 'off'}`)) return;
    const c2s = session as C2s;
    this.services.sessions.setFlags(c2s, isSet ? c2s.flags | flag : c2s.flags & ~flag);
  }

  isSubscribed(reader: Jid, user: Jid): boolean | Promise<boolean> {
    if (reader.bare === user.bare) return true;
    const none: ContactInfo = { subscription: 'none', groups: [] };
    const info = this.foldHook('roster_get_jid_info', none, { to: user.bareJid, remote: reader.bareJid });
    return info instanceof Promise ? info.then(seesPresence) : seesPresence(info);
  }

  session(full: Jid): SessionHandle | undefined {
    const c2s = this.services.sessions.local(full);
    if (c2s === undefined) return undefined;
    return this.services.dryRun.isActive ? { ...NO_EFFECTS, params: c2s } : new Handle(c2s);
  }

  handle(session: C2sParams): SessionHandle {
    return this.services.dryRun.isActive ? { ...NO_EFFECTS, params: session } : new Handle(session as C2s);
  }

  setPresence(params: C2sParams, acc: Accumulator, priority: number, presence: Stanza): void {
    if (this.withheld('presence', `priority ${priority}`)) return;
    const c2s = params as C2s;
    c2s.priority = priority;
    this.services.sm.setPriority(c2s, priority);
    void runHook(this.host, 'set_presence', acc, { jid: c2s.jid, presence });
  }

  unsetPresence(params: C2sParams, acc: Accumulator, status: string): void {
    if (this.withheld('presence', 'unavailable')) return;
    const c2s = params as C2s;
    c2s.priority = undefined;
    this.services.sm.setPriority(c2s, undefined);
    void runHook(this.host, 'unset_presence', acc, { jid: c2s.jid, status });
  }

  resendOffline(params: C2sParams, acc: Accumulator): void {
    if (!this.services.dryRun.isActive) this.services.storedMessages.resend(params as C2s, acc);
  }

  committing(acc: Accumulator, until: Promise<unknown>): void {
    const { originSid } = acc;
    if (originSid?.shard !== this.shard || this.services.dryRun.isActive) return;
    const session = this.services.sm.table.get(originSid.number);
    if (!(session instanceof C2s) || !isSameSession(session.sid, originSid)) return;
    // Nobody tells the client what is handled; and what is stored together with something else is waited for once.
    if (session.acknowledger === undefined || session.commits?.has(until)) return;
    session.commits ??= new Set();
    session.commits.add(until);
    const done = (): void => {
      session.commits?.delete(until);
      if (session.commits?.size === 0) session.commits = undefined;
    };
    until.then(done, done);
  }

  sendEvent(bare: Jid, content: unknown, wanted?: (session: SessionRef) => boolean): number {
    if (this.withheld('event', `to ${bare.bare}`)) return 0;
    this.services.touch();
    return this.services.sm.sendEvent(bare, this.module, content, wanted);
  }

  closeSessions(bare: Jid, text: string): number {
    if (this.withheld('close', bare.bare)) return 0;
    this.services.touch();
    return this.services.sessions.closeAll(bare, text);
  }

  async whenHandled(): Promise<void> {
    await this.services.sm.remote.fence(ALL_SHARDS);
  }

  login(params: C2sParams): StreamLogin {
    return new C2sLogin(params as C2s);
  }

  mayOpenSession(stream: C2sParams): boolean | Promise<boolean> {
    const c2s = stream as C2s;
    return c2s.host.login.mayOpenSession(c2s, c2s.jid);
  }

  takeOver(
    stream: C2sParams,
    content: unknown,
    isEverywhere: boolean,
    done: (result: TakeOverResult) => void,
  ): () => void {
    return this.services.takeOvers.request(stream as C2s, this.module, content, isEverywhere, done);
  }
}

function seesPresence({ subscription }: ContactInfo): boolean {
  return subscription === 'from' || subscription === 'both';
}
