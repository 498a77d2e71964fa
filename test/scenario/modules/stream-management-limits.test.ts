import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Element } from '../../../src/xml/element.ts';
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
import {
  crash,
  fixture,
  LAB,
  loginOn,
  messagesUntilNow,
  nobodyThere,
  presence,
  stopSession,
} from './support.ts';

function modules(lines: string): string {
  return `[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_stream_management]\n${lines}\n${LAB}`;
}

const USERS = ['romeo', 'juliet', 'nurse', 'mercutio', 'benvolio', 'tybalt', 'rosaline', 'paris'];

function chat(to: string, body: string): string {
  return `<message to='${to}' type='chat'><body>${body}</body></message>`;
}

/**
 * Logs in and reads what is stored for the user, in order: so many messages, and what else has come by then. By another resource than they were sent to: what is
 * still being routed would be delivered to that as soon as it is bound, ahead of what waits for its presence.
 */
async function storedFor(
  server: TestServer,
  account: string,
  count: number,
): Promise<(string | undefined)[]> {
  const client = await TestClient.login(server.port(), `${account}/reader`);
  const messages: Element[] = [];
  while (messages.length < count) messages.push(await client.message());
  messages.push(...(await messagesUntilNow(client)));
  await client.close();
  return messages.map(bodyOf);
}

describe('limits', () => {
  let server: TestServer;
  let romeo: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({
      users: USERS,
      toml: modules(
        '  buffer_max = 3\n  buffer_max_bytes = 65536\n  ack_freq = 2\n  detached_max = 2\n  stale_h = {enabled = true, repeat_after = 1, geriatric = 3600}',
      ),
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  });

  afterAll(async () => {
    await romeo.close();
    await server.stop();
  });

  it('the server asks after each second stanza', async () => {
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony', { isAvailable: false });
    await enableResumption(juliet);
    for (const round of [1, 2]) {
      for (const body of ['one', 'two']) {
        romeo.send(chat('juliet@localhost/balcony', body));
        expect(bodyOf(await juliet.element())).toBe(body);
      }
      expect((await juliet.element()).name).toBe('r');
      acknowledge(juliet, round * 2);
    }
    await juliet.close();
  });

  it('too many unacknowledged stanzas end the session after a while; whoever acknowledges goes on', async () => {
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/chamber');
    const id = await enableResumption(juliet);
    await enableResumption(nurse);
    for (let i = 0; i < 6; i++) {
      romeo.send(chat('juliet@localhost', `line ${i}`));
      romeo.send(chat('nurse@localhost', `line ${i}`));
    }
    for (let i = 0; i < 6; i++) await nurse.message();
    acknowledge(nurse, 4);
    expect(await juliet.streamError()).toBe('resource-constraint');
    await nobodyThere(romeo, 'juliet@localhost');
    // The other one has been there for as long.
    romeo.send(chat('nurse@localhost', 'still there'));
    expect(bodyOf(await nurse.message())).toBe('still there');
    acknowledge(nurse, 7);
    await nurse.close();
    expect((await askToResume(await unbound(server, 'juliet@localhost'), id, 0)).name).toBe('failed');
    expect(await storedFor(server, 'juliet@localhost', 6)).toEqual(
      [0, 1, 2, 3, 4, 5].map((i) => `line ${i}`),
    );
    expect(await storedFor(server, 'juliet@localhost', 0)).toEqual([]);
  });

  it('too many bytes end it at once, also while nobody is connected (threat T43)', async () => {
    const large = 'x'.repeat(30_000);
    for (const isCut of [false, true]) {
      const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
      await enableResumption(juliet);
      if (isCut) juliet.cut();
      for (let i = 0; i < 3; i++) romeo.send(chat('juliet@localhost/balcony', `${i} ${large}`));
      if (!isCut) expect(await juliet.streamError()).toBe('resource-constraint');
      await nobodyThere(romeo, 'juliet@localhost');
      const stored = await storedFor(server, 'juliet@localhost', 3);
      expect(stored.map((body) => body?.slice(0, 2))).toEqual(['0 ', '1 ', '2 ']);
    }
  });

  it('a session waits as long as its client asked for; who comes too late learns how much was handled', async () => {
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    const id = await enableResumption(juliet, "max='1'");
    juliet.send("<presence to='romeo@localhost/orchard'/>");
    await presence(romeo);
    juliet.send(chat('romeo@localhost', 'second stanza'));
    expect(bodyOf(await romeo.message())).toBe('second stanza');
    romeo.send(chat('juliet@localhost', 'kept'));
    await juliet.message();
    juliet.cut();
    // Until then nobody hears of it.
    const gone = await romeo.until((element) => element.name === 'presence');
    expect(gone.attribute('type')).toBe('unavailable');
    const late = await unbound(server, 'juliet@localhost');
    const failed = await askToResume(late, id, 1);
    expect([failed.name, failed.attribute('h'), failed.elements()[0]!.name]).toEqual([
      'failed',
      '2',
      'item-not-found',
    ]);
    late.cut();
    // That is nobody else's business.
    const thief = await unbound(server, 'nurse@localhost');
    expect((await askToResume(thief, id, 1)).attribute('h')).toBeUndefined();
    thief.cut();
    expect(await storedFor(server, 'juliet@localhost', 1)).toEqual(['kept']);
  });

  it('of too many sessions that wait the first ends (threat T45)', async () => {
    const first = await TestClient.login(server.port(), 'tybalt@localhost/one');
    const users = ['paris', 'rosaline', 'benvolio'];
    const ids: string[] = [await enableResumption(first)];
    romeo.send(chat('tybalt@localhost', 'for the first'));
    await first.message();
    first.cut();
    for (const user of users) {
      const client = await loginOn(server, `${user}@localhost/x`, 'same', romeo);
      ids.push(await enableResumption(client));
      client.cut();
    }
    // Two of one shard may wait: of the three users there the first one ends.
    await nobodyThere(romeo, 'paris@localhost');
    for (const user of ['rosaline', 'benvolio']) {
      const back = await resume(server, `${user}@localhost`, ids[users.indexOf(user) + 1]!, 0);
      await back.close();
    }
  });
});

