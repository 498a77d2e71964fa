import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import {
  acknowledge,
  askToResume,
  bodyOf,
  enableResumption,
  resume,
  unbound,
} from '../../helpers/stream-management.ts';
import { LAB, loginOn, messagesUntilNow, nobodyThere } from './support.ts';

/** Whoever wants a session that is not his, or more of them than he should have (XEP-0198 §10; threats T42, T43, T45). */

const PHONE = 'juliet@localhost/phone';

let server: TestServer;
let romeo: TestClient;

beforeAll(async () => {
  server = await TestServer.start({
    hosts: ['localhost', 'verona.example'],
    users: ['romeo', 'juliet', 'juliet@verona.example', 'tybalt', 'paris'],
    toml: `
[access]
  max_user_sessions = [{ acl = "all", value = 3 }]
[modules.mod_presence]
[modules.mod_offline]
[modules.mod_blocklist]
[modules.mod_stream_management]
  total_max_bytes = 1048576
${LAB}`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
});

afterAll(async () => {
  await romeo.close();
  await server.stop();
});

function chat(to: string, body: string): string {
  return `<message to='${to}' type='chat' id='${body.slice(0, 20)}'><body>${body}</body></message>`;
}

async function cli(...args: string[]): Promise<void> {
  expect((await meerkat(['--config', server.configFile, ...args])).status).toBe(0);
}

/** A session that waits for its client, with one message that was not acknowledged. */
async function waiting(jid: string, body: string, place: 'same' | 'other' = 'other'): Promise<string> {
  const client = await loginOn(server, jid, place, romeo);
  const id = await enableResumption(client);
  romeo.send(chat(jid, body));
  await client.message();
  client.cut();
  return id;
}

async function isRefused(bare: string, id: string): Promise<void> {
  const stream = await unbound(server, bare);
  const answer = await askToResume(stream, id, 0);
  expect([answer.name, answer.attribute('h'), answer.elements()[0]!.name]).toEqual([
    'failed',
    undefined,
    'item-not-found',
  ]);
  stream.cut();
}

describe('T42 a session of somebody else', () => {
  it('is not that of a user of the same name on another host', async () => {
    const id = await waiting(PHONE, 'for one');
    await isRefused('juliet@verona.example', id);
    const back = await resume(server, 'juliet@localhost', id, 0);
    expect(bodyOf(await back.message())).toBe('for one');
    acknowledge(back, 1);
    await back.close();
  });

  it('cannot be resumed with an old password, nor lost by the new one', async () => {
    const id = await waiting(PHONE, 'after the change');
    await cli('user', 'passwd', 'juliet@localhost', 'other');
    await expect(unbound(server, 'juliet@localhost')).rejects.toThrow('failed');
    const stream = await unbound(server, 'juliet@localhost', 'other');
    expect((await askToResume(stream, id, 0)).name).toBe('resumed');
    expect(bodyOf(await stream.message())).toBe('after the change');
    acknowledge(stream, 1);
    await stream.close();
    await cli('user', 'passwd', 'juliet@localhost', 'secret');
  });

  it('ends when its user is locked out', async () => {
    const id = await waiting('paris@localhost/phone', 'kept');
    await cli('blocklist', 'add', 'paris@localhost');
    await nobodyThere(romeo, 'paris@localhost');
    await cli('blocklist', 'remove', 'paris@localhost');
    await isRefused('paris@localhost', id);
    const later = await TestClient.login(server.port(), 'paris@localhost/desk');
    expect(bodyOf(await later.message())).toBe('kept');
    await later.close();
  });

  it('ends with the account, and is not there for whoever has its name next', async () => {
    const id = await waiting('tybalt@localhost/phone', 'for nobody');
    await cli('user', 'delete', 'tybalt@localhost');
    await nobodyThere(romeo, 'tybalt@localhost');
    await cli('user', 'add', 'tybalt@localhost', 'secret');
    await isRefused('tybalt@localhost', id);
    const next = await TestClient.login(server.port(), 'tybalt@localhost/phone');
    expect(await messagesUntilNow(next)).toEqual([]);
    await next.close();
  });
});

describe('T43 sessions that acknowledge nothing', () => {
  const LARGE = 'x'.repeat(100_000);

  /** The bodies of what comes, as far as they say which one it is. */
  async function large(client: TestClient, count: number): Promise<string[]> {
    const bodies: string[] = [];
    for (let i = 0; i < count; i++) bodies.push(bodyOf(await client.message())!.slice(0, 1));
    return bodies;
  }

  it('take no more memory than all of them may; what they had is stored, and comes once', async () => {
    const ids: string[] = [];
    const jids = ['tybalt@localhost/1', 'paris@localhost/2', 'juliet@localhost/3'];
    for (const jid of jids) {
      const client = await loginOn(server, jid, 'same', romeo);
      ids.push(await enableResumption(client));
      // Of all three together the limit is ten.
      for (let i = 0; i < 5; i++) romeo.send(chat(jid, `${i} ${LARGE}`));
      expect(await large(client, 5)).toEqual(['0', '1', '2', '3', '4']);
      client.cut();
    }
    // The one that has waited longest has ended.
    await nobodyThere(romeo, 'tybalt@localhost');
    await isRefused('tybalt@localhost', ids[0]!);
    const tybalt = await TestClient.login(server.port(), 'tybalt@localhost/later');
    expect(await large(tybalt, 5)).toEqual(['0', '1', '2', '3', '4']);
    expect(await messagesUntilNow(tybalt)).toEqual([]);
    await tybalt.close();
    const paris = await resume(server, 'paris@localhost', ids[1]!, 0);
    expect(await large(paris, 5)).toEqual(['0', '1', '2', '3', '4']);
    acknowledge(paris, 5);
    await paris.close();
    const juliet = await resume(server, 'juliet@localhost', ids[2]!, 0);
    expect(await large(juliet, 5)).toEqual(['0', '1', '2', '3', '4']);
    acknowledge(juliet, 5);
    await juliet.close();
  });

  it('end, if none of them waits that could end instead', async () => {
    const [paris, juliet] = [
      await loginOn(server, 'paris@localhost/1', 'same', romeo),
      await loginOn(server, 'juliet@localhost/2', 'same', romeo),
    ];
    for (const client of [paris, juliet]) {
      await enableResumption(client);
      for (let i = 0; i < 5; i++) romeo.send(chat(client.jid, `${i} ${LARGE}`));
      await large(client, 5);
    }
    romeo.send(chat(juliet.jid, `5 ${LARGE}`));
    expect(await juliet.streamError()).toBe('resource-constraint');
    await nobodyThere(romeo, 'juliet@localhost');
    const later = await TestClient.login(server.port(), 'juliet@localhost/later');
    expect(await large(later, 6)).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(await messagesUntilNow(later)).toEqual([]);
    await later.close();
    // The other one notices nothing.
    romeo.send(chat(paris.jid, 'still there'));
    expect(bodyOf(await paris.message())).toBe('still there');
    acknowledge(paris, 6);
    await paris.close();
  });
});

describe('T45 one account that connects, enables and drops again and again', () => {
  it('has as many sessions as a user may have: the oldest end', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) {
      const client = await TestClient.login(server.port(), `paris@localhost/${i}`, { isAvailable: false });
      ids.push(await enableResumption(client));
      client.cut();
    }
    const answer = await romeo.iq(
      'get',
      'localhost',
      "<sessions xmlns='urn:test:lab'>paris@localhost</sessions>",
    );
    expect(answer.child('sessions', 'urn:test:lab')!.attribute('count')).toBe('3');
    await isRefused('paris@localhost', ids[16]!);
    const newest = await resume(server, 'paris@localhost', ids[19]!, 0);
    await newest.close();
  });
});
