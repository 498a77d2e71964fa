import { type Element, TestClient } from '../../helpers/client.ts';
import type { TestServer } from '../../helpers/server.ts';
import { resume } from '../../helpers/stream-management.ts';

/** What scenarios of modules have in common. */

const NS_LAB = 'urn:test:lab';

/** The section of a module that lies among the test's own. */
export function fixture(module: string, file: string, lines = ''): string {
  const path = new URL(`../../fixtures/modules/${file}`, import.meta.url).pathname;
  return `[modules.${module}]\n  path = "${path}"\n${lines}\n`;
}

export const LAB = fixture('mod_lab', 'mod-lab.ts');

/** The shard that a client is on; needs {@link LAB}. */
export async function shardOf(client: TestClient): Promise<string> {
  const answer = await client.iq('get', 'localhost', `<where xmlns='${NS_LAB}'/>`);
  return answer.child('where', NS_LAB)!.attribute('shard')!;
}

/** Logs in on another shard than the one that `other` is on, or on the same; needs {@link LAB}. */
export async function loginOn(
  server: TestServer,
  jid: string,
  place: 'same' | 'other',
  other: TestClient,
  options: Parameters<typeof TestClient.login>[2] = {},
): Promise<TestClient> {
  const shard = await shardOf(other);
  const wrong: TestClient[] = [];
  for (;;) {
    const client = await TestClient.login(server.port(), jid, { ...options, isAvailable: false });
    if (((await shardOf(client)) === shard) === (place === 'same')) {
      for (const one of wrong) one.cut();
      if (options.isAvailable !== false) await client.available(options.priority);
      return client;
    }
    wrong.push(client);
  }
}

/** The shard of a session, connected or not; asked by somebody else, so that it hears nothing of it; needs {@link LAB}. */
export async function placeOf(asker: TestClient, jid: string): Promise<string> {
  const answer = await asker.iq('get', 'localhost', `<place xmlns='${NS_LAB}'>${jid}</place>`);
  return answer.child('place', NS_LAB)!.attribute('shard')!;
}

/**
 * Resumes a session again and again, until it has gone on on the same shard, or on the other, as `place` says. `h` is for all of them. `asker` is anybody else; needs
 * {@link LAB}.
 */
export async function resumeOn(
  server: TestServer,
  place: string,
  asker: TestClient,
  jid: string,
  id: string,
  h: number,
): Promise<TestClient> {
  const [bare = ''] = jid.split('/');
  const idle: TestClient[] = [];
  for (let tries = 0; ; tries++) {
    const before = await placeOf(asker, jid);
    const client = await resume(server, bare, id, h);
    if (((await placeOf(asker, jid)) === before) === (place === 'same')) {
      for (const one of idle) one.cut();
      return client;
    }
    client.cut();
    // Connections may come to the shards by turns: one in between changes whose turn it is.
    if (tries % 2 === 0) idle.push(await TestClient.connect(server.port()));
  }
}

/** Asks until a user has no session any more; needs {@link LAB}. */
export async function nobodyThere(client: TestClient, user: string): Promise<void> {
  let count: string | undefined;
  do {
    const answer = await client.iq('get', 'localhost', `<sessions xmlns='${NS_LAB}'>${user}</sessions>`);
    count = answer.child('sessions', NS_LAB)!.attribute('count');
  } while (count !== '0');
}

/** Waits until a session with the resource `frozen` holds a message that its client will never get; needs {@link LAB}. */
export async function held(client: TestClient): Promise<void> {
  await client.iq('get', 'localhost', `<held xmlns='${NS_LAB}'/>`);
}

/** Makes the client's shard die, and waits until the client notices. */
export async function crash(client: TestClient): Promise<void> {
  client.send(`<iq type='set' id='crash' to='localhost'><crash xmlns='${NS_LAB}'/></iq>`);
  while ((await client.next()).kind !== 'disconnected');
}

/** Ends the client's session from the server's side. */
export async function stopSession(client: TestClient): Promise<void> {
  client.send(`<iq type='set' id='stop' to='localhost'><stop xmlns='${NS_LAB}'/></iq>`);
  while ((await client.next()).kind !== 'disconnected');
}

/** The next presence; other things on the way are dropped. */
export function presence(client: TestClient): Promise<Element> {
  return client.until((element) => element.name === 'presence');
}

/** The condition of an error stanza. */
export function condition(stanza: Element): string | undefined {
  return stanza.child('error')?.elements()[0]?.name;
}

/** The type of an error stanza's `<error/>`. */
export function errorType(stanza: Element): string | undefined {
  return stanza.child('error')?.attribute('type');
}

let questions = 0;

/** The messages that a client has heard before the answer to a question that it asks now. Everything else is dropped. */
export async function messagesUntilNow(client: TestClient): Promise<Element[]> {
  const id = `now${++questions}`;
  client.send(`<iq type='get' id='${id}'><nothing xmlns='urn:test:nothing'/></iq>`);
  const messages: Element[] = [];
  for (;;) {
    const element = await client.element();
    if (element.attribute('id') === id) return messages;
    if (element.name === 'message') messages.push(element);
  }
}
