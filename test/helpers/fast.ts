import { createHash, createHmac } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Element, TestClient } from './client.ts';
import { agent, authenticate, plain2, secureStream } from './sasl2.ts';
import type { TestServer } from './server.ts';

export const NS_FAST = 'urn:xmpp:fast:0';

const DIGESTS: Readonly<Record<string, string>> = {
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
  'SHA-3-256': 'sha3-256',
  'SHA-3-384': 'sha3-384',
  'SHA-3-512': 'sha3-512',
};

/** The client's side of HT-*, written from its draft and sharing no code with the server. */
export class TokenProof {
  readonly #hmac: (side: string) => Buffer;

  constructor(client: TestClient, mechanism: string, token: string) {
    const [, hash = '', type] = /^HT-(.*)-([A-Z]+)$/.exec(mechanism)!;
    const binding = bindingOf(client.socket as TLSSocket, type!);
    this.#hmac = (side) => createHmac(DIGESTS[hash]!, token).update(side).update(binding).digest();
  }

  initial(user: string): string {
    return Buffer.concat([Buffer.from(`${user}\0`), this.#hmac('Initiator')]).toString('base64');
  }

  isServer(success: Element): boolean {
    return success.childText('additional-data') === this.#hmac('Responder').toString('base64');
  }
}

function bindingOf(socket: TLSSocket, type: string): Buffer {
  if (type === 'EXPR') return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  if (type === 'ENDP') return createHash('sha256').update(socket.getPeerCertificate().raw).digest();
  return Buffer.alloc(0);
}

export interface FastOptions {
  readonly mechanism?: string;
  /** The id of the user agent; empty for none. */
  readonly agent?: string;
  /** Attributes of `<fast/>`. */
  readonly fast?: string;
  /** What else is asked for. */
  readonly inside?: string;
  readonly domain?: string;
}

/** Logs in with a token on a stream of its own. Checks that the server has it, too. */
export async function tokenLogin(
  server: TestServer,
  user: string,
  token: string,
  options: FastOptions = {},
): Promise<{ client: TestClient; answer: Element }> {
  const mechanism = options.mechanism ?? 'HT-SHA-256-NONE';
  const { client } = await secureStream(server, { header: { to: options.domain ?? 'localhost' } });
  const proof = new TokenProof(client, mechanism, token);
  const who = options.agent === '' ? '' : agent(options.agent);
  const inside = `${who}<fast xmlns='${NS_FAST}' ${options.fast ?? ''}/>${options.inside ?? ''}`;
  client.send(authenticate(mechanism, proof.initial(user), inside));
  const answer = await client.element();
  if (answer.name === 'success') {
    if (!proof.isServer(answer)) throw new Error('the server has not proven that it has the token');
    await client.element();
  }
  return { client, answer };
}

/** Asks for a token. */
export function requestToken(mechanism = 'HT-SHA-256-NONE'): string {
  return `<request-token xmlns='${NS_FAST}' mechanism='${mechanism}'/>`;
}

/** The token in a success. */
export function tokenOf(success: Element): string | undefined {
  return success.child('token', NS_FAST)?.attribute('token');
}

/** Logs in with the password and brings a token home. */
export async function newToken(server: TestServer, user: string, options: FastOptions = {}): Promise<string> {
  const { client } = await secureStream(server, { header: { to: options.domain ?? 'localhost' } });
  client.send(plain2(user, agent(options.agent) + requestToken(options.mechanism)));
  const token = tokenOf(await client.element());
  client.cut();
  if (token === undefined) throw new Error('no token came');
  return token;
}
