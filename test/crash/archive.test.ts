import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASE_FILE } from '../../src/store/sqlite/database.ts';
import { TestClient } from '../helpers/client.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { enable, handled, NS_SM } from '../helpers/stream-management.ts';
import { numbered, page, refusal } from '../scenario/modules/mam-support.ts';
import { LAB, loginOn } from '../scenario/modules/support.ts';

/**
 * What a client was told to be handled (XEP-0198) is in both archives, once and in order, whatever dies; while the store does not answer, messages go on to who is there, and
 * acknowledgements wait. `MEERKAT_KILL_ROUNDS` asks for more rounds.
 */

const ROUNDS = Number(process.env['MEERKAT_KILL_ROUNDS'] ?? 3);
const PAIRS = 3;
const MODULES = `[modules.mod_presence]\n[modules.mod_stream_management]\n[modules.mod_mam.pm]\n${LAB}`;

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', ...numbered(PAIRS, 'x').flatMap((_name, n) => [`sender${n}`, `reader${n}`])],
    toml: MODULES,
    isFaulty: true,
  });
});

afterAll(() => server.stop());

/** All bodies of an archive behind a message, page by page. */
async function allBehind(
  client: TestClient,
  after: string | undefined,
): Promise<{ bodies: string[]; ids: string[] }> {
  const bodies: string[] = [];
  const ids: string[] = [];
  let last = after ?? '';
  for (;;) {
    const found = await page(client, { set: `<max>50</max><after>${last}</after>` });
    bodies.push(...found.bodies.map(String));
    ids.push(...found.ids);
    if (found.isComplete) return { bodies, ids };
    last = found.last!;
  }
}

/** Numbers sent, and how many of them the server has acknowledged. */
interface Sender {
  sent: number;
  acknowledged: number;
  after: string | undefined;
}

/** Sends numbered messages to an online user until the connection breaks. */
async function sendUntilKilled(pair: number, state: Sender): Promise<void> {
  const reader = await TestClient.login(server.port(), `reader${pair}@localhost/r`);
  const client = await TestClient.login(server.port(), `sender${pair}@localhost/s`);
  await enable(client, '');
  const to = reader.jid;
  for (;;) {
    while (state.sent < state.acknowledged + 30) {
      client.send(`<message to='${to}' type='chat'><body>${state.sent++}</body></message>`);
      if (state.sent % 5 === 0) client.send(`<r xmlns='${NS_SM}'/>`);
    }
    client.send(`<r xmlns='${NS_SM}'/>`);
    const heard = await client.next();
    if (heard.kind === 'disconnected') break;
    if (heard.kind !== 'element' || heard.element.name !== 'a') continue;
    state.acknowledged = Math.max(state.acknowledged, Number(heard.element.attribute('h')));
  }
  reader.cut();
}

describe('kill -9 while messages are archived', () => {
  const states = Array.from(
    { length: PAIRS },
    (): Sender => ({ sent: 0, acknowledged: 0, after: undefined }),
  );

  it.each(Array.from({ length: ROUNDS }, (_unused, round) => round))(
    'loses nothing that was acknowledged, in neither archive (round %i)',
    async () => {
      const afterMs = 100 + Math.floor(Math.random() * 900);
      for (const state of states) Object.assign(state, { sent: 0, acknowledged: 0 });
      const done = Promise.all(states.map((state, pair) => sendUntilKilled(pair, state)));
      await eventually(
        () => states.every(({ acknowledged }) => acknowledged > 0),
        'something is acknowledged',
      );
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await server.kill();
      await done;
      await server.launch();
      for (const [pair, state] of states.entries()) {
        const what = `killed after ${afterMs} ms, ${state.acknowledged} of ${state.sent} acknowledged`;
        const sender = await TestClient.login(server.port(), `sender${pair}@localhost/s`);
        const reader = await TestClient.login(server.port(), `reader${pair}@localhost/r`);
        const mine = await allBehind(sender, state.after);
        const theirs = await allBehind(reader, state.after);
        expect(mine.bodies.length, what).toBeGreaterThanOrEqual(state.acknowledged);
        expect(mine.bodies.length, what).toBeLessThanOrEqual(state.sent);
        expect(mine.bodies, what).toEqual(mine.bodies.map((_unused, n) => String(n)));
        expect(theirs, what).toEqual(mine);
        state.after = mine.ids.at(-1) ?? state.after;
        await sender.close();
        await reader.close();
      }
    },
    60_000,
  );
});

describe('a store that does not answer', () => {
  let romeo: TestClient;
  let juliet: TestClient;

  beforeAll(async () => {
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    await enable(romeo, '');
    await send('0');
    while ((await handled(romeo)) < 1);
  });

  async function send(body: string): Promise<void> {
    romeo.send(`<message to='${juliet.jid}' type='chat'><body>${body}</body></message>`);
    expect((await juliet.message()).childText('body')).toBe(body);
  }

  /** Stanzas that Romeo knows to be handled, once all that he has sent are, and nothing else is on its way to him. */
  async function allHandled(): Promise<number> {
    let before = -1;
    for (let h = await handled(romeo); h !== before; h = await handled(romeo)) before = h;
    await romeo.iq('get', undefined, "<nothing xmlns='urn:test:nothing'/>");
    return await handled(romeo);
  }

  it('delays acknowledgements, and not messages', async () => {
    const before = await allHandled();
    await server.strike('store', 'stall', 3_000);
    for (const body of numbered(5, 'stalled')) await send(body);
    expect(await handled(romeo)).toBe(before);
    let h = before;
    while (h < before + 5) {
      const answer = await romeo.until(({ name, ns }) => name === 'a' && ns === NS_SM);
      h = Number(answer.attribute('h'));
    }
    expect((await page(juliet, { set: '<max>5</max><before/>' })).bodies).toEqual(numbered(5, 'stalled'));
  });

  it('and dies: what it had not stored is stored when it is back', async () => {
    const before = await allHandled();
    await server.strike('store', 'stall-and-exit', 500);
    for (const body of numbered(10, 'died')) await send(body);
    while ((await handled(romeo)) < before + 10);
    expect((await page(juliet, { set: '<max>10</max><before/>' })).bodies).toEqual(numbered(10, 'died'));
    expect((await page(romeo, { set: '<max>10</max><before/>' })).bodies).toEqual(numbered(10, 'died'));
  });

  it('because its database is locked, or its disk full: archives say that they are not complete, until they are', async () => {
    const before = await allHandled();
    const lock = new Database(join(server.directory, 'data', DATABASE_FILE));
    lock.exec('BEGIN IMMEDIATE');
    const failures = (): number => server.log.split('mam_append_failed').length;
    const known = failures();
    for (const body of numbered(10, 'locked')) await send(body);
    await eventually(() => failures() > known, 'messages wait to be archived');
    expect(await handled(romeo)).toBe(before);
    // Romeo’s shard has them; whoever asks, there or elsewhere, hears that something is missing.
    expect(await refusal(romeo)).toBe('service-unavailable');
    expect(await refusal(juliet)).toBe('service-unavailable');
    for (const body of numbered(5, 'still locked')) await send(body);
    lock.exec('ROLLBACK');
    lock.close();
    while ((await handled(romeo)) < before + 16);
    const expected = [...numbered(10, 'locked'), ...numbered(5, 'still locked')];
    expect((await page(romeo, { set: '<max>15</max><before/>' })).bodies).toEqual(expected);
    expect((await page(juliet, { set: '<max>15</max><before/>' })).bodies).toEqual(expected);
  }, 60_000);
});
