import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { httpGet, Scrape } from '../helpers/http.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { SmallDisk } from '../helpers/small-disk.ts';
import { askToResume, enable, enableResumption, handled, unbound } from '../helpers/stream-management.ts';
import { condition, errorType, LAB, loginOn, messagesUntilNow } from '../scenario/modules/support.ts';

/**
 * The disk is full, or does not answer: users who are online chat on, acknowledgements wait, too much is refused, monitoring is told, and when there is room again all
 * goes on by itself. `MEERKAT_STALL_SECONDS` says how long the store stands still (30 for a night).
 */

const STALL_MS = Number(process.env['MEERKAT_STALL_SECONDS'] ?? 8) * 1_000;

let disk: SmallDisk;
let server: TestServer;
let romeo: TestClient;
let nurse: TestClient;
let friar: TestClient;

beforeEach(async () => {
  disk = new SmallDisk(64);
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'nurse', 'friar', 'juliet', 'tybalt'],
    storage: disk.storage,
    c2s: 'max_stanza_size = 4194304',
    toml: `[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n  connections_per_second_per_address = "infinity"\n[access]\n  max_user_offline_messages = [{ acl = "all", value = "infinity" }]\n[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_stream_management]\n${LAB}`,
    isFaulty: true,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
  friar = await loginOn(server, 'friar@localhost/cell', 'other', nurse);
  await enable(romeo);
  // Who exists is known from now on.
  send(0, 1);
  await eventually(async () => (await handled(romeo)) === 1, 'the first one is stored');
});

afterEach(async () => {
  await server.stop();
  disk.remove();
});

/** Sends numbered messages to Juliet. */
function send(from: number, to: number, body = 'x'): void {
  for (let i = from; i < to; i++)
    romeo.send(`<message to='juliet@localhost' type='chat' id='${i}'><body>${body}</body></message>`);
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_unused, i) => from + i);
}

async function readiness(): Promise<string> {
  return (await httpGet(server.port('http'), '/readyz')).body;
}

const isReady = async (): Promise<boolean> => (await readiness()).includes('"ok"');
const areWritesFailing = async (): Promise<boolean> => (await readiness()).includes('"storage"');

/** Chats across shards while something goes on; resolves to how often. */
async function chatWhile(other: Promise<unknown>): Promise<number> {
  let isOver = false;
  const done = other.finally(() => {
    isOver = true;
  });
  let rounds = 0;
  for (; !isOver; rounds++) {
    nurse.send(`<message to='${friar.jid}' type='chat' id='${rounds}'><body>x</body></message>`);
    expect((await friar.message()).attribute('id')).toBe(String(rounds));
    friar.send(`<message to='nurse@localhost' type='chat' id='${rounds}'><body>x</body></message>`);
    expect((await nurse.message()).attribute('id')).toBe(String(rounds));
  }
  await done;
  return rounds;
}

async function juliet(resource: string): Promise<TestClient> {
  const client = await TestClient.login(server.port(), `juliet@localhost/${resource}`, {
    isAvailable: false,
  });
  client.send('<presence/>');
  return client;
}

async function messageIds(client: TestClient, count: number): Promise<number[]> {
  const ids: number[] = [];
  while (ids.length < count) ids.push(Number((await client.message()).attribute('id')));
  return ids;
}

/** The errors that a client has got so far, by the message that they answer. (The last one may come behind the answer to what was asked right after it.) */
async function errorsTo(client: TestClient): Promise<Map<number, string>> {
  const errors = new Map<number, string>();
  for (const message of [...(await messagesUntilNow(client)), ...(await messagesUntilNow(client))]) {
    expect(message.attribute('type')).toBe('error');
    errors.set(Number(message.attribute('id')), `${errorType(message)} ${condition(message)}`);
  }
  return errors;
}

/** Nothing is left for Juliet. */
async function nothingLeft(): Promise<void> {
  const client = await juliet('later');
  expect(await messagesUntilNow(client)).toEqual([]);
  await client.close();
}

