import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASE_FILE, openReader } from '../../src/store/sqlite/database.ts';
import { TestClient } from '../helpers/client.ts';
import { httpGet } from '../helpers/http.ts';
import { eventually } from '../helpers/process.ts';
import { TestServer } from '../helpers/server.ts';
import { condition, errorType, LAB, loginOn, messagesUntilNow } from '../scenario/modules/support.ts';

/** Threats T56 and T58 for the store: it dies, hangs or is slow. Messages to be stored are kept and tried again; users who are online chat on. */

const EVENT = "<x xmlns='jabber:x:event'><offline/></x>";

/** Rounds of a chat while the store does nothing: if they waited for the store, there would be one at most. */
const SEVERAL = 3;

let server: TestServer;
let romeo: TestClient;
let nurse: TestClient;
let friar: TestClient;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'nurse', 'friar', 'juliet'],
    toml: `[[listen.http]]\n  port = 0\n  ip_address = "127.0.0.1"\n  connections_per_second_per_address = "infinity"\n[modules.mod_presence]\n[modules.mod_offline]\n${LAB}`,
    isFaulty: true,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
  friar = await loginOn(server, 'friar@localhost/cell', 'other', nurse);
  // Who exists is known from now on, to all shards.
  await toJuliet(1);
  await forgetStored();
});

afterAll(() => server.stop());

async function isReady(): Promise<boolean> {
  return (await httpGet(server.port('http'), '/readyz')).status === 200;
}

async function isUnready(): Promise<boolean> {
  const { status, body } = await httpGet(server.port('http'), '/readyz');
  return status === 503 && body.includes('"store"');
}

async function writesFail(): Promise<boolean> {
  const { status, body } = await httpGet(server.port('http'), '/readyz');
  return status === 503 && body.includes('"storage"');
}

/** Sends messages to Juliet, who is not there; resolves to the answer that each of them got. */
async function toJuliet(count: number): Promise<string[]> {
  for (let i = 0; i < count; i++)
    romeo.send(`<message to='juliet@localhost' id='m${i}' type='chat'><body>x</body>${EVENT}</message>`);
  return await answers(count);
}

async function answers(count: number): Promise<string[]> {
  const told = new Map<string, string>();
  while (told.size < count) {
    const message = await romeo.until((element) => element.name === 'message');
    // An error carries what it answers; an event names it.
    const isError = message.attribute('type') === 'error';
    const id = isError ? message.attribute('id')! : message.child('x', 'jabber:x:event')!.childText('id')!;
    expect(told.has(id), `a second answer to ${id}`).toBe(false);
    told.set(id, isError ? `${errorType(message)} ${condition(message)}` : 'stored');
  }
  return [...told.values()];
}

/** Fetches what is stored for Juliet. Returns how much that was, when it is deleted: until then it would come again after trouble. */
async function forgetStored(): Promise<number> {
  const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony', { isAvailable: false });
  juliet.send('<presence/>');
  const count = (await messagesUntilNow(juliet)).length;
  await juliet.close();
  const db = openReader(join(server.directory, 'data'));
  const stored = db.prepare('SELECT count(*) FROM offline_message').pluck();
  await eventually(() => stored.get() === 0, 'what came is deleted');
  db.close();
  return count;
}

/** Chats across shards while something goes on. Resolves to how many messages came, all of them in order. */
async function chatWhile(other: Promise<unknown>): Promise<number> {
  let isOver = false;
  void other.finally(() => {
    isOver = true;
  });
  let rounds = 0;
  for (; !isOver; rounds++) {
    nurse.send(`<message to='${friar.jid}' type='chat' id='${rounds}'><body>x</body></message>`);
    expect((await friar.message()).attribute('id')).toBe(String(rounds));
    friar.send(`<message to='nurse@localhost' type='chat' id='${rounds}'><body>x</body></message>`);
    expect((await nurse.message()).attribute('id')).toBe(String(rounds));
  }
  return rounds;
}