describe('modules that look after what is not acknowledged', () => {
  it('are told of it, may note something, and may take some out', async () => {
    const server = await TestServer.start({
      users: USERS,
      toml: modules('') + fixture('mod_unacked', 'mod-unacked.ts'),
    });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
      const id = await enableResumption(juliet, "max='2'");
      for (const body of ['one', 'two', 'archived three']) romeo.send(chat('juliet@localhost/balcony', body));
      for (let i = 0; i < 3; i++) await juliet.message();
      acknowledge(juliet, 1);
      await messagesUntilNow(juliet);
      juliet.cut();
      const told = async (): Promise<string> => {
        const answer = await romeo.iq('get', 'localhost', "<told xmlns='urn:test:unacked'/>");
        return answer.child('told', 'urn:test:unacked')!.text();
      };
      while ((await told()) !== 'two, archived three');
      romeo.send(chat('juliet@localhost/balcony', 'four'));
      while ((await told()) !== 'two, archived three, four');
      const back = await resume(server, 'juliet@localhost', id, 1);
      const marks: (string | undefined)[] = [];
      for (const body of ['two', 'archived three', 'four']) {
        const message = await back.message();
        expect(bodyOf(message)).toBe(body);
        marks.push(message.child('mark')?.text());
      }
      // They were received before they were noted.
      expect(marks).toEqual([undefined, undefined, undefined]);
      back.cut();
      await nobodyThere(romeo, 'juliet@localhost');
      const later = await TestClient.login(server.port(), 'juliet@localhost/reader');
      for (const body of ['two', 'four']) {
        const message = await later.message();
        expect([bodyOf(message), message.child('mark')?.text()]).toEqual([body, `told of ${body}`]);
      }
      expect(await messagesUntilNow(later)).toEqual([]);
      await later.close();
      await romeo.close();
    } finally {
      await server.stop();
    }
  });
});

