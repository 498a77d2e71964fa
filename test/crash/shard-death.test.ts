import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../helpers/client.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { Spy } from '../helpers/spy.ts';
import { NS_SM } from '../helpers/stream-management.ts';
import type { Fault } from '../helpers/threads/faults.ts';
import { condition, LAB, loginOn, messagesUntilNow, shardOf } from '../scenario/modules/support.ts';

/** Threat T58: a shard dies, in every way that a thread can. Its own clients lose their connection; nobody else loses anything. */

const ANSWERED_NOBODY = "<query xmlns='urn:test:nobody'/>";

let server: TestServer;
const spy = new Spy();

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse'],
    toml: `[access]\n  max_user_offline_messages = [{ acl = "all", value = "infinity" }]\n[modules.mod_presence]\n[modules.mod_offline]\n${LAB}${spy.toml()}`,
    env: { FAULTS_HEAP_MB: '96' },
    isFaulty: true,
  });
});

afterAll(() => server.stop());

/** Chats back and forth until told to stop, and then tells how often. Fails if a message is missing or the connection breaks. */
function chatting(a: TestClient, b: TestClient): { stop(): Promise<number> } {
  let isOver = false;
  const done = (async () => {
    let rounds = 0;
    for (; !isOver; rounds++) {
      a.send(`<message to='${b.jid}' type='chat' id='${rounds}'><body>there</body></message>`);
      expect((await b.message()).attribute('id')).toBe(String(rounds));
      b.send(`<message to='${a.jid}' type='chat' id='${rounds}'><body>back</body></message>`);
      expect((await a.message()).attribute('id')).toBe(String(rounds));
    }
    return rounds;
  })();
  done.catch(() => {});
  return {
    stop: () => {
      isOver = true;
      return done;
    },
  };
}

const WAYS: readonly Fault['kind'][] = ['throw', 'reject', 'exit', 'exhaust', 'hang'];

describe.each(WAYS)('a shard that dies (%s)', (kind) => {
  it('is replaced; its clients can come back at once, the others notice nothing, nothing sent to it is lost', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const nurse = await loginOn(server, 'nurse@localhost/hall', 'same', romeo);
    const juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    const shard = await shardOf(juliet);
    const survivor = await shardOf(romeo);
    const sender = await loginOn(server, 'nurse@localhost/sender', 'same', romeo, { isAvailable: false });
    spy.forget();
    const chat = chatting(romeo, nurse);

    await server.strike(`shard ${shard}`, kind);
    // Sent while it dies or is dead, one after the other: delivered before, or kept for her, never lost. Each in a turn of its own.
    let sent = 0;
    let isGone = false;
    const gone = (async () => {
      while ((await juliet.next()).kind !== 'disconnected');
      isGone = true;
    })();
    while (!isGone) {
      sender.send(`<message to='juliet@localhost' type='chat' id='${sent++}'><body>x</body></message>`);
      await sender.nothingElse();
      if (kind === 'hang') await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await gone;

    // Her session has left the directory: it answers no more.
    await eventually(async () => {
      const answer = await sender.iq('get', 'juliet@localhost/balcony', ANSWERED_NOBODY);
      return condition(answer) === 'service-unavailable';
    }, 'her session is forgotten');
    // `node_cleanup` ran once, on the shard that lives.
    await eventually(
      () => spy.lines().some(({ hook }) => hook === 'session_cleanup'),
      'her session was cleaned up',
    );
    const cleanUps = spy.lines().filter(({ hook }) => hook === 'node_cleanup');
    expect(cleanUps.map((line) => String(line.shard))).toEqual([survivor]);

    const again = await TestClient.login(server.port(), 'juliet@localhost/balcony', { isAvailable: false });
    again.send('<presence/>');
    sender.send("<message to='juliet@localhost/balcony' type='chat' id='last'><body>x</body></message>");
    await sender.nothingElse();
    const heard = await messagesUntilNow(again);
    while (heard.at(-1)?.attribute('id') !== 'last') heard.push(await again.message());
    const ids = heard.map((message) => message.attribute('id'));
    // What she had heard before does not come again; from there on all of it comes, in order.
    const first = ids[0] === 'last' ? sent : Number(ids[0]);
    const expected = Array.from({ length: sent - first }, (_unused, i) => String(first + i));
    expect(ids).toEqual([...expected, 'last']);

    expect(await chat.stop()).toBeGreaterThan(0);
    // The place is taken again.
    const other = await loginOn(server, 'nurse@localhost/new', 'other', romeo);
    expect(await shardOf(other)).toBe(shard);
    for (const client of [romeo, nurse, sender, again, other]) await client.close();
  });
});

