import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { buildElement, Element } from '../../src/xml/element.ts';
import { decodeValue, Scan, Scanner } from '../../src/xml/scanner.ts';
import { StreamContext } from '../../src/xml/stream-context.ts';
import { serialize } from '../../src/xml/writer.ts';

const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
const LIMITS = {
  stanzaBytesMax: 1 << 26,
  elementsMax: 1 << 20,
  depthMax: 1 << 10,
  attributesMax: 1 << 10,
  nameBytesMax: 1 << 16,
  namespacesMax: 1 << 10,
};
const UNOPENED = new StreamContext('', [], LIMITS);

/** What a client hears: an element, or that its stream began or ended. */
export type Heard =
  | { readonly kind: 'open'; readonly attributes: ReadonlyMap<string, string> }
  | { readonly kind: 'element'; readonly element: Element }
  | { readonly kind: 'close' }
  | { readonly kind: 'disconnected' };

/** How long a client waits for what it expects, before the test fails: longer than any machine takes, and shorter than a test may take. */
const PATIENCE_MS = 60_000;

/** A client that speaks raw XML over a real socket: what the test says is what goes over the wire. */
export class TestClient {
  readonly jid: string;
  /** What the server gave to resume TLS with, last. */
  tlsSession: Buffer | undefined = undefined;
  #socket: Socket;
  #scanner = new Scanner();
  #context = UNOPENED;
  /** Bytes of an element that has not ended yet, and how many of them were looked at. */
  #pending = Buffer.alloc(0);
  #looked = 0;
  readonly #heard: Heard[] = [];
  #waiting: (() => void) | undefined;
  #isGone = false;

  private constructor(socket: Socket, jid: string) {
    this.jid = jid;
    this.#socket = socket;
    this.#listen(socket);
  }

  #listen(socket: Socket): void {
    socket.on('data', (data: Buffer) => this.#read(data));
    socket.on('error', () => {});
    socket.on('close', () => {
      if (socket === this.#socket && !this.#isGone) {
        this.#isGone = true;
        this.#hear({ kind: 'disconnected' });
      }
    });
  }

  /** Connects and says nothing yet. */
  static async connect(port: number, jid = '', options: Partial<NetConnectOpts> = {}): Promise<TestClient> {
    const socket = connect({ port, host: '127.0.0.1', ...options });
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new TestClient(socket, jid);
  }

  /** Connects to a port that speaks TLS from the first byte. */
  static async connectTls(port: number, options: ConnectionOptions = {}): Promise<TestClient> {
    const client = await TestClient.connect(port);
    await client.startTls(options);
    return client;
  }

