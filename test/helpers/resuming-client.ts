import { type Element, TestClient } from './client.ts';
import { NS_SM } from './stream-management.ts';

/** A client that acknowledges, and that resumes its session whenever its connection is lost, as long as it is asked to. */
export class ResumingClient {
  readonly jid: string;
  /** Messages that it got, in order. */
  readonly messages: Element[] = [];
  /** How often it has resumed. */
  resumptions = 0;
  readonly #port: number;
  #client!: TestClient;
  #id = '';
  /** Stanzas handled; and stanzas that it sent and that are not acknowledged. */
  #handled = 0;
  #unacknowledged: string[] = [];
  #acknowledged = 0;
  #isOnline = false;
  #isDone = false;
  #heard: (() => void) | undefined;
  #failure: Error | undefined;

  private constructor(port: number, jid: string) {
    this.#port = port;
    this.jid = jid;
  }

  /** Logs in, becomes available and enables resumption. The network should be good until this has resolved. */
  static async login(port: number, jid: string): Promise<ResumingClient> {
    const own = new ResumingClient(port, jid);
    const client = await TestClient.login(port, jid);
    client.send(`<enable xmlns='${NS_SM}' resume='true'/>`);
    const enabled = await client.until((element) => element.ns === NS_SM);
    own.#id = enabled.attribute('id')!;
    own.#client = client;
    own.#isOnline = true;
    void own.#run();
    return own;
  }

  /** Sends a stanza, and again after each break until the server has acknowledged it. */
  send(xml: string): void {
    this.#unacknowledged.push(xml);
    if (this.#isOnline) this.#client.send(`${xml}<r xmlns='${NS_SM}'/>`);
  }

  /** Waits until it has got so many messages, and the server all of its. */
  async until(messages: number): Promise<void> {
    while (this.messages.length < messages || this.#unacknowledged.length > 0) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  /** Ends its session. */
  async close(): Promise<void> {
    this.#isDone = true;
    this.#client.send('</stream:stream>');
    this.#client.cut();
  }

  async #run(): Promise<void> {
    while (!this.#isDone) {
      try {
        const heard = await this.#client.next();
        if (heard.kind === 'element') this.#element(heard.element);
        else if (heard.kind === 'disconnected') {
          this.#isOnline = false;
          if (!this.#isDone) await this.#comeBack();
        }
      } catch (cause) {
        // Nothing was heard for a while: that is no failure by itself.
        if (!(cause as Error).message.includes('nothing heard')) {
          this.#failure = cause as Error;
          this.#heard?.();
          return;
        }
      }
    }
  }

  #element(element: Element): void {
    if (element.ns === NS_SM) {
      if (element.name === 'r') this.#client.send(`<a xmlns='${NS_SM}' h='${this.#handled}'/>`);
      else if (element.name === 'a') this.#settled(Number(element.attribute('h')));
    } else if (element.name === 'message' || element.name === 'presence' || element.name === 'iq') {
      this.#handled++;
      if (element.name === 'message') this.messages.push(element);
    }
    this.#heard?.();
  }

  #settled(h: number): void {
    this.#unacknowledged.splice(0, h - this.#acknowledged);
    this.#acknowledged = h;
  }

  async #comeBack(): Promise<void> {
    while (!this.#isDone) {
      let client: TestClient | undefined;
      try {
        client = await this.#stream();
        client.send(`<resume xmlns='${NS_SM}' previd='${this.#id}' h='${this.#handled}'/>`);
        const answer = await client.element();
        if (answer.name !== 'resumed') {
          this.#failure = new Error(`${this.jid} could not resume: ${answer.name}`);
          this.#heard?.();
          this.#isDone = true;
          return;
        }
        this.#settled(Number(answer.attribute('h')));
        this.#client = client;
        this.#isOnline = true;
        this.resumptions++;
        for (const xml of this.#unacknowledged) client.send(xml);
        client.send(`<r xmlns='${NS_SM}'/>`);
        return;
      } catch {
        // The network has cut this connection, too.
        client?.cut();
      }
    }
  }

  async #stream(): Promise<TestClient> {
    const [bare = ''] = this.jid.split('/');
    const [local = '', domain = ''] = bare.split('@');
    const client = await TestClient.connect(this.#port, this.jid);
    await client.openStream(domain);
    const credentials = Buffer.from(`\0${local}\0secret`).toString('base64');
    client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${credentials}</auth>`);
    await client.element();
    client.restart();
    await client.openStream(domain);
    return client;
  }
}
