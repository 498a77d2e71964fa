import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { Scrape } from '../../helpers/http.ts';
import { TestServer } from '../../helpers/server.ts';
import { crash, held, LAB, loginOn, messagesUntilNow, nobodyThere } from './support.ts';

/** Offline messages come exactly once and in order, whatever happens to sessions, shards and the process meanwhile. */

const MODULES = `
[access]
  max_user_offline_messages = [{ acl = "all", value = "infinity" }]
[modules.mod_presence]
[modules.mod_offline]
${LAB}`;
const HTTP = `[[listen.http]]
  port = 0
  ip_address = "127.0.0.1"
`;
/** What is held by purpose stays so for the length of a test. */
const GENERAL = 'hook_timeout = 60_000';
const USERS = ['romeo', 'juliet'];

/** Sends numbered messages to Juliet. */
function send(romeo: TestClient, from: number, to: number, body = 'x'): void {
  for (let i = from; i < to; i++) {
    romeo.send(`<message to='juliet@localhost' type='chat' id='${i}'><body>${body}</body></message>`);
  }
}

/** Waits until all that was sent is stored. */
async function stored(romeo: TestClient): Promise<void> {
  await romeo.iq('get', `nobody${Math.random()}@localhost`, "<query xmlns='urn:test:nobody'/>");
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_unused, i) => from + i);
}

async function idsOf(client: TestClient, count: number): Promise<number[]> {
  const ids: number[] = [];
  while (ids.length < count) ids.push(Number((await client.message()).attribute('id')));
  return ids;
}

async function comeBack(server: TestServer, resource: string): Promise<TestClient> {
  const client = await TestClient.login(server.port(), `juliet@localhost/${resource}`, {
    isAvailable: false,
  });
  client.send('<presence/>');
  return client;
}