  /** Connects, logs in with PLAIN as `local@domain/resource`, binds, and (unless told otherwise) becomes available. */
  static async login(
    port: number,
    jid: string,
    options: { password?: string; isAvailable?: boolean; priority?: number } = {},
  ): Promise<TestClient> {
    const client = await TestClient.connect(port, jid);
    const [address = '', resource = ''] = jid.split('/');
    const [local = '', domain = ''] = address.split('@');
    await client.openStream(domain);
    const credentials = Buffer.from(`\0${local}\0${options.password ?? 'secret'}`).toString('base64');
    client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${credentials}</auth>`);
    const answer = await client.element();
    if (answer.name !== 'success') throw new Error(`login of ${jid}: ${serialize(answer)}`);
    client.restart();
    await client.openStream(domain);
    await client.bind(resource);
    if (options.isAvailable !== false) await client.available(options.priority);
    return client;
  }

  /** Opens a stream and returns the features offered. */
  async openStream(domain: string, attributes = ''): Promise<Element> {
    this.send(
      `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xmlns='jabber:client' ` +
        `xmlns:stream='http://etherx.jabber.org/streams' ${attributes}>`,
    );
    await this.expect('open');
    return await this.element();
  }

  /** After SASL success or TLS: what comes next is a new stream. */
  restart(): void {
    this.#context = UNOPENED;
    this.#scanner = new Scanner();
    this.#looked = 0;
  }

  async bind(resource: string): Promise<string> {
    const wanted = resource === '' ? '' : `<resource>${resource}</resource>`;
    this.send(
      `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${wanted}</bind></iq>`,
    );
    const result = await this.element();
    const jid = result.child('bind', 'urn:ietf:params:xml:ns:xmpp-bind')?.childText('jid');
    if (jid === undefined) throw new Error(`bind: ${serialize(result)}`);
    return jid;
  }

  /** Sends available presence and waits for its own copy. Messages that come before it (stored ones do) are kept for later. */
  async available(priority?: number): Promise<void> {
    this.send(
      priority === undefined ? '<presence/>' : `<presence><priority>${priority}</priority></presence>`,
    );
    const early: Heard[] = [];
    for (;;) {
      const heard = await this.expect('element');
      const { name } = heard.element;
      if (name === 'presence' && heard.element.attribute('from') === this.jid) break;
      if (name === 'message') early.push(heard);
    }
    this.#heard.unshift(...early);
  }

  send(text: string | Uint8Array): void {
    this.#socket.write(text);
  }

  /** The next thing heard; the test fails if it does not come. */
  async next(): Promise<Heard> {
    const deadline = setTimeout(() => this.#waiting?.(), PATIENCE_MS);
    try {
      const until = Date.now() + PATIENCE_MS;
      while (this.#heard.length === 0) {
        if (Date.now() >= until) throw new Error(`${this.jid || 'client'}: nothing heard`);
        await new Promise<void>((resolve) => {
          this.#waiting = resolve;
        });
      }
      return this.#heard.shift()!;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** The next thing heard, which must be of this kind. */
  async expect<K extends Heard['kind']>(kind: K): Promise<Extract<Heard, { kind: K }>> {
    const heard = await this.next();
    if (heard.kind !== kind)
      throw new Error(`${this.jid || 'client'}: expected ${kind}, heard ${describe(heard)}`);
    return heard as Extract<Heard, { kind: K }>;
  }

  /** The next element. */
  async element(): Promise<Element> {
    return (await this.expect('element')).element;
  }

  /** Whether there is something to hear, now or within `ms`. */
  async heardWithin(ms: number): Promise<boolean> {
    if (this.#heard.length === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#heard.length > 0;
  }

  /** The next element; undefined when none comes for `ms`. */
  async elementWithin(ms: number): Promise<Element | undefined> {
    return (await this.heardWithin(ms)) ? await this.element() : undefined;
  }

  /** Elements up to the first that `wanted` accepts, which is returned; the others are dropped. */
  async until(wanted: (element: Element) => boolean): Promise<Element> {
    for (;;) {
      const element = await this.element();
      if (wanted(element)) return element;
    }
  }

  /** The next message. Presence on the way is dropped. */
  message(): Promise<Element> {
    return this.until((element) => element.name === 'message');
  }

  /** Sends an IQ and returns its answer. */
  async iq(type: 'get' | 'set', to: string | undefined, payload: string, id = `q${++ids}`): Promise<Element> {
    const address = to === undefined ? '' : ` to='${to}'`;
    this.send(`<iq type='${type}' id='${id}'${address}>${payload}</iq>`);
    return await this.until((element) => element.name === 'iq' && element.attribute('id') === id);
  }

  /** Proves that nothing else is on its way: a ping of the own account goes there and back behind everything before it. */
  async nothingElse(): Promise<void> {
    const id = `nothing${++ids}`;
    this.send(`<iq type='get' id='${id}'><nothing xmlns='urn:test:nothing'/></iq>`);
    const element = await this.element();
    if (element.attribute('id') !== id) throw new Error(`${this.jid}: unexpected ${serialize(element)}`);
  }

  /** What has been heard already, without waiting. */
  heardNow(): Heard[] {
    return this.#heard.splice(0);
  }

  /** Waits for the stream error and the end that follow it; returns its condition. */
  async streamError(): Promise<string> {
    const error = await this.until((element) => element.name === 'error' || element.name === 'stream:error');
    await this.expect('close');
    await this.expect('disconnected');
    return error.elements()[0]!.name;
  }

  /** Negotiates TLS on the connection (after `<proceed/>`, or from the first byte). */
  async startTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    plain.removeAllListeners('close');
    const secure = connectTls({ socket: plain, rejectUnauthorized: false, ...options });
    secure.on('error', () => {});
    secure.on('session', (session) => {
      this.tlsSession = session;
    });
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve);
      secure.once('error', reject);
      secure.once('close', () => reject(new Error('closed during the TLS handshake')));
    });
    this.#socket = secure;
    this.restart();
    this.#listen(secure);
    return secure;
  }

  /** Ends the stream in order. */
  async close(): Promise<void> {
    if (this.#isGone) return;
    this.send('</stream:stream>');
    while ((await this.next()).kind !== 'disconnected');
  }

  /** Cuts the connection. */
  cut(): void {
    this.#socket.destroy();
  }

  get socket(): Socket {
    return this.#socket;
  }

  #read(data: Buffer): void {
    let buffer = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data]);
    let pos = this.#looked;
    this.#pending = Buffer.alloc(0);
    this.#looked = 0;
    for (;;) {
      if (!this.#scanner.isInside) this.#scanner.enter(this.#context);
      this.#scanner.base = 0;
      const event = this.#scanner.scan(buffer, pos, buffer.length);
      if (event === Scan.MORE) {
        const from = this.#scanner.isInside ? this.#scanner.base : this.#scanner.pos;
        this.#pending = Buffer.from(buffer.subarray(from));
        this.#looked = this.#scanner.pos - from;
        return;
      }
      if (event === Scan.ERROR)
        throw new Error(`${this.jid}: the server wrote bad XML: ${buffer.toString()}`);
      const rest = buffer.subarray(this.#scanner.pos);
      if (event === Scan.STREAM_OPEN) this.#opened(buffer);
      else if (event === Scan.ELEMENT) this.#element(buildElement(this.#scanner, buffer));
      else this.#hear({ kind: 'close' });
      buffer = rest;
      pos = 0;
      if (buffer.length === 0) return;
    }
  }

  #element(element: Element): void {
    // A new stream comes next, maybe in the same segment.
    if (element.name === 'success' && element.ns === NS_SASL) this.restart();
    this.#hear({ kind: 'element', element });
  }

  #opened(buffer: Buffer): void {
    const { name, bindings } = this.#scanner.openStream(buffer);
    this.#context = new StreamContext(name, bindings, LIMITS);
    const tag = buffer.toString('utf8', 0, this.#scanner.pos);
    const attributes = new Map<string, string>();
    for (const [, key, value] of tag.matchAll(/([\w:]+)='([^']*)'/g))
      attributes.set(key!, decodeValue(value!));
    this.#hear({ kind: 'open', attributes });
  }

  #hear(heard: Heard): void {
    this.#heard.push(heard);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }
}

let ids = 0;

function describe(heard: Heard): string {
  return heard.kind === 'element' ? serialize(heard.element) : heard.kind;
}

export { Element };
