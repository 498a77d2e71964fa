import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestClient } from '../../helpers/client.ts';
import type { TestServer } from '../../helpers/server.ts';
import { enableResumption } from '../../helpers/stream-management.ts';
import {
  chat,
  counted,
  disablePush,
  enablePush,
  events,
  METRICS,
  published,
} from './event-pusher-support.ts';
import { startPush } from './push-support.ts';
import { loginOn, placeOf, shardOf } from './support.ts';

/** Clients without a connection (XEP-0198) whose notifications were disabled (XEP-0357 §6) before or meanwhile, on two shards. */

const DETACHED = 'mod_stream_management_detached';

let server: TestServer;
let romeo: TestClient;
let watcher: TestClient;

beforeAll(async () => {
  ({ server, romeo, watcher } = await startPush('enhanced', '', METRICS));
});

afterAll(() => server.stop());

/** A client whose session can be resumed, and has enabled a node of its own. */
async function resumable(
  user: string,
  resource: string,
  place: 'same' | 'other',
  service = 'push.test',
): Promise<TestClient> {
  const client = await loginOn(server, `${user}@localhost/${resource}`, place, romeo);
  const answer = await enablePush(client, `${user}-${resource}`, '', 'localhost', service);
  expect(answer.attribute('type')).toBe('result');
  await enableResumption(client);
  return client;
}

/** Cuts connections, and waits until the server has noticed: then it has told whomever it tells of what was not acknowledged. */
async function cut(...clients: readonly TestClient[]): Promise<void> {
  const before = await events(server, DETACHED);
  for (const client of clients) client.cut();
  await counted(server, DETACHED, before + clients.length);
}

/** A message that reaches the client, which does not acknowledge it. */
async function unacknowledged(client: TestClient): Promise<void> {
  romeo.send(chat(client.jid, 'received and not acknowledged'));
  await client.message();
}

/** The nodes that are told next, so many, in alphabetical order. */
async function told(count: number): Promise<string[]> {
  const nodes: string[] = [];
  for (let i = 0; i < count; i++) nodes.push((await published(watcher)).node);
  return nodes.sort();
}

/** Somebody is certainly told, who is not there at all: what should not be told would have come before it. */
async function nothingTold(): Promise<void> {
  romeo.send(chat('absent@localhost', 'the end'));
  expect(await told(1)).toEqual(['absent-node']);
  await watcher.nothingElse();
}

describe('a client that has disabled its own notifications', () => {
  it.each([
    ['its node', 'ann', 'ann-phone'],
    ['all nodes of the service', 'bea', undefined],
  ])('(%s) is told nothing when it is lost, nor of what comes then', async (_what, user, node) => {
    const phone = await resumable(user, 'phone', 'other');
    await unacknowledged(phone);
    expect((await disablePush(phone, node)).attribute('type')).toBe('result');
    await cut(phone);
    await nothingTold();
    romeo.send(chat(`${user}@localhost/phone`, 'comes while it waits'));
    await nothingTold();
  });

  it('leaves other sessions of the account theirs, on either shard', async () => {
    const phone = await resumable('cat', 'phone', 'other');
    const tablet = await resumable('cat', 'tablet', 'other');
    const desk = await resumable('cat', 'desk', 'same');
    await disablePush(phone, 'cat-phone');
    for (const client of [phone, tablet, desk]) await unacknowledged(client);
    await cut(phone, tablet, desk);
    expect(await told(2)).toEqual(['cat-desk', 'cat-tablet']);
    await nothingTold();
  });

  it('is told again once it has enabled a node again', async () => {
    const phone = await resumable('dot', 'phone', 'other');
    await disablePush(phone);
    await enablePush(phone, 'dot-again');
    await unacknowledged(phone);
    await cut(phone);
    expect(await told(1)).toEqual(['dot-again']);
    await nothingTold();
  });
});

describe('a service that is disabled without a node', () => {
  it('is told nothing of any session of the account that waits, on both shards; others keep theirs', async () => {
    const phone = await resumable('eve', 'phone', 'other');
    const tablet = await resumable('eve', 'tablet', 'same');
    const elsewhere = await resumable('eve', 'elsewhere', 'other', 'app@push.test');
    const another = await resumable('fay', 'phone', 'other');
    expect(await placeOf(romeo, another.jid)).not.toBe(await shardOf(romeo));
    await cut(phone, tablet, elsewhere, another);
    const say = (user: string): void => romeo.send(chat(`${user}@localhost`, 'are you there?'));
    say('eve');
    expect(await told(3)).toEqual(['eve-elsewhere', 'eve-phone', 'eve-tablet']);
    say('fay');
    expect(await told(1)).toEqual(['fay-phone']);
    const desk = await loginOn(server, 'eve@localhost/desk', 'same', romeo, { isAvailable: false });
    expect((await disablePush(desk)).attribute('type')).toBe('result');
    say('eve');
    expect(await told(1)).toEqual(['eve-elsewhere']);
    await nothingTold();
    say('fay');
    expect(await told(1)).toEqual(['fay-phone']);
    await nothingTold();
  });
});