describe('ends of other kinds', () => {
  it('a stop that somebody asks for is a break; a kick while it waits is an end', async () => {
    const server = await TestServer.start({ users: USERS, toml: modules('') });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
      const id = await enableResumption(juliet);
      await stopSession(juliet);
      romeo.send(chat('juliet@localhost/balcony', 'after the stop'));
      const back = await resume(server, 'juliet@localhost', id, 0);
      expect(bodyOf(await back.message())).toBe('after the stop');
      back.cut();
      const list = await meerkat(['session', 'list', '--json', '--config', server.configFile]);
      expect(
        JSON.parse(list.stdout)
          .map(({ jid }: { jid: string }) => jid)
          .toSorted(),
      ).toEqual(['juliet@localhost/balcony', 'romeo@localhost/orchard']);
      await meerkat(['session', 'kick', 'juliet@localhost', '--config', server.configFile]);
      await nobodyThere(romeo, 'juliet@localhost');
      expect(await storedFor(server, 'juliet@localhost', 1)).toEqual(['after the stop']);
      // A password cannot bring it back, nor can one session's id another's.
      const late = await unbound(server, 'juliet@localhost');
      expect((await askToResume(late, id, 0)).elements()[0]!.name).toBe('item-not-found');
      late.cut();
      await romeo.close();
    } finally {
      await server.stop();
    }
  });

  it('when the server stops, what was not acknowledged is stored, also of sessions that wait', async () => {
    const server = await TestServer.start({ users: USERS, toml: modules('') });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      for (const user of ['juliet', 'nurse', 'tybalt', 'paris']) {
        const client = await TestClient.login(server.port(), `${user}@localhost/x`);
        await enableResumption(client);
        for (let i = 0; i < 5; i++) romeo.send(chat(`${user}@localhost`, `line ${i}`));
        for (let i = 0; i < 5; i++) await client.message();
        if (user !== 'juliet') client.cut();
      }
      await messagesUntilNow(romeo);
      server.signal('SIGTERM');
      expect(await server.exited()).toBe(0);
      await server.launch();
      for (const user of ['juliet', 'nurse', 'tybalt', 'paris']) {
        expect(await storedFor(server, `${user}@localhost`, 5)).toEqual(
          [0, 1, 2, 3, 4].map((i) => `line ${i}`),
        );
      }
    } finally {
      await server.stop();
    }
  });

  it('a reload with other options keeps sessions that wait; switching the module off ends them', async () => {
    const server = await TestServer.start({ users: USERS, toml: modules('') });
    try {
      const text = readFileSync(server.configFile, 'utf8');
      const reload = async (changed: string): Promise<void> => {
        writeFileSync(server.configFile, changed);
        expect((await meerkat(['reload', '--config', server.configFile])).status).toBe(0);
      };
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
      const id = await enableResumption(juliet);
      juliet.cut();
      romeo.send(chat('juliet@localhost/balcony', 'before'));
      await messagesUntilNow(romeo);
      await reload(
        text.replace(
          '[modules.mod_stream_management]\n',
          '[modules.mod_stream_management]\n  ack_freq = 3\n',
        ),
      );
      const back = await resume(server, 'juliet@localhost', id, 0);
      expect(bodyOf(await back.message())).toBe('before');
      back.cut();
      await messagesUntilNow(romeo);
      await reload(text.replace('[modules.mod_stream_management]\n', ''));
      await nobodyThere(romeo, 'juliet@localhost');
      expect(await storedFor(server, 'juliet@localhost', 1)).toEqual(['before']);
      romeo.cut();
    } finally {
      await server.stop();
    }
  });

  it('a shard that dies takes its sessions with it, and leaves what came from storage', async () => {
    const server = await TestServer.start({ users: USERS, toml: modules('') });
    try {
      const nurse = await TestClient.login(server.port(), 'nurse@localhost/chamber');
      nurse.send(chat('juliet@localhost', 'stored'));
      await messagesUntilNow(nurse);
      const romeo = await loginOn(server, 'romeo@localhost/orchard', 'other', nurse);
      const juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', nurse, {
        isAvailable: false,
      });
      const id = await enableResumption(juliet);
      juliet.send('<presence/>');
      expect(bodyOf(await juliet.message())).toBe('stored');
      await crash(romeo);
      await nobodyThere(nurse, 'juliet@localhost');
      const late = await unbound(server, 'juliet@localhost');
      expect((await askToResume(late, id, 0)).elements()[0]!.name).toBe('item-not-found');
      late.cut();
      expect(await storedFor(server, 'juliet@localhost', 1)).toEqual(['stored']);
      nurse.cut();
    } finally {
      await server.stop();
    }
  });
});
