import { Socket } from 'node:net';
import { accountName, BENCH_PASSWORD } from '../lib/accounts.ts';
import { ScramClient } from './scram.ts';

const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
const NS_SM = 'urn:xmpp:sm:3';

/**
 * A light XMPP client for load: raw TCP, and a parser that knows where elements end and nothing else. All peers of a process share one read
 * buffer, so that the client is not what is measured.
 */

const shared = Buffer.allocUnsafeSlow(262_144);

type OnStanza = (buffer: Buffer, start: number, end: number) => void;

export class Peer {
  readonly number: number;
  readonly jid: string;
  readonly socket: Socket;
  /** Called for every whole stanza while the session is open. */
  onStanza: OnStanza = () => {};
  #carry: Buffer | undefined;
  #waiting: { readonly marker: string; readonly resolve: (text: string) => void } | undefined;
  #text = '';
  #isOpen = false;
  /** Stanzas received since stream management was enabled; -1 without it. */
  #handled = -1;

  private constructor(number: number, domain: string, resource: string, port: number) {
    this.number = number;
    this.jid = `${accountName(number)}@${domain}/${resource}`;
    this.socket = new Socket({
      onread: {
        buffer: shared,
        callback: (length: number, buffer: Uint8Array) => {
          this.#received(buffer as Buffer, length);
          return true;
        },
      },
    } as ConstructorParameters<typeof Socket>[0]);
    this.socket.setNoDelay(true);
    this.socket.connect({ port, host: '127.0.0.1' });
    this.socket.on('error', () => {});
  }

  /** Connects and logs in; `isAvailable` sends initial presence. */
  static async login(
    number: number,
    domain: string,
    resource: string,
    port: number,
    isAvailable: boolean,
    mechanism: 'PLAIN' | 'SCRAM-SHA-1' = 'PLAIN',
  ): Promise<Peer> {
    const peer = new Peer(number, domain, resource, port);
    await peer.#login(domain, resource, mechanism);
    if (isAvailable) await peer.ask('<presence/>', '<presence');
    peer.#isOpen = true;
    return peer;
  }

  /** Enables stream management: from now on the peer acknowledges whenever it is asked to. */
  async enable(): Promise<void> {
    this.#isOpen = false;
    await this.ask(`<enable xmlns='${NS_SM}' resume='true'/>`, '<enabled');
    this.#handled = 0;
    this.#isOpen = true;
  }

  /** Connects to a bare relay, as one end of a pair. */
  static async relay(number: number, port: number): Promise<Peer> {
    const peer = new Peer(number, 'localhost', 'bench', port);
    const name = String(number).padStart(8, '0');
    await peer.ask(name, name);
    peer.#isOpen = true;
    return peer;
  }

  /** Connects to a bare relay, as one of a group: what a member sends, all of them get. */
  static async relayGroup(group: number, port: number): Promise<Peer> {
    const peer = new Peer(group, 'localhost', 'bench', port);
    const name = `g${String(group).padStart(7, '0')}`;
    await peer.ask(name, name);
    peer.#isOpen = true;
    return peer;
  }

  async #login(domain: string, resource: string, mechanism: 'PLAIN' | 'SCRAM-SHA-1'): Promise<void> {
    const header = `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`;
    await this.ask(header, '</stream:features>');
    await (mechanism === 'PLAIN' ? this.#plain() : this.#scram());
    await this.ask(header, '</stream:features>');
    await this.ask(
      `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind></iq>`,
      '</iq>',
    );
  }

