import { type Element, TestClient } from './client.ts';
import { base64, Scram, type ScramOptions } from './scram.ts';
import type { TestServer } from './server.ts';
import { header } from './xml.ts';

export const NS_SASL2 = 'urn:xmpp:sasl:2';
export const NS_BIND2 = 'urn:xmpp:bind:0';
export const AGENT = 'd4565fa7-4d72-4749-b3d3-740edbf87770';

/** The client's side of XEP-0388. */

/** A stream inside TLS, and its features. */
export async function secureStream(
  server: TestServer,
  options: {
    readonly index?: number;
    readonly tls?: object;
    readonly header?: Record<string, string | undefined>;
  } = {},
): Promise<{ client: TestClient; features: Element }> {
  const client = await TestClient.connectTls(server.port('c2s', options.index ?? 0), options.tls);
  client.send(header(options.header));
  await client.expect('open');
  return { client, features: await client.element() };
}

/** `<authenticate/>`; `data` is base64 already, undefined for no initial response. `inside` is what else is asked for. */
export function authenticate(mechanism: string, data?: string, inside = ''): string {
  const initial = data === undefined ? '' : `<initial-response>${data}</initial-response>`;
  return `<authenticate xmlns='${NS_SASL2}' mechanism='${mechanism}'>${initial}${inside}</authenticate>`;
}

export function plain2(user: string, inside = '', password = 'secret', authzid = ''): string {
  return authenticate('PLAIN', base64(`${authzid}\0${user}\0${password}`), inside);
}

export function agent(id = AGENT): string {
  return `<user-agent id='${id}'><software>Test</software><device>Verona</device></user-agent>`;
}

export function bind2(inside = ''): string {
  return `<bind xmlns='${NS_BIND2}'>${inside}</bind>`;
}

/** Runs SCRAM by SASL2. Returns `<success/>` or `<failure/>`. */
export async function scram2(
  client: TestClient,
  user: string,
  password = 'secret',
  options: ScramOptions & {
    readonly inside?: string;
    readonly challenge?: (serverFirst: string) => void;
  } = {},
): Promise<Element> {
  const exchange = new Scram(user, password, options);
  client.send(authenticate(options.mechanism ?? 'SCRAM-SHA-1', base64(exchange.first), options.inside));
  const challenge = await client.element();
  if (challenge.name !== 'challenge') return challenge;
  const serverFirst = Buffer.from(challenge.text(), 'base64').toString();
  options.challenge?.(serverFirst);
  client.send(`<response xmlns='${NS_SASL2}'>${base64(exchange.final(serverFirst))}</response>`);
  const result = await client.element();
  const data = result.childText('additional-data');
  if (result.name === 'success' && !exchange.isServer(Buffer.from(data ?? '', 'base64').toString())) {
    throw new Error('the server has not proven that it knows the account');
  }
  return result;
}

/** Logs in and binds in one round trip. The features that follow are read, too. */
export async function login2(
  server: TestServer,
  user: string,
  options: { readonly inside?: string; readonly bind?: string; readonly index?: number } = {},
): Promise<{ client: TestClient; success: Element; jid: string }> {
  const { client } = await secureStream(server, { index: options.index ?? 0 });
  client.send(plain2(user, (options.inside ?? '') + bind2(options.bind)));
  const success = await client.element();
  if (success.name !== 'success') throw new Error(`login of ${user} failed: ${success.elements()[0]?.name}`);
  await client.element();
  return { client, success, jid: success.childText('authorization-identifier')! };
}

/** The condition of a `<failure/>` of SASL2. */
export function condition2(failure: Element): string {
  if (failure.ns !== NS_SASL2 || failure.name !== 'failure') throw new Error(`no failure: ${failure.name}`);
  return failure.childOf('urn:ietf:params:xml:ns:xmpp-sasl')?.name ?? '';
}

/** A configuration whose c2s listeners are: TLS from the first byte, STARTTLS, none. */
export function tlsConfig(modules: string, hosts = '"localhost"', auth = '', general = ''): string {
  const listener = (tls: string): string => `
    [[listen.c2s]]
      port = 0
      ip_address = "127.0.0.1"
      shaper = "none"
      max_connections_per_address = "infinity"
      connections_per_second_per_address = "infinity"
      ${tls}`;
  return `
    [general]
      hosts = [${hosts}]
      loglevel = "warning"
      shards = 2
      ${general}
    ${listener('tls.mode = "tls"')}
    ${listener('tls.mode = "starttls"')}
    ${listener('')}
    [storage]
      directory = "./data"
    ${auth}
    ${modules}`;
}
