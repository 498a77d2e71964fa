import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { client, type XmlElement, type XmppClient, xml } from '@xmpp/client';
import {
  Arrivals,
  type ChatClient,
  type ClientKind,
  type ClientSettings,
  type HeardMessage,
  type HeardPresence,
} from './chat-client.ts';

const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
const NS_SASL2 = 'urn:xmpp:sasl:2';
const REQUEST_MS_MAX = 10_000;

/** xmpp.js, in this process. */
export const XMPP_JS: ClientKind = {
  name: '@xmpp/client',
  missing: undefined,
  mechanism: /^SCRAM-SHA-1$/,
  create: (settings) => new XmppJs(settings),
};

export class XmppJs implements ChatClient {
  readonly client: XmppClient;
  readonly #bare: string;
  readonly #messages: Arrivals<HeardMessage>;
  readonly #presences: Arrivals<HeardPresence>;
  readonly #logins: Arrivals<{ jid: string }>;
  readonly #resumptions: Arrivals<void>;
  #mechanism = '';

  constructor({ port, jid, certfile }: ClientSettings) {
    // It has no option for this: what the process trusts, it trusts.
    setDefaultCACertificates([...getCACertificates('bundled'), readFileSync(certfile, 'utf8')]);
    const [bare = '', resource = ''] = jid.split('/');
    const [username = '', domain = ''] = bare.split('@');
    this.#bare = bare;
    this.#messages = new Arrivals(`a message to ${jid}`);
    this.#presences = new Arrivals(`presence to ${jid}`);
    this.#logins = new Arrivals(`${jid} online again`);
    this.#resumptions = new Arrivals(`${jid} resumed`);
    this.client = client({
      service: `xmpp://127.0.0.1:${port}`,
      domain,
      resource,
      credentials: { username, password: 'secret' },
    });
    this.client.on('send', (element) => {
      if (element.is('auth', NS_SASL) || element.is('authenticate', NS_SASL2))
        this.#mechanism = element.attrs['mechanism'] ?? '';
    });
    this.client.reconnect.delay = 50;
    // A connection that is lost is an error, too.
    this.client.on('error', () => {});
    this.client.on('stanza', (stanza) => this.#heard(stanza));
    this.client.streamManagement.on('resumed', () => this.#resumptions.push());
    this.client.on('online', (own) => {
      void this.client.send(xml('presence'));
      this.#logins.push({ jid: own.toString() });
    });
  }

  #heard(stanza: XmlElement): void {
    const from = stanza.attrs['from'] ?? '';
    const body = stanza.getChildText('body');
    if (stanza.is('message') && body !== null && stanza.attrs['type'] !== 'error') {
      const isDelayed = stanza.getChild('delay', 'urn:xmpp:delay') !== undefined;
      this.#messages.push({ from, body, isDelayed });
    }
    const { type } = stanza.attrs;
    if (
      stanza.is('presence') &&
      !from.startsWith(this.#bare) &&
      (type === undefined || type === 'unavailable')
    )
      this.#presences.push({ from, isAvailable: type === undefined });
  }

  async login(): Promise<{ jid: string; mechanism: string }> {
    await this.client.start();
    return { ...(await this.online()), mechanism: this.#mechanism };
  }

  async say(to: string, body: string): Promise<void> {
    const message = xml('message', { to, type: 'chat' }, xml('body', {}, body));
    // What has been written is sent again once the stream is resumed; what has not been is refused.
    await this.client.send(message);
  }

  message(): Promise<HeardMessage> {
    return this.#messages.next();
  }

  show(to: string): void {
    void this.client.send(xml('presence', { to }));
  }

  presence(): Promise<HeardPresence> {
    return this.#presences.next();
  }

  /**
   * The answer to a request. Version 0.14 does not count such answers among the stanzas that it has handled, because its caller keeps them from the middleware
   * that counts: without this it would get as many stanzas a second time when it resumes.
   */
  async request(iq: XmlElement): Promise<XmlElement> {
    try {
      return await this.client.iqCaller.request(iq, REQUEST_MS_MAX);
    } finally {
      if (this.client.streamManagement.enabled) this.client.streamManagement.inbound++;
    }
  }

  async features(of: string): Promise<readonly string[]> {
    const ns = 'http://jabber.org/protocol/disco#info';
    const request = xml('iq', { type: 'get', to: of }, xml('query', { xmlns: ns }));
    const answer = await this.request(request);
    const features = answer.getChild('query', ns)?.getChildren('feature') ?? [];
    return features.map((feature) => feature.attrs['var'] ?? '');
  }

  async ping(to: string): Promise<void> {
    const request = xml('iq', { type: 'get', to }, xml('ping', { xmlns: 'urn:xmpp:ping' }));
    await this.request(request);
  }

  online(): Promise<{ jid: string }> {
    return this.#logins.next();
  }

  resumed(): Promise<void> {
    return this.#resumptions.next();
  }

  async logout(): Promise<void> {
    this.client.reconnect.stop();
    await this.client.send(xml('presence', { type: 'unavailable' }));
    await this.client.stop();
  }

  async dispose(): Promise<void> {
    this.client.reconnect.stop();
    await this.client.stop().catch(() => {});
  }
}