it('the only shard is replaced too, and cleans up after itself', async () => {
  const own = new Spy();
  const single = await TestServer.start({
    shards: 1,
    users: ['romeo'],
    toml: `[modules.mod_presence]\n[modules.mod_offline]\n${own.toml()}`,
    isFaulty: true,
  });
  try {
    const romeo = await TestClient.login(single.port(), 'romeo@localhost/orchard');
    await single.strike('shard 0', 'throw');
    while ((await romeo.next()).kind !== 'disconnected');
    await eventually(() => own.lines().some(({ hook }) => hook === 'session_cleanup'), 'it has cleaned up');
    expect(own.lines().filter(({ hook }) => hook === 'node_cleanup')).toHaveLength(1);
    const again = await TestClient.login(single.port(), 'romeo@localhost/orchard');
    await again.nothingElse();
    await again.close();
  } finally {
    await single.stop();
  }
});

it('one that dies while it cleans up for another leaves that to whoever is there next', async () => {
  const own = new Spy();
  const both = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet'],
    toml: `[modules.mod_presence]\n[modules.mod_offline]\n${LAB}${own.toml()}`,
    isFaulty: true,
  });
  try {
    const romeo = await TestClient.login(both.port(), 'romeo@localhost/orchard');
    const juliet = await loginOn(both, 'juliet@localhost/balcony', 'other', romeo);
    const [first, second] = [await shardOf(juliet), await shardOf(romeo)];
    // Cleaning up begins with a question to the store: it waits for that.
    await both.strike('store', 'stall', 1_000);
    await both.strike(`shard ${first}`, 'exit');
    while ((await juliet.next()).kind !== 'disconnected');
    await both.strike(`shard ${second}`, 'exit');
    while ((await romeo.next()).kind !== 'disconnected');
    const cleaned = (): unknown[] =>
      own.lines().flatMap(({ hook, from }) => (hook === 'session_cleanup' ? [from] : []));
    await eventually(() => new Set(cleaned()).size === 2, 'both sessions were cleaned up');
  } finally {
    await both.stop();
  }
});

it('what waits for room on its way to another shard is not acknowledged before: it would die with this one', async () => {
  const both = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet'],
    toml: `[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_stream_management]\n${LAB}`,
    isFaulty: true,
  });
  try {
    const juliet = await TestClient.login(both.port(), 'juliet@localhost/balcony');
    const romeo = await loginOn(both, 'romeo@localhost/orchard', 'other', juliet, { isAvailable: false });
    const [hers, his] = [await shardOf(juliet), await shardOf(romeo)];
    romeo.send(`<enable xmlns='${NS_SM}'/>`);
    await romeo.until(({ name }) => name === 'enabled');
    await both.strike(`shard ${hers}`, 'stall', 2_000);
    // More than the ring takes.
    const body = 'x'.repeat(1_000);
    const message = (id: number): string =>
      `<message to='juliet@localhost' type='chat' id='${id}'><body>${body}</body></message><r xmlns='${NS_SM}'/>`;
    romeo.send(Array.from({ length: 1_000 }, (_unused, id) => message(id)).join(''));
    let acked = 0;
    // Until he is not read any more.
    while (acked === 0 || (await romeo.heardWithin(300))) {
      const answer = await romeo.element();
      if (answer.name === 'a') acked = Number(answer.attribute('h'));
    }
    await both.strike(`shard ${his}`, 'exit');
    expect(acked).toBeGreaterThan(100);
    expect(acked).toBeLessThan(1_000);
    for (let id = 0; id < acked; id++) expect((await juliet.message()).attribute('id')).toBe(String(id));
  } finally {
    await both.stop();
  }
});
