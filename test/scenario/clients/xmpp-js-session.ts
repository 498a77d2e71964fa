import { type XmlElement, xml } from '@xmpp/client';
import { Arrivals, type ClientSettings } from './chat-client.ts';
import type {
  BlockChange,
  Contact,
  Copy,
  SessionClient,
  SessionClientKind,
  SubscriptionNews,
} from './session-client.ts';
import { XmppJs } from './xmpp-js.ts';

const NS = {
  roster: 'jabber:iq:roster',
  carbons: 'urn:xmpp:carbons:2',
  forward: 'urn:xmpp:forward:0',
  blocking: 'urn:xmpp:blocking',
  last: 'jabber:iq:last',
  vcard: 'vcard-temp',
  private: 'jabber:iq:private',
  bookmarks: 'storage:bookmarks',
  csi: 'urn:xmpp:csi:0',
} as const;

/**
 * @xmpp/client with SASL2, Bind 2, FAST and stream management of its own. Of SCRAM it has SHA-1 without channel binding; it comes back with a token. Rosters,
 * blocking, last activity, vCards and private storage it leaves to programs, which send requests by its caller and answer pushes by its callee, as is done
 * here; it has nothing for CSI.
 */
export const XMPP_JS_SESSION: SessionClientKind = {
  name: '@xmpp/client',
  missing: undefined,
  mechanism: /^SCRAM-SHA-1$/,
  sendsAgain: true,
  create: (settings) => new XmppJsSession(settings),
};

const childrenOf = (element: XmlElement, name: string): readonly string[] =>
  element.getChildren(name).map((child) => child.attrs['jid'] ?? '');

function contactOf(item: XmlElement): Contact {
  return {
    jid: item.attrs['jid'] ?? '',
    name: item.attrs['name'] ?? '',
    subscription: item.attrs['subscription'] ?? '',
    isAsked: item.attrs['ask'] === 'subscribe',
    groups: item
      .getChildren('group')
      .map((group) => group.text())
      .sort(),
  };
}

class XmppJsSession extends XmppJs implements SessionClient {
  readonly #jid: string;
  readonly #rosterPushes: Arrivals<Contact>;
  readonly #news: Arrivals<SubscriptionNews>;
  readonly #copies: Arrivals<Copy>;
  readonly #blockChanges: Arrivals<BlockChange>;
  readonly #bounces: Arrivals<{ from: string; condition: string }>;

  constructor(settings: ClientSettings) {
    super(settings);
    const { jid } = settings;
    this.#jid = jid.split('/')[0]!;
    this.#rosterPushes = new Arrivals(`a roster push to ${jid}`);
    this.#news = new Arrivals(`presence about subscriptions to ${jid}`);
    this.#copies = new Arrivals(`a copy to ${jid}`);
    this.#blockChanges = new Arrivals(`a push of the block list to ${jid}`);
    this.#bounces = new Arrivals(`a bounce to ${jid}`);
    const { bind2, iqCallee } = this.client;
    // XEP-0280 by XEP-0386: the answer to the login says nothing about it.
    bind2.use(
      NS.carbons,
      () => xml('enable', { xmlns: NS.carbons }),
      () => {},
    );
    iqCallee.set(NS.roster, 'query', ({ element }) => {
      for (const item of element.getChildren('item')) this.#rosterPushes.push(contactOf(item));
      return true;
    });
    for (const kind of ['block', 'unblock'] as const)
      iqCallee.set(NS.blocking, kind, ({ element }) => {
        this.#blockChanges.push({ kind, jids: childrenOf(element, 'item') });
        return true;
      });
    this.client.on('stanza', (stanza) => this.#heard(stanza));
  }

  #heard(stanza: XmlElement): void {
    const { from = '', type = '' } = stanza.attrs;
    if (stanza.is('presence') && type.includes('subscribe'))
      this.#news.push({ from: from.split('/')[0]!, type });
    if (!stanza.is('message')) return;
    if (type === 'error') {
      const condition = stanza.getChild('error')?.getChildElements()[0]?.name ?? '';
      this.#bounces.push({ from, condition });
    }
    for (const kind of ['sent', 'received'] as const) {
      const wrapped = stanza.getChild(kind, NS.carbons)?.getChild('forwarded', NS.forward);
      const message = wrapped?.getChild('message');
      const body = message?.getChildText('body') ?? undefined;
      // XEP-0280 §11: nobody else may say what the account said.
      if (message === undefined || body === undefined || from !== this.#jid) continue;
      this.#copies.push({ kind, from: message.attrs['from'] ?? '', to: message.attrs['to'] ?? '', body });
    }
  }

  /** The child of the answer that is named like the request's. */
  async #get(query: XmlElement, to?: string): Promise<XmlElement> {
    const address: Record<string, string> = to === undefined ? {} : { to };
    const answer = await this.request(xml('iq', { type: 'get', ...address }, query));
    return answer.getChild(query.name, query.attrs['xmlns'])!;
  }

