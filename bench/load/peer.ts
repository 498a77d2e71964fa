import type { Socket } from 'node:net';
import { accountName, BENCH_PASSWORD } from '../lib/accounts.ts';
import { type Channel, connectBy } from './channel.ts';
import { elementEnd, isNonza, nameAt } from './elements.ts';
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
  /** The full JID; the one that was asked for, until the server has said otherwise. */
  jid: string;
  readonly socket: Socket;
  /** Called for every whole stanza while the session is open. */
  onStanza: OnStanza = () => {};
  #carry: Buffer | undefined;
  #waiting:
    | { readonly isWhole: (text: string) => boolean; readonly resolve: (text: string) => void }
    | undefined;
  #text = '';
  #isOpen = false;
  /** Called with what the server says it has handled. */
  onAcknowledged: (handled: number) => void = () => {};
  /** Whether the server gets an answer when it asks how many stanzas were handled. */
  acknowledges = true;
  #handled = -1;
  /** Hears what an attempt to resume came to: the name of the answer. */
  #onNonza: ((name: string) => void) | undefined;

  private constructor(number: number, domain: string, resource: string, port: number, channel: Channel) {
    this.number = number;
    this.jid = `${accountName(number)}@${domain}/${resource}`;
    const onread = {
      buffer: shared,
      callback: (length: number, buffer: Uint8Array) => {
        this.#received(buffer as Buffer, length);
        return true;
      },
    };
    this.socket = connectBy(channel, port, onread);
    this.socket.setNoDelay(true);
    this.socket.on('error', () => {});
  }

  /** Connects, and does nothing yet. */
  static connect(number: number, port: number, channel: Channel = 'plain'): Peer {
    return new Peer(number, 'localhost', '', port, channel);
  }

  /** Connects and logs in; `isAvailable` sends initial presence. */
  static async login(
    number: number,
    domain: string,
    resource: string,
    port: number,
    isAvailable: boolean,
    mechanism: 'PLAIN' | 'SCRAM-SHA-1' = 'PLAIN',
    channel: Channel = 'plain',
  ): Promise<Peer> {
    const peer = new Peer(number, domain, resource, port, channel);
    await peer.authenticate(domain, mechanism);
    await peer.bind(resource);
    if (isAvailable) await peer.ask('<presence/>', '<presence');
    peer.#isOpen = true;
    return peer;
  }

  /** Enables stream management: from now on the peer acknowledges whenever it is asked to. Returns the id to resume with. */
  async enable(): Promise<string> {
    this.#isOpen = false;
    const answer = await this.ask(`<enable xmlns='${NS_SM}' resume='true'/>`, '<enabled');
    this.#handled = 0;
    this.#isOpen = true;
    return resumptionId(answer);
  }

  /**
   * Logs in and resumes a session, of which `h` stanzas were handled; `onStanza` gets what follows the answer. Returns whether it was resumed.
   */
  async resume(id: string, h: number, onStanza: OnStanza): Promise<boolean> {
    await this.authenticate('localhost', 'PLAIN');
    this.onStanza = onStanza;
    return await new Promise((resolve) => {
      this.#handled = h;
      this.#isOpen = true;
      this.#onNonza = (name) => {
        this.#onNonza = undefined;
        resolve(name === 'resumed');
      };
      this.socket.once('close', () => resolve(false));
      this.socket.write(`<resume xmlns='${NS_SM}' previd='${id}' h='${h}'/>`);
    });
  }

  /** Connects to a bare relay, as one end of a pair. */
  static async relay(number: number, port: number): Promise<Peer> {
    const peer = new Peer(number, 'localhost', 'bench', port, 'plain');
    const name = String(number).padStart(8, '0');
    await peer.ask(name, name);
    peer.#isOpen = true;
    return peer;
  }

  /** Connects to a bare relay, as one of a group: what a member sends, all of them get. */
  static async relayGroup(group: number, port: number): Promise<Peer> {
    const peer = new Peer(group, 'localhost', 'bench', port, 'plain');
    const name = `g${String(group).padStart(7, '0')}`;
    await peer.ask(name, name);
    peer.#isOpen = true;
    return peer;
  }

  /** Opens a stream, logs in by the classic profile (RFC 6120 §6), and opens the stream that follows. */
  async authenticate(domain: string, mechanism: 'PLAIN' | 'SCRAM-SHA-1'): Promise<void> {
    const header = streamHeader(domain);
    await this.ask(header, '</stream:features>');
    await (mechanism === 'PLAIN' ? this.#plain() : this.#scram());
    await this.ask(header, '</stream:features>');
  }

  /** Binds a resource (RFC 6120 §7). */
  async bind(resource: string): Promise<void> {
    this.jid = `${this.jid.split('/')[0]}/${resource}`;
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
  async ping(): Promise<void> {
    await this.request("<ping xmlns='urn:xmpp:ping'/>");
  }

  /** Sends a request; returns the answer. What comes before goes to `onStanza`, in which no other request may be under way. */
  request(payload: string, type: 'get' | 'set' = 'get'): Promise<string> {
    return new Promise((resolve) => {
      const before = this.onStanza;
      this.onStanza = (buffer, start, end) => {
        if (buffer[start + 1] !== 0x69) {
          before(buffer, start, end);
          return;
        }
        this.onStanza = before;
        resolve(buffer.latin1Slice(start, end));
      };
      this.send(`<iq type='${type}' id='request'>${payload}</iq>`);
    });
  }

  /** Sends text and waits until `marker` has come back; or until what has come is whole. */
  ask(text: string, marker: string | ((text: string) => boolean)): Promise<string> {
    this.#text = '';
    const isWhole = typeof marker === 'string' ? (got: string) => got.includes(marker) : marker;
    return new Promise((resolve, reject) => {
      this.#waiting = { isWhole, resolve };
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

  #answer(data: Buffer, start: number, stop: number): void {
    if (data[start + 1] === 0x61) this.onAcknowledged(acknowledgedIn(data.latin1Slice(start, stop)));
    else if (data[start + 1] === 0x72 && this.acknowledges)
      this.send(`<a xmlns='${NS_SM}' h='${this.#handled}'/>`);
  }

  /** Stanzas received since stream management was enabled; -1 without it. */
  get handled(): number {
    return this.#handled;
  }

  #received(buffer: Buffer, length: number): void {
    if (!this.#isOpen) {
      this.#text += buffer.latin1Slice(0, length);
      const waiting = this.#waiting;
      if (waiting?.isWhole(this.#text) === true) {
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
      if (this.#handled >= 0 && isNonza(data, start)) this.#answer(data, start, stop);
      else if (this.#onNonza !== undefined) this.#onNonza(nameAt(data, start, stop));
      else {
        if (this.#handled >= 0) this.#handled++;
        this.onStanza(data, start, stop);
      }
      start = stop;
    }
    if (start < end) this.#carry = Buffer.from(data.subarray(start, end));
  }
}

/** What opens a stream. */
export function streamHeader(domain: string): string {
  return `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`;
}

/** The number in an `<a/>`. */
function acknowledgedIn(text: string): number {
  return Number(/ h='(\d+)'/.exec(text)![1]);
}

/** The id in an `<enabled/>`. */
export function resumptionId(text: string): string {
  return /<enabled[^>]* id='([^']*)'/.exec(text)?.[1] ?? '';
}