describe.each([1, 2, 3])('stored messages on %i shards', (shards) => {
  let server: TestServer;
  let romeo: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({ shards, users: USERS, general: GENERAL, toml: MODULES });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  });

  afterAll(() => server.stop());

  it('come once in all to resources that arrive at the same time', async () => {
    for (let round = 0; round < 5; round++) {
      send(romeo, 0, 300);
      await stored(romeo);
      const resources = ['a', 'b', 'c', 'd'];
      const clients = await Promise.all(
        resources.map((name) =>
          TestClient.login(server.port(), `juliet@localhost/${name}`, { isAvailable: false }),
        ),
      );
      const seen: number[][] = clients.map(() => []);
      let count = 0;
      for (const client of clients) client.send('<presence/>');
      await new Promise<void>((resolve, reject) => {
        clients.forEach((client, i) => {
          void (async () => {
            while (count < 300) {
              const heard = await client.next();
              if (heard.kind !== 'element' || heard.element.name !== 'message') continue;
              seen[i]!.push(Number(heard.element.attribute('id')));
              if (++count === 300) resolve();
            }
          })().catch((cause: unknown) => {
            if (count < 300) reject(cause);
          });
        });
      });
      expect(seen.flat().sort((a, b) => a - b)).toEqual(numbers(0, 300));
      for (const ids of seen) expect(ids).toEqual(ids.toSorted((a, b) => a - b));
      for (const client of clients) client.cut();
      await nobodyThere(romeo, 'juliet@localhost');
    }
  });

  it('keep their order with those sent while their user comes', async () => {
    for (let round = 0; round < 10; round++) {
      send(romeo, 0, 50);
      const juliet = await TestClient.login(server.port(), `juliet@localhost/r${round}`, {
        isAvailable: false,
      });
      // Sent in pieces, so that her presence falls between any two of them.
      for (let i = 50; i < 250; i += 20) {
        send(romeo, i, i + 20);
        if (i === 110) juliet.send('<presence/>');
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await idsOf(juliet, 250), `round ${round}`).toEqual(numbers(0, 250));
      expect(await messagesUntilNow(juliet)).toEqual([]);
      await juliet.close();
    }
  });

  it('come to the next session when the first one ends before it got them', async () => {
    send(romeo, 0, 20);
    await stored(romeo);
    const frozen = await comeBack(server, 'frozen');
    await held(romeo);
    const phone = await comeBack(server, 'phone');
    expect(await messagesUntilNow(phone)).toEqual([]);
    frozen.cut();
    expect(await idsOf(phone, 20)).toEqual(numbers(0, 20));
    expect(await messagesUntilNow(phone)).toEqual([]);
    await phone.close();
    const again = await comeBack(server, 'again');
    expect(await messagesUntilNow(again)).toEqual([]);
    await again.close();
  });

  it('that a session has in its hands stay for later when it ends and nobody else is there', async () => {
    send(romeo, 0, 20);
    await stored(romeo);
    const frozen = await comeBack(server, 'frozen');
    await held(romeo);
    await frozen.close();
    const phone = await comeBack(server, 'phone');
    expect(await idsOf(phone, 20)).toEqual(numbers(0, 20));
    expect(await messagesUntilNow(phone)).toEqual([]);
    await phone.close();
  });

  it('come exactly once, and in the order of each sender, to sessions that come and go while they are sent', async () => {
    const total = 1_500;
    const senders = [romeo];
    // On every shard, and one more: Juliet's sessions are beside senders and away from them.
    while (senders.length <= shards) {
      senders.push(await TestClient.login(server.port(), `romeo@localhost/garden${senders.length}`));
    }
    const heard: number[] = [];
    const ends = ['</stream:stream>', "<presence type='unavailable'/></stream:stream>"];
    const sending = (async () => {
      for (let i = 0; i < total; i += 10) {
        for (let k = i; k < i + 10; k++) send(senders[k % senders.length]!, k, k + 1);
        // In step with the sessions: whatever is sent while one ends finds it, the store, or the next one.
        while (i - heard.length > 200) await new Promise((resolve) => setImmediate(resolve));
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let session = 0; heard.length < total; session++) {
      const juliet = await comeBack(server, `r${session}`);
      const wanted = Math.min(total, heard.length + 1 + ((session * 37) % 90));
      let isEnding = false;
      for (;;) {
        const next = await juliet.next();
        if (next.kind === 'disconnected') break;
        if (next.kind === 'element' && next.element.name === 'message') {
          heard.push(Number(next.element.attribute('id')));
        }
        if (heard.length >= wanted && !isEnding) {
          isEnding = true;
          juliet.send(ends[session % ends.length]!);
        }
      }
    }
    await sending;
    expect(heard.toSorted((a, b) => a - b)).toEqual(numbers(0, total));
    for (let k = 0; k < senders.length; k++) {
      const ofOne = heard.filter((id) => id % senders.length === k);
      expect(ofOne).toEqual(ofOne.toSorted((a, b) => a - b));
    }
    const last = await comeBack(server, 'last');
    expect(await messagesUntilNow(last)).toEqual([]);
    for (const client of [last, ...senders.slice(1)]) await client.close();
  });

  it('go on to a client that reads after one that does not, without gaps or repetition', async () => {
    // Less than a user may have stored, more than a network takes for somebody who does not read.
    send(romeo, 0, 80, 'x'.repeat(100_000));
    await stored(romeo);
    const deaf = await comeBack(server, 'deaf');
    expect((await deaf.message()).attribute('id')).toBe('0');
    deaf.socket.pause();
    deaf.cut();
    await nobodyThere(romeo, 'juliet@localhost');
    const phone = await comeBack(server, 'phone');
    const first = Number((await phone.message()).attribute('id'));
    expect(await idsOf(phone, 79 - first)).toEqual(numbers(first + 1, 80));
    expect(await messagesUntilNow(phone)).toEqual([]);
    await phone.close();
  });
});

