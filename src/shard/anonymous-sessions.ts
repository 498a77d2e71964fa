import type { AnonymousSessions } from '../auth/anonymous-sessions.ts';
import type { SessionManager } from '../sm/session-manager.ts';
import { Jid } from '../xmpp/jid.ts';

/** Who is logged in anonymously, on all shards: whoever has a session. The directory knows. */
export class DirectoryAnonymousSessions implements AnonymousSessions {
  readonly #sm: SessionManager;

  constructor(sm: SessionManager) {
    this.#sm = sm;
  }

  /** The session itself enters the directory when it binds; until then nothing is noted. */
  add(domain: string, username: string, _session: string, isExclusive: boolean): boolean {
    return !isExclusive || !this.has(domain, username);
  }

  /** Called when a session has left the directory: whether it was the last. */
  remove(domain: string, username: string): boolean {
    return !this.has(domain, username);
  }

  has(domain: string, username: string): boolean {
    return this.#sm.find(new Jid(username, domain, '')).length > 0;
  }
}
