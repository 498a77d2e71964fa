import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Element } from '../../src/xml/element.ts';
import type { TestClient } from './client.ts';
import { auth, NS_SASL } from './xml.ts';

/** Digest names of the SCRAM mechanisms. */
export const SCRAM_DIGESTS = {
  '1': 'sha1',
  '224': 'sha224',
  '256': 'sha256',
  '384': 'sha384',
  '512': 'sha512',
};

export interface ScramOptions {
  readonly mechanism?: string;
  readonly gs2Header?: string;
  /** Channel-binding data after the header in `c=`. */
  readonly binding?: Buffer;
  readonly nonce?: string;
  /** Changes the final message before it is signed. */
  readonly final?: (withoutProof: string) => string;
  /** Changes the whole final message. */
  readonly message?: (final: string) => string;
}

/** The client side of SCRAM, written from RFC 5802 §3 and sharing no code with the server. */
export class Scram {
  readonly first: string;
  readonly #bare: string;
  readonly #digest: string;
  readonly #password: string;
  readonly #options: ScramOptions;
  #serverSignature = '';

  constructor(user: string, password: string, options: ScramOptions = {}) {
    const mechanism = options.mechanism ?? 'SCRAM-SHA-1';
    const bits = /^SCRAM-SHA-(\d+)/.exec(mechanism)![1] as keyof typeof SCRAM_DIGESTS;
    this.#digest = SCRAM_DIGESTS[bits];
    this.#password = password;
    this.#options = options;
    const name = user.replaceAll('=', '=3D').replaceAll(',', '=2C');
    this.#bare = `n=${name},r=${options.nonce ?? 'fyko+d2lbbFgONRv9qkxdawL'}`;
    this.first = (options.gs2Header ?? 'n,,') + this.#bare;
  }

  /** The answer to the server's first message. */
  final(serverFirst: string): string {
    const { gs2Header = 'n,,', binding = Buffer.alloc(0), final, message } = this.#options;
    const attributes = new Map(serverFirst.split(',').map((a) => [a[0], a.slice(2)] as const));
    const size = createHash(this.#digest).digest().length;
    const salt = Buffer.from(attributes.get('s')!, 'base64');
    const salted = pbkdf2Sync(this.#password, salt, Number(attributes.get('i')), size, this.#digest);
    const clientKey = this.#hmac(salted, 'Client Key');
    const storedKey = createHash(this.#digest).update(clientKey).digest();
    const c = Buffer.concat([Buffer.from(gs2Header), binding]).toString('base64');
    const honest = `c=${c},r=${attributes.get('r')}`;
    const withoutProof = final?.(honest) ?? honest;
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`;
    const signature = this.#hmac(storedKey, authMessage);
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!)).toString('base64');
    this.#serverSignature = this.#hmac(this.#hmac(salted, 'Server Key'), authMessage).toString('base64');
    const text = `${withoutProof},p=${proof}`;
    return message?.(text) ?? text;
  }

  /** Whether the server has proven that it knows the account, too. */
  isServer(serverFinal: string): boolean {
    return serverFinal === `v=${this.#serverSignature}`;
  }

  #hmac(key: Buffer, data: string): Buffer {
    return createHmac(this.#digest, key).update(data).digest();
  }
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** Runs SCRAM on an open stream. Returns `<success/>` or `<failure/>`. */
export async function scram(
  client: TestClient,
  user: string,
  password = 'secret',
  options: ScramOptions = {},
): Promise<Element> {
  const exchange = new Scram(user, password, options);
  client.send(auth(options.mechanism ?? 'SCRAM-SHA-1', base64(exchange.first)));
  const challenge = await client.element();
  if (challenge.name !== 'challenge') return challenge;
  const serverFirst = Buffer.from(challenge.text(), 'base64').toString();
  client.send(`<response xmlns='${NS_SASL}'>${base64(exchange.final(serverFirst))}</response>`);
  const result = await client.element();
  if (result.name === 'success' && !exchange.isServer(Buffer.from(result.text(), 'base64').toString())) {
    throw new Error('the server has not proven that it knows the account');
  }
  return result;
}

/** Options for a `-PLUS` mechanism over the connection's TLS (RFC 9266, RFC 5929). */
export function plusOptions(
  client: TestClient,
  mechanism: string,
  type: 'tls-exporter' | 'tls-server-end-point',
): ScramOptions {
  const socket = client.socket as TLSSocket;
  const binding =
    type === 'tls-exporter'
      ? socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
      : createHash('sha256').update(socket.getPeerCertificate().raw).digest();
  return { mechanism, gs2Header: `p=${type},,`, binding };
}