describe('stored messages and the end of threads and processes', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({
      shards: 2,
      users: USERS,
      general: GENERAL,
      toml: `${HTTP}\n${MODULES}`,
    });
  });

  afterAll(() => server.stop());

  it('that are on their way when their reader says goodbye are not repeated', async () => {
    const delivered = async (): Promise<number> => {
      const scrape = await Scrape.of(server.port('http'));
      return scrape.sum('meerkat_module_events_total', 'event="mod_offline_delivered"');
    };
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    for (let rounds = 0; rounds < 3; ) {
      const juliet = await TestClient.login(server.port(), 'juliet@localhost/full', { isAvailable: false });
      juliet.socket.pause();
      send(romeo, 0, 50);
      // More than the kernel takes for her: what is stored stands behind it.
      for (let i = 50; i < 170; i++) {
        const body = 'z'.repeat(100_000);
        romeo.send(
          `<message to='juliet@localhost/full' type='chat' id='${i}'><body>${body}</body></message>`,
        );
      }
      await stored(romeo);
      const before = await delivered();
      juliet.send('<presence/>');
      while ((await delivered()) < before + 50);
      juliet.send('</stream:stream>');
      juliet.socket.resume();
      const ids: number[] = [];
      let heard = await juliet.next();
      for (; heard.kind === 'element'; heard = await juliet.next())
        if (heard.element.name === 'message') ids.push(Number(heard.element.attribute('id')));
      const later = await comeBack(server, 'later');
      // On a machine that stood still she was one who does not read, and was thrown out.
      if (heard.kind === 'close') {
        rounds++;
        expect(ids).toEqual([...numbers(50, 170), ...numbers(0, 50)]);
        expect(await messagesUntilNow(later)).toEqual([]);
      } else await idsOf(later, 50);
      await later.close();
    }
    await romeo.close();
  });

  it('survive kill -9, and come once after it', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    send(romeo, 0, 100);
    await stored(romeo);
    await server.kill();
    await server.launch();
    const juliet = await comeBack(server, 'balcony');
    expect(await idsOf(juliet, 100)).toEqual(numbers(0, 100));
    expect(await messagesUntilNow(juliet)).toEqual([]);
    await juliet.close();
    // Orderly end of the session: they are deleted when the store answers the next question.
    const asker = await TestClient.login(server.port(), 'romeo@localhost/later');
    await stored(asker);
    await server.kill();
    await server.launch();
    const again = await comeBack(server, 'balcony');
    expect(await messagesUntilNow(again)).toEqual([]);
    await again.close();
  });

  it('are complete after kill -9 in the middle of their delivery', async () => {
    for (let round = 0; round < 3; round++) {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      send(romeo, 0, 2_000);
      await stored(romeo);
      const juliet = await comeBack(server, 'balcony');
      const before = await idsOf(juliet, 50 + round * 300);
      await server.kill();
      for (;;) {
        const heard = await juliet.next();
        if (heard.kind === 'disconnected') break;
        if (heard.kind === 'element') before.push(Number(heard.element.attribute('id')));
      }
      await server.launch();
      const again = await comeBack(server, 'balcony');
      const after = await messagesUntilNow(again);
      const ids = after.map((message) => Number(message.attribute('id')));
      while (ids.at(-1) !== 1_999) ids.push(Number((await again.message()).attribute('id')));
      // Repeated at most what was in hand; nothing is missing, nothing out of order.
      expect(before).toEqual(numbers(0, before.length));
      expect(ids[0]).toBeLessThanOrEqual(before.length);
      expect(ids).toEqual(numbers(ids[0]!, 2_000));
      await again.close();
    }
  });

  it('survive an orderly restart', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    send(romeo, 0, 100);
    // Not waited for: the server stores what it has taken before it ends.
    await romeo.nothingElse();
    server.signal('SIGTERM');
    expect(await server.exited()).toBe(0);
    await server.launch();
    const juliet = await comeBack(server, 'balcony');
    expect(await idsOf(juliet, 100)).toEqual(numbers(0, 100));
    await juliet.close();
  });

  it('in the hands of a session whose shard dies come to another session of the user', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    send(romeo, 0, 20);
    await stored(romeo);
    const frozen = await loginOn(server, 'juliet@localhost/frozen', 'other', romeo, { isAvailable: false });
    frozen.send('<presence/>');
    await held(romeo);
    const phone = await loginOn(server, 'juliet@localhost/phone', 'same', romeo, { isAvailable: false });
    phone.send('<presence/>');
    expect(await messagesUntilNow(phone)).toEqual([]);
    await crash(frozen);
    expect(await idsOf(phone, 20)).toEqual(numbers(0, 20));
    expect(await messagesUntilNow(phone)).toEqual([]);
    await phone.close();
    await romeo.close();
  });
});
