import { xml } from '@xmpp/client';
import { NS_MAM, NS_RSM } from '../modules/mam-support.ts';
import type { ChatClient, ClientSettings } from './chat-client.ts';
import { SLIXMPP_MISSING, Slixmpp } from './slixmpp.ts';
import { XmppJs } from './xmpp-js.ts';

/** Clients of others that read the archive of their account page by page (XEP-0313 §4, XEP-0059). */

export interface ArchivedMessage {
  readonly id: string;
  readonly body: string;
}

export interface ArchivePage {
  /** Oldest first. */
  readonly messages: readonly ArchivedMessage[];
  /** Whether there is no more in the direction of the page. */
  readonly isComplete: boolean;
  readonly first: string | undefined;
  readonly last: string | undefined;
}

/** Children of `<set/>`. */
export interface PagePosition {
  readonly max: number;
  readonly after?: string;
  readonly before?: string;
}

export interface ArchiveReader extends ChatClient {
  page(position: PagePosition): Promise<ArchivePage>;
}

export interface ArchiveReaderKind {
  readonly name: string;
  /** Why it cannot be run here; undefined when it can. */
  readonly missing: string | undefined;
  create(settings: ClientSettings): ArchiveReader;
}

export const SLIXMPP_READER: ArchiveReaderKind = {
  name: 'slixmpp',
  missing: SLIXMPP_MISSING,
  create: (settings) => new SlixmppReader(settings, ['--unbound', '--archive']),
};

export const XMPP_JS_READER: ArchiveReaderKind = {
  name: '@xmpp/client',
  missing: undefined,
  create: (settings) => new XmppJsReader(settings),
};

class SlixmppReader extends Slixmpp implements ArchiveReader {
  async page(position: PagePosition): Promise<ArchivePage> {
    return (await this.perform({ do: 'page', position })) as ArchivePage;
  }
}

/** It knows nothing of archives: requests are made, and answers read, element by element. */
class XmppJsReader extends XmppJs implements ArchiveReader {
  #queries = 0;
  /** Of the query under way. */
  #messages: ArchivedMessage[] = [];

  constructor(settings: ClientSettings) {
    super(settings);
    this.client.on('stanza', (stanza) => {
      const result = stanza.getChild('result', NS_MAM);
      if (result?.attrs['queryid'] !== String(this.#queries)) return;
      const message = result.getChild('forwarded', 'urn:xmpp:forward:0')?.getChild('message');
      this.#messages.push({ id: result.attrs['id'] ?? '', body: message?.getChildText('body') ?? '' });
    });
  }

  async page(position: PagePosition): Promise<ArchivePage> {
    this.#messages = [];
    const children = Object.entries(position).map(([name, value]) => xml(name, {}, String(value)));
    const set = xml('set', { xmlns: NS_RSM }, ...children);
    const query = xml('query', { xmlns: NS_MAM, queryid: String(++this.#queries) }, set);
    const answer = await this.request(xml('iq', { type: 'set' }, query));
    const fin = answer.getChild('fin', NS_MAM);
    const found = fin?.getChild('set', NS_RSM);
    return {
      messages: this.#messages,
      isComplete: fin?.attrs['complete'] === 'true',
      first: found?.getChildText('first') ?? undefined,
      last: found?.getChildText('last') ?? undefined,
    };
  }
}
