import type { ClientSettings } from './chat-client.ts';
import type {
  BlockChange,
  Contact,
  Copy,
  SessionClient,
  SessionClientKind,
  SubscriptionNews,
} from './session-client.ts';
import { SLIXMPP_MISSING, Slixmpp } from './slixmpp.ts';

/**
 * slixmpp with its plugins for all that the stories of sessions tell. Version 1.8 has neither SASL2 with what belongs to it (XEP-0388, XEP-0386, XEP-0484) nor
 * a valid type of channel binding (see slixmpp_session.py); and when it sends `<resume/>` it forgets what it had sent and not seen acknowledged.
 */
function kind(name: string, mechanism: RegExp, option: string): SessionClientKind {
  return {
    name,
    missing: SLIXMPP_MISSING,
    mechanism,
    sendsAgain: false,
    create: (settings) => new SlixmppSession(settings, [option, '--session']),
  };
}

export const SLIXMPP_SESSION = kind('slixmpp', /^SCRAM-SHA-\d+$/, '--unbound');
export const SLIXMPP_BOUND = kind('slixmpp with channel binding', /^SCRAM-SHA-\d+-PLUS$/, '--bound');

/** The names of what it does and hears are those of slixmpp_session.py. */
class SlixmppSession extends Slixmpp implements SessionClient {
  constructor(settings: ClientSettings, given: readonly string[]) {
    super({ ...settings, resumes: true }, given);
  }

  async #do(what: string, details: object = {}): Promise<void> {
    await this.perform({ do: what, ...details });
  }

  async #ask<T>(what: string, details: object = {}): Promise<T> {
    return (await this.perform({ do: what, ...details })) as T;
  }

  bounce(): Promise<{ from: string; condition: string }> {
    return this.next('bounce');
  }

  roster(): Promise<readonly Contact[]> {
    return this.#ask('roster');
  }

  rosterPush(): Promise<Contact> {
    return this.next('rosterPush');
  }

  setContact(jid: string, name: string, groups: readonly string[]): Promise<void> {
    return this.#do('setContact', { jid, name, groups });
  }

  removeContact(jid: string): Promise<void> {
    return this.#do('removeContact', { jid });
  }

  subscribe(to: string): Promise<void> {
    return this.#do('subscribe', { to });
  }

  approve(jid: string): Promise<void> {
    return this.#do('approve', { jid });
  }

  subscriptionNews(): Promise<SubscriptionNews> {
    return this.next('subscriptionNews');
  }

  carbons(): Promise<void> {
    return this.#do('carbons');
  }

  copy(): Promise<Copy> {
    return this.next('copy');
  }

  blocked(): Promise<readonly string[]> {
    return this.#ask('blocked');
  }

  block(jid: string): Promise<void> {
    return this.#do('block', { jid });
  }

  unblock(jid: string): Promise<void> {
    return this.#do('unblock', { jid });
  }

  blockChange(): Promise<BlockChange> {
    return this.next('blockChange');
  }

  lastActivity(of: string): Promise<{ seconds: number; status: string }> {
    return this.#ask('lastActivity', { of });
  }

  publishCard(fullName: string): Promise<void> {
    return this.#do('publishCard', { fullName });
  }

  fullName(of: string): Promise<string> {
    return this.#ask('fullName', { of });
  }

  keepBookmark(room: string, name: string): Promise<void> {
    return this.#do('keepBookmark', { room, name });
  }

  bookmarks(): Promise<readonly { jid: string; name: string }[]> {
    return this.#ask('bookmarks');
  }

  setInactive(): Promise<void> {
    return this.#do('setInactive');
  }

  setActive(): Promise<void> {
    return this.#do('setActive');
  }

  async leave(status: string): Promise<void> {
    await this.#do('leave', { status });
    await this.next('disconnected');
  }
}