  async #plain(): Promise<void> {
    const credentials = Buffer.from(`\0${accountName(this.number)}\0${BENCH_PASSWORD}`).toString('base64');
    await this.ask(`<auth xmlns='${NS_SASL}' mechanism='PLAIN'>${credentials}</auth>`, '</success>');
  }

  async #scram(): Promise<void> {
    const scram = new ScramClient(accountName(this.number), BENCH_PASSWORD);
    const answer = await this.ask(
      `<auth xmlns='${NS_SASL}' mechanism='SCRAM-SHA-1'>${scram.first()}</auth>`,
      '</challenge>',
    );
    const challenge = /<challenge[^>]*>([^<]*)</.exec(answer)![1]!;
    await this.ask(`<response xmlns='${NS_SASL}'>${scram.final(challenge)}</response>`, '</success>');
  }

  /** Sends a request that the server answers, behind everything sent before. */
  ping(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.onStanza;
      this.onStanza = (buffer, start, end) => {
        if (buffer[start + 1] !== 0x69) {
          before(buffer, start, end);
          return;
        }
        this.onStanza = before;
        resolve();
      };
      this.send("<iq type='get' id='ping'><ping xmlns='urn:xmpp:ping'/></iq>");
    });
  }

  /** Sends text and waits until `marker` has come back. */
  ask(text: string, marker: string): Promise<string> {
    this.#text = '';
    return new Promise((resolve, reject) => {
      this.#waiting = { marker, resolve };
      this.socket.once('close', () => reject(new Error(`closed while waiting for ${marker}`)));
      this.socket.write(text);
    });
  }

  send(bytes: Buffer | string): void {
    this.socket.write(bytes);
  }

  close(): void {
    this.socket.destroy();
  }

  #answer(data: Buffer, start: number): void {
    if (data[start + 1] === 0x72) this.send(`<a xmlns='${NS_SM}' h='${this.#handled}'/>`);
  }

  #received(buffer: Buffer, length: number): void {
    if (!this.#isOpen) {
      this.#text += buffer.latin1Slice(0, length);
      const waiting = this.#waiting;
      if (waiting !== undefined && this.#text.includes(waiting.marker)) {
        this.#waiting = undefined;
        this.socket.removeAllListeners('close');
        waiting.resolve(this.#text);
      }
      return;
    }
    let data = buffer;
    let end = length;
    if (this.#carry !== undefined) {
      data = Buffer.concat([this.#carry, buffer.subarray(0, length)]);
      end = data.length;
      this.#carry = undefined;
    }
    let start = 0;
    while (start < end) {
      const stop = elementEnd(data, start, end);
      if (stop < 0) break;
      if (this.#handled >= 0 && isNonza(data, start)) this.#answer(data, start);
      else {
        if (this.#handled >= 0) this.#handled++;
        this.onStanza(data, start, stop);
      }
      start = stop;
    }
    if (start < end) this.#carry = Buffer.from(data.subarray(start, end));
  }
}

/** Whether an element is `<r/>` or `<a/>`: their names have one letter. */
function isNonza(data: Buffer, start: number): boolean {
  return data[start + 2] === 0x20;
}

const MESSAGE_END = Buffer.from('</message>');
/** How the content of a copy (XEP-0280) begins: there is a message in the message. */
const SENT = Buffer.from('<sent ');
const RECEIVED = Buffer.from('<received ');
const PRESENCE_END = Buffer.from('</presence>');
const IQ_END = Buffer.from('</iq>');

/** Where the element that starts at `start` ends; -1 while it is incomplete. */
function elementEnd(data: Buffer, start: number, end: number): number {
  const second = data[start + 1];
  const marker = second === 0x6d ? MESSAGE_END : second === 0x70 ? PRESENCE_END : IQ_END;
  const close = data.indexOf(0x3e, start);
  if (close < 0 || close >= end) return -1;
  if (data[close - 1] === 0x2f) return close + 1;
  let at = data.indexOf(marker, close);
  if (at > 0 && second === 0x6d && isCopy(data, close + 1)) at = data.indexOf(marker, at + 1);
  return at < 0 || at + marker.length > end ? -1 : at + marker.length;
}

function isCopy(data: Buffer, at: number): boolean {
  return startsWith(data, at, SENT) || startsWith(data, at, RECEIVED);
}

function startsWith(data: Buffer, at: number, word: Buffer): boolean {
  return data.compare(word, 0, word.length, at, Math.min(at + word.length, data.length)) === 0;
}