describe('the store thread', () => {
  it('says which messages it has stored', async () => {
    expect(await toJuliet(20)).toEqual(new Array(20).fill('stored'));
    expect(await forgetStored()).toBe(20);
  });

  it('dies with writes in flight: each is made once when it is back; chats go on meanwhile', async () => {
    await server.strike('store', 'stall-and-exit', 700);
    // Nothing it is asked from now on will be done: it stands still until its end.
    const told = toJuliet(50);
    const rounds = await chatWhile(told);
    expect(await told).toEqual(new Array(50).fill('stored'));
    expect(rounds).toBeGreaterThan(SEVERAL);
    await eventually(isReady, 'the store is back');
    expect(await forgetStored()).toBe(50);
    expect(await toJuliet(5)).toEqual(new Array(5).fill('stored'));
    expect(await forgetStored()).toBe(5);
  });

  it.each(['throw', 'exit'] as const)('dies (%s): readiness is red until it is back', async (kind) => {
    // Held from starting again by a lock on its directory's database, until that is given back.
    const lock = new Database(join(server.directory, 'data', DATABASE_FILE));
    lock.exec('BEGIN EXCLUSIVE');
    await server.strike('store', kind);
    await eventually(isUnready, 'the server says that it is not ready');
    const now = toJuliet(1);
    expect(await chatWhile(new Promise((resolve) => setTimeout(resolve, 200)))).toBeGreaterThan(0);
    lock.exec('ROLLBACK');
    lock.close();
    await eventually(isReady, 'the store is back');
    expect(await now).toEqual(['stored']);
    expect(await toJuliet(3)).toEqual(['stored', 'stored', 'stored']);
    expect(await forgetStored()).toBe(4);
  });

  it('dies when somebody comes: what is newer waits for what was stored, for a while', async () => {
    expect(await toJuliet(3)).toEqual(new Array(3).fill('stored'));
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony', { isAvailable: false });
    // Asked for what is stored, it dies without an answer.
    await server.strike('store', 'stall-and-exit', 300);
    juliet.send(`<presence/><message to='${romeo.jid}' type='chat' id='here'><body>x</body></message>`);
    expect((await romeo.message()).attribute('id')).toBe('here');
    romeo.send(`<message to='${juliet.jid}' id='newer' type='chat'><body>x</body></message>`);
    const ids: (string | undefined)[] = [];
    while (ids.length < 4) ids.push((await juliet.message()).attribute('id'));
    expect(ids).toEqual(['m0', 'm1', 'm2', 'newer']);
    await juliet.close();
    await eventually(isReady, 'the store is back');
    expect(await forgetStored()).toBe(0);
  });

  it('that is slow holds nobody up who needs it not, and does its work in the end', async () => {
    await server.strike('store', 'stall', 2_000);
    const told = toJuliet(100);
    expect(await chatWhile(told)).toBeGreaterThan(SEVERAL);
    expect(await told).toEqual(new Array(100).fill('stored'));
    expect(await forgetStored()).toBe(100);
  });

  it('that hangs is found by its heartbeat and replaced; what it was asked is done by the next one, chats go on', async () => {
    await server.strike('store', 'hang');
    const told = toJuliet(10);
    expect(await chatWhile(told)).toBeGreaterThan(SEVERAL);
    expect(await told).toEqual(new Array(10).fill('stored'));
    await eventually(isReady, 'the store is back');
    expect(await toJuliet(3)).toEqual(['stored', 'stored', 'stored']);
    expect(await forgetStored()).toBe(13);
  });

  it('whose database another process holds says so, and goes on when that lets go', async () => {
    const lock = new Database(join(server.directory, 'data', DATABASE_FILE));
    lock.exec('BEGIN IMMEDIATE');
    const told = toJuliet(10);
    expect(await chatWhile(eventually(writesFail, 'the server says that it cannot write'))).toBeGreaterThan(
      SEVERAL,
    );
    lock.exec('ROLLBACK');
    lock.close();
    expect(await told).toEqual(new Array(10).fill('stored'));
    await eventually(isReady, 'it can write again');
    expect(await toJuliet(3)).toEqual(['stored', 'stored', 'stored']);
    expect(await forgetStored()).toBe(13);
  });
});
