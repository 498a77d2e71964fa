import { type Element, type Heard, TestClient } from '../../helpers/client.ts';
import { NS_SM } from '../../helpers/stream-management.ts';

/** Stanzas that came in on a link. */
const STANZAS = new Set(['message', 'presence', 'iq']);

/** The server is not there, or has just gone. */
export class LinkLostError extends Error {}

/**
 * The connection of a client that acknowledges and resumes (XEP-0198): logs in, or goes on with its session if that is still there. What it counts survives
 * the connection.
 */
export class SmLink {
  readonly bare: string;
  readonly #port: () => number;
  #client: TestClient | undefined;
  #id: string | undefined;
  /** Stanzas handled in this session. */
  #handled = 0;

  /** `port` throws while the server is not there. */
  constructor(bare: string, port: () => number) {
    this.bare = bare;
    this.#port = port;
  }

  get isOpen(): boolean {
    return this.#client !== undefined;
  }

  /** Connects. Resolves to how many stanzas the server has handled when a session goes on; to undefined when it is a new one. */
  async open(resource: string): Promise<number | undefined> {
    const client = await this.#guarded(() => this.#loggedIn());
    try {
      if (this.#id !== undefined) {
        client.send(`<resume xmlns='${NS_SM}' previd='${this.#id}' h='${this.#handled}'/>`);
        const answer = await this.#guarded(() => client.element());
        if (answer.name === 'resumed') {
          this.#client = client;
          return Number(answer.attribute('h'));
        }
        this.#id = undefined;
      }
      await this.#guarded(() => client.bind(resource));
      client.send(`<enable xmlns='${NS_SM}' resume='true'/>`);
      const enabled = await this.#guarded(() => client.until(({ ns }) => ns === NS_SM));
      this.#id = enabled.attribute('id')!;
      this.#handled = 0;
      this.#client = client;
      return undefined;
    } catch (cause) {
      client.cut();
      throw cause;
    }
  }

  send(xml: string): void {
    this.#client?.send(xml);
  }

  /** The next stanza or acknowledgement; undefined when nothing came for so long. Requests are answered. Throws {@link LinkLostError} at the end of the connection. */
  async hear(ms: number): Promise<Element | undefined> {
    const client = this.#client;
    if (client === undefined) throw new LinkLostError();
    const until = performance.now() + ms;
    for (let left = ms; left > 0; left = until - performance.now()) {
      const heard = await this.#next(client, left);
      if (heard === undefined) return undefined;
      if (heard.kind === 'disconnected') {
        this.#client = undefined;
        throw new LinkLostError();
      }
      if (heard.kind !== 'element') continue;
      const { element } = heard;
      if (STANZAS.has(element.name)) this.#handled++;
      if (element.ns !== NS_SM || element.name !== 'r') return element;
      client.send(`<a xmlns='${NS_SM}' h='${this.#handled}'/>`);
    }
    return undefined;
  }

  async #next(client: TestClient, ms: number): Promise<Heard | undefined> {
    return (await client.heardWithin(ms)) ? await client.next() : undefined;
  }

  /** Cuts the connection; the session waits. */
  cut(): void {
    this.#client?.cut();
    this.#client = undefined;
  }

  /** Ends the session in order. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#id = undefined;
    if (client === undefined) return;
    client.send(`<a xmlns='${NS_SM}' h='${this.#handled}'/></stream:stream>`);
    await this.#guarded(async () => {
      let heard = await client.next();
      while (heard.kind !== 'close' && heard.kind !== 'disconnected') heard = await client.next();
      // A server that was killed ends no stream.
      if (heard.kind === 'disconnected') throw new LinkLostError();
      while ((await client.next()).kind !== 'disconnected');
    });
  }

  async #loggedIn(): Promise<TestClient> {
    const [local = '', domain = ''] = this.bare.split('@');
    const client = await TestClient.connect(this.#port(), this.bare);
    await client.openStream(domain);
    const credentials = Buffer.from(`\0${local}\0secret`).toString('base64');
    client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${credentials}</auth>`);
    const answer = await client.element();
    if (answer.name !== 'success') {
      client.cut();
      throw new LinkLostError();
    }
    client.restart();
    await client.openStream(domain);
    return client;
  }

  /** While a server is being killed anything may be missing. */
  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw cause instanceof LinkLostError ? cause : new LinkLostError(String(cause), { cause });
    }
  }
}