  async #set(query: XmlElement): Promise<void> {
    await this.request(xml('iq', { type: 'set' }, query));
  }

  bounce(): Promise<{ from: string; condition: string }> {
    return this.#bounces.next();
  }

  async roster(): Promise<readonly Contact[]> {
    const answer = await this.#get(xml('query', { xmlns: NS.roster }));
    return answer.getChildren('item').map(contactOf);
  }

  rosterPush(): Promise<Contact> {
    return this.#rosterPushes.next();
  }

  setContact(jid: string, name: string, groups: readonly string[]): Promise<void> {
    const item = xml('item', { jid, name }, ...groups.map((group) => xml('group', {}, group)));
    return this.#set(xml('query', { xmlns: NS.roster }, item));
  }

  removeContact(jid: string): Promise<void> {
    return this.#set(xml('query', { xmlns: NS.roster }, xml('item', { jid, subscription: 'remove' })));
  }

  subscribe(to: string): Promise<void> {
    return this.client.send(xml('presence', { to, type: 'subscribe' }));
  }

  approve(jid: string): Promise<void> {
    return this.client.send(xml('presence', { to: jid, type: 'subscribed' }));
  }

  subscriptionNews(): Promise<SubscriptionNews> {
    return this.#news.next();
  }

  /** Since it has been bound. */
  async carbons(): Promise<void> {}

  copy(): Promise<Copy> {
    return this.#copies.next();
  }

  async blocked(): Promise<readonly string[]> {
    return childrenOf(await this.#get(xml('blocklist', { xmlns: NS.blocking })), 'item');
  }

  block(jid: string): Promise<void> {
    return this.#set(xml('block', { xmlns: NS.blocking }, xml('item', { jid })));
  }

  unblock(jid: string): Promise<void> {
    return this.#set(xml('unblock', { xmlns: NS.blocking }, xml('item', { jid })));
  }

  blockChange(): Promise<BlockChange> {
    return this.#blockChanges.next();
  }

  async lastActivity(of: string): Promise<{ seconds: number; status: string }> {
    const answer = await this.#get(xml('query', { xmlns: NS.last }), of);
    return { seconds: Number(answer.attrs['seconds']), status: answer.text() };
  }

  publishCard(fullName: string): Promise<void> {
    return this.#set(xml('vCard', { xmlns: NS.vcard }, xml('FN', {}, fullName)));
  }

  async fullName(of: string): Promise<string> {
    return (await this.#get(xml('vCard', { xmlns: NS.vcard }), of)).getChildText('FN') ?? '';
  }

  keepBookmark(room: string, name: string): Promise<void> {
    const storage = xml('storage', { xmlns: NS.bookmarks }, xml('conference', { jid: room, name }));
    return this.#set(xml('query', { xmlns: NS.private }, storage));
  }

  async bookmarks(): Promise<readonly { jid: string; name: string }[]> {
    const query = xml('query', { xmlns: NS.private }, xml('storage', { xmlns: NS.bookmarks }));
    const kept = (await this.#get(query)).getChild('storage', NS.bookmarks);
    const rooms = kept?.getChildren('conference') ?? [];
    return rooms.map(({ attrs }) => ({ jid: attrs['jid'] ?? '', name: attrs['name'] ?? '' }));
  }

  setInactive(): Promise<void> {
    return this.client.send(xml('inactive', { xmlns: NS.csi }));
  }

  setActive(): Promise<void> {
    return this.client.send(xml('active', { xmlns: NS.csi }));
  }

  async leave(status: string): Promise<void> {
    this.client.reconnect.stop();
    await this.client.send(xml('presence', { type: 'unavailable' }, xml('status', {}, status)));
    await this.client.stop();
  }
}