describe('a full disk', () => {
  it('keeps acknowledgements waiting and nothing else; when there is room again everything is stored', async () => {
    disk.fill(server.pid);
    send(1, 21);
    expect(
      await chatWhile(eventually(areWritesFailing, 'the server says that it cannot write')),
    ).toBeGreaterThan(0);
    expect(await handled(romeo)).toBe(1);
    const metrics = await Scrape.of(server.port('http'));
    expect(metrics.sum('meerkat_store_writes_failing')).toBe(1);
    expect(metrics.sum('meerkat_ready')).toBe(0);
    await eventually(async () => {
      const { sum } = await scrape();
      return sum('meerkat_kept_writes') === 20 && sum('meerkat_kept_writes_stalled') === 1;
    }, 'the messages are counted');
    // It answers what needs no storing.
    const who = await romeo.iq('get', 'localhost', "<where xmlns='urn:test:lab'/>");
    expect(who.attribute('type')).toBe('result');

    disk.free(server.pid);
    await chatWhile(eventually(async () => (await handled(romeo)) === 22, 'all is acknowledged'));
    await eventually(isReady, 'the server is ready again');
    const reader = await juliet('balcony');
    expect(await messageIds(reader, 21)).toEqual(numbers(0, 21));
    await reader.close();
    await nothingLeft();
  }, 60_000);

  it('refuses what is too much, and only that', async () => {
    disk.fill(server.pid);
    // Somebody who does not acknowledge: errors bring back what was sent, which is more than may wait for an acknowledgement.
    const tybalt = await TestClient.login(server.port(), 'tybalt@localhost/street', { isAvailable: false });
    const body = 'x'.repeat(2_000_000);
    const sent = 21;
    for (let i = 1; i < sent; i++)
      tybalt.send(`<message to='juliet@localhost' type='chat' id='${i}'><body>${body}</body></message>`);
    const refused = await errorsTo(tybalt);
    expect(refused.size).toBeGreaterThan(2);
    expect(refused.size).toBeLessThan(8);
    expect(new Set(refused.values())).toEqual(new Set(['wait resource-constraint']));
    await eventually(
      async () => (await scrape()).sum('meerkat_kept_writes_refused_total') === refused.size,
      'they are counted',
    );

    disk.free(server.pid);
    await chatWhile(
      eventually(async () => (await scrape()).sum('meerkat_kept_writes') === 0, 'everything is stored'),
    );
    // One user may have 8 MiB stored: who sent more than that hears it now.
    const late = await errorsTo(tybalt);
    const stored = numbers(1, sent).filter((i) => !refused.has(i) && !late.has(i));
    expect(stored.length).toBeGreaterThan(2);
    const reader = await juliet('balcony');
    expect(await messageIds(reader, 1 + stored.length)).toEqual([0, ...stored]);
    await reader.close();
    await nothingLeft();
  }, 60_000);

  it('does not keep messages from a user who comes', async () => {
    disk.fill(server.pid);
    send(1, 11);
    await eventually(areWritesFailing, 'the server says that it cannot write');
    const reader = await juliet('balcony');
    // The first one was stored before; the others are delivered without.
    expect(await messageIds(reader, 11)).toEqual(numbers(0, 11));
    await eventually(
      async () => (await handled(romeo)) === 11,
      'they are acknowledged: nothing is left to be stored',
    );
    send(11, 13);
    expect(await messageIds(reader, 2)).toEqual([11, 12]);
    disk.free(server.pid);
    await eventually(isReady, 'the server is ready again');
    expect(await messagesUntilNow(reader)).toEqual([]);
    await reader.close();
  }, 60_000);

  it('lets nothing come twice that was delivered and cannot be deleted', async () => {
    send(1, 6);
    await eventually(async () => (await handled(romeo)) === 6, 'they are stored');
    disk.fill(server.pid);
    const reader = await juliet('balcony');
    expect(await messageIds(reader, 6)).toEqual(numbers(0, 6));
    await eventually(areWritesFailing, 'the server says that it cannot write');
    await reader.close();
    const again = await juliet('window');
    expect(await messagesUntilNow(again)).toEqual([]);
    romeo.send("<message to='juliet@localhost' type='chat' id='6'><body>x</body></message>");
    expect(await messageIds(again, 1)).toEqual([6]);
    disk.free(server.pid);
    await eventually(isReady, 'the server is ready again');
    expect(await messagesUntilNow(again)).toEqual([]);
    await again.close();
    await nothingLeft();
  }, 60_000);

  it('keeps nobody from coming back: who cannot resume may bind, and sends again what was not acknowledged', async () => {
    const phone = await unbound(server, 'tybalt@localhost');
    await phone.bind('phone');
    const id = await enableResumption(phone);
    disk.fill(server.pid);
    const text = (i: number): string =>
      `<message to='juliet@localhost' type='chat' id='${i}'><body>t</body></message>`;
    for (let i = 1; i < 4; i++) phone.send(text(i));
    await eventually(areWritesFailing, 'the server says that it cannot write');
    expect(await handled(phone)).toBe(0);
    phone.cut();
    const next = await unbound(server, 'tybalt@localhost');
    const answer = await askToResume(next, id, 0);
    expect(answer.name).toBe('failed');
    expect(answer.elements()[0]!.name).toBe('item-not-found');
    await next.bind('phone');
    await enable(next);
    for (let i = 1; i < 4; i++) next.send(text(i));
    disk.free(server.pid);
    await eventually(async () => (await handled(next)) === 3, 'all is acknowledged');
    await eventually(isReady, 'the server is ready again');
    // Once from each session: XEP-0198 cannot tell that they are the same.
    const reader = await juliet('balcony');
    expect((await messageIds(reader, 7)).toSorted()).toEqual([0, 1, 1, 2, 2, 3, 3]);
    await reader.close();
    await nothingLeft();
  }, 60_000);

  it('keeps no server from starting; clients send again what was not acknowledged', async () => {
    disk.fill(server.pid);
    send(1, 6);
    await eventually(areWritesFailing, 'the server says that it cannot write');
    await server.kill();
    await server.launch();
    disk.fill(server.pid);
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    await enable(romeo);
    send(1, 6);
    await eventually(areWritesFailing, 'the server says that it cannot write');
    expect(await handled(romeo)).toBe(0);
    disk.free(server.pid);
    await eventually(async () => (await handled(romeo)) === 5, 'all is acknowledged');
    const reader = await juliet('balcony');
    expect(await messageIds(reader, 6)).toEqual(numbers(0, 6));
    await reader.close();
    await nothingLeft();
  }, 60_000);
});

async function scrape(): Promise<{ sum(name: string): number }> {
  const metrics = await Scrape.of(server.port('http'));
  return { sum: (name) => metrics.sum(name) };
}

describe('a store that stands still', () => {
  it.each(['stall', 'stuck'] as const)(
    'for long (%s) keeps acknowledgements waiting and nothing else, and does everything once in the end',
    async (kind) => {
      await server.strike('store', kind, STALL_MS);
      send(1, 51);
      const late = chatWhile(
        eventually(async () => !(await isReady()), 'the server says that it is not ready'),
      );
      expect(await late).toBeGreaterThan(0);
      expect(await handled(romeo)).toBe(1);
      const until = Date.now() + STALL_MS + 30_000;
      let count = 1;
      while (count !== 51 && Date.now() < until) {
        await chatWhile(new Promise((resolve) => setTimeout(resolve, 200)));
        count = await handled(romeo);
      }
      expect(count).toBe(51);
      await eventually(isReady, 'the server is ready again');
      const reader = await juliet('balcony');
      expect(await messageIds(reader, 51)).toEqual(numbers(0, 51));
      await reader.close();
      await nothingLeft();
    },
    STALL_MS + 60_000,
  );
});
