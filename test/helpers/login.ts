import type { ConnectionOptions } from 'node:tls';
import { TestClient } from './client.ts';
import { auth, bind, header, plain } from './xml.ts';

/** Opens a stream, over TLS from the first byte if options for it are given. Returns the client and the mechanisms offered. */
export async function opened(
  port: number,
  domain: string,
  tls?: ConnectionOptions,
): Promise<{ client: TestClient; mechanisms: string[] }> {
  const client = tls === undefined ? await TestClient.connect(port) : await TestClient.connectTls(port, tls);
  client.send(header({ to: domain }));
  await client.expect('open');
  const features = await client.element();
  const list = features.elements().find((element) => element.name === 'mechanisms');
  return { client, mechanisms: list?.elements().map((element) => element.text()) ?? [] };
}

/** Sends `<auth/>` on an open stream; returns `success`, or the condition of the failure. */
export async function answerTo(client: TestClient, text: string): Promise<string> {
  client.send(text);
  const answer = await client.element();
  return answer.name === 'failure' ? answer.elements()[0]!.name : answer.name;
}

/** One login with PLAIN on a connection of its own; returns `success`, or the condition of the failure. */
export async function tryPlain(
  port: number,
  domain: string,
  user: string,
  password: string,
  tls?: ConnectionOptions,
): Promise<string> {
  const { client } = await opened(port, domain, tls);
  const answer = await answerTo(client, plain(user, password));
  client.cut();
  return answer;
}

/** One login with EXTERNAL; `authzid` is undefined for none. Returns the address that was bound, or the condition of the failure. */
export async function tryExternal(
  port: number,
  domain: string,
  tls: ConnectionOptions,
  authzid?: string,
): Promise<string> {
  const { client } = await opened(port, domain, tls);
  const data = authzid === undefined ? '=' : Buffer.from(authzid).toString('base64');
  const answer = await answerTo(client, auth('EXTERNAL', data));
  if (answer !== 'success') {
    client.cut();
    return answer;
  }
  client.send(header({ to: domain }) + bind('r'));
  await client.expect('open');
  await client.element();
  const result = await client.element();
  client.cut();
  return result.child('bind', 'urn:ietf:params:xml:ns:xmpp-bind')?.childText('jid') ?? 'no address';
}
