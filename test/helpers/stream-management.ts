import { type Element, TestClient } from './client.ts';
import type { TestServer } from './server.ts';

export const NS_SM = 'urn:xmpp:sm:3';

/** Switches stream management on and returns the answer. */
export async function enable(client: TestClient, attributes = "resume='true'"): Promise<Element> {
  client.send(`<enable xmlns='${NS_SM}' ${attributes}/>`);
  return await client.until((element) => element.ns === NS_SM && element.name !== 'r');
}

/** Switches it on and returns the id to resume with. */
export async function enableResumption(client: TestClient, attributes = ''): Promise<string> {
  const enabled = await enable(client, `resume='true' ${attributes}`);
  return enabled.attribute('id')!;
}

/** A stream that has logged in and bound nothing. */
export async function unbound(server: TestServer, bare: string, password = 'secret'): Promise<TestClient> {
  const [local = '', domain = ''] = bare.split('@');
  const client = await TestClient.connect(server.port(), bare);
  await client.openStream(domain);
  const credentials = Buffer.from(`\0${local}\0${password}`).toString('base64');
  client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${credentials}</auth>`);
  const answer = await client.element();
  if (answer.name !== 'success') throw new Error(`login of ${bare} failed`);
  client.restart();
  await client.openStream(domain);
  return client;
}

/** Asks to resume on a stream that has bound nothing; returns the answer. */
export async function askToResume(client: TestClient, id: string, h: number | string): Promise<Element> {
  client.send(`<resume xmlns='${NS_SM}' previd='${id}' h='${h}'/>`);
  return await client.element();
}

/** Logs in and resumes; fails if that is refused. */
export async function resume(server: TestServer, bare: string, id: string, h: number): Promise<TestClient> {
  const client = await unbound(server, bare);
  const answer = await askToResume(client, id, h);
  if (answer.name !== 'resumed') throw new Error(`not resumed: ${answer.name}`);
  return client;
}

/** Tells the server how many stanzas were handled. */
export function acknowledge(client: TestClient, h: number | string): void {
  client.send(`<a xmlns='${NS_SM}' h='${h}'/>`);
}

/** Asks the server how many stanzas it has handled. */
export async function handled(client: TestClient): Promise<number> {
  client.send(`<r xmlns='${NS_SM}'/>`);
  const answer = await client.until((element) => element.name === 'a' && element.ns === NS_SM);
  return Number(answer.attribute('h'));
}

/** Waits until a client's session is without a connection: another one of the server sees that by `meerkat session list`. */
export function bodyOf(stanza: Element): string | undefined {
  return stanza.child('body')?.text();
}
