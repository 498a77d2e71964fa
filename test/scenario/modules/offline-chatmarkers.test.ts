import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { fixture, LAB, loginOn, messagesUntilNow, nobodyThere } from './support.ts';

/** mod_offline_chatmarkers: the last chat markers come to users who were absent. */

const MARKERS = 'urn:xmpp:chat-markers:0';
const MODULES = `
[modules.mod_presence]
[modules.mod_stream_management]
  resume_timeout = 1
[modules.mod_offline]
  store_groupchat_messages = true
[modules.mod_smart_markers]
[modules.mod_offline_chatmarkers]
  store_groupchat_messages = true
${fixture('mod_play_rooms', 'mod-play-rooms.ts')}
${LAB}`;

const USERS = ['romeo', 'juliet', 'nurse', 'paris', 'tybalt', 'benvolio', 'rosaline', 'escalus'];

function send(client: TestClient, to: string, kind: string, id: string, more = '', type = 'chat'): void {
  client.send(`<message type='${type}' to='${to}'>${more}<${kind} xmlns='${MARKERS}' id='${id}'/></message>`);
}

/** Sender, thread, kind and id of a marker. */
function brief(message: Element): string {
  const marker = message.childOf(MARKERS);
  const thread = message.childText('thread') ?? '';
  return `${message.attribute('from')} [${thread}] ${marker?.name} ${marker?.attribute('id')}`;
}

describe('chat markers for absent users', () => {
  let server: TestServer;
  let romeo: TestClient;
  const run = (...args: string[]) => meerkat(['--config', server.configFile, ...args]);

  async function comes(user: string): Promise<TestClient> {
    return await loginOn(server, `${user}@localhost/x`, 'other', romeo);
  }

  async function goes(client: TestClient): Promise<void> {
    await client.close();
    await nobodyThere(romeo, client.jid.split('/')[0]!);
  }

  beforeAll(async () => {
    server = await TestServer.start({ shards: 2, users: USERS, toml: MODULES });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  });

  afterAll(() => server.stop());

  it('are the last of each kind and thread, of all that were sent, and come once', async () => {
    for (const id of ['a', 'b', 'c']) send(romeo, 'juliet@localhost', 'displayed', id);
    send(romeo, 'juliet@localhost/gone', 'received', 'd');
    for (const id of ['e', 'f']) {
      send(romeo, 'juliet@localhost', 'displayed', id, '<thread>t&amp;1</thread>');
    }
    await romeo.nothingElse();
    const juliet = await comes('juliet');
    const messages = await messagesUntilNow(juliet);
    expect(messages.map(brief).sort()).toEqual([
      'romeo@localhost [] displayed c',
      'romeo@localhost [] received d',
      'romeo@localhost [t&1] displayed f',
    ]);
    for (const message of messages) {
      expect(message.attribute('to')).toBe('juliet@localhost');
      expect(message.attribute('type')).toBeUndefined();
      expect(message.childText('body')).toBeUndefined();
    }
    await goes(juliet);
    const again = await comes('juliet');
    expect(await messagesUntilNow(again)).toEqual([]);
    // Who is there gets them as they are sent.
    send(romeo, 'juliet@localhost', 'displayed', 'live');
    expect(brief(await again.message())).toBe('romeo@localhost/orchard [] displayed live');
    await goes(again);
    expect(await messagesUntilNow(await comes('juliet'))).toEqual([]);
  });

  it('of several senders come from each of them, behind messages, and only those since the user left', async () => {
    const nurse = await comes('nurse');
    send(romeo, 'nurse@localhost', 'displayed', 'seen');
    await nurse.message();
    await goes(nurse);
    const tybalt = await comes('tybalt');
    send(tybalt, 'nurse@localhost', 'displayed', 'x');
    await tybalt.nothingElse();
    romeo.send("<message to='nurse@localhost' type='chat'><body>Good nurse</body></message>");
    await romeo.nothingElse();
    const back = await comes('nurse');
    const [first, second, ...rest] = await messagesUntilNow(back);
    expect(first!.childText('body')).toBe('Good nurse');
    // What Romeo had marked before was seen.
    expect(brief(second!)).toBe('tybalt@localhost [] displayed x');
    expect(rest).toEqual([]);
    await back.close();
    await tybalt.close();
  });

  it('with a body beside them come as messages', async () => {
    send(romeo, 'paris@localhost', 'displayed', 'p', '<body>Have at thee</body>');
    await romeo.nothingElse();
    const paris = await comes('paris');
    const [message, ...rest] = await messagesUntilNow(paris);
    expect([message!.childText('body'), brief(message!)]).toEqual([
      'Have at thee',
      'romeo@localhost/orchard [] displayed p',
    ]);
    expect(rest).toEqual([]);
    await paris.close();
  });

  it('of accounts that there are not are answered as always', async () => {
    send(romeo, 'nobody@localhost', 'displayed', 'n');
    expect((await romeo.message()).attribute('type')).toBe('error');
  });

  it('in rooms come from the room, without the own ones', async () => {
    const room = 'romeo.benvolio.rosaline@light.localhost';
    const rosaline = await comes('rosaline');
    send(romeo, room, 'displayed', 'r1', '', 'groupchat');
    send(romeo, room, 'displayed', 'r2', '', 'groupchat');
    send(rosaline, room, 'received', 'r3', '<thread>t</thread>', 'groupchat');
    await romeo.nothingElse().catch(() => {});
    await messagesUntilNow(rosaline);
    const benvolio = await comes('benvolio');
    const messages = await messagesUntilNow(benvolio);
    expect(messages.map(brief).sort()).toEqual([
      `${room}/romeo@localhost [] displayed r2`,
      `${room}/rosaline@localhost [t] received r3`,
    ]);
    expect(messages.map((message) => message.attribute('type'))).toEqual(['groupchat', 'groupchat']);
    await benvolio.close();
    await rosaline.close();
  });

  it('wait for a session that takes messages, and come again if its client is lost before it has them', async () => {
    send(romeo, 'escalus@localhost', 'displayed', 'e');
    await romeo.nothingElse();
    const shy = await loginOn(server, 'escalus@localhost/shy', 'other', romeo, { priority: -1 });
    expect(await messagesUntilNow(shy)).toEqual([]);
    shy.send('<presence><priority>1</priority></presence>');
    expect(brief(await shy.message())).toBe('romeo@localhost [] displayed e');
    await goes(shy);
    send(romeo, 'escalus@localhost', 'displayed', 'e2');
    await romeo.nothingElse();
    // A client that acknowledges, and does not.
    const careful = await loginOn(server, 'escalus@localhost/careful', 'other', romeo, {
      isAvailable: false,
    });
    careful.send("<enable xmlns='urn:xmpp:sm:3'/>");
    await careful.until(({ name }) => name === 'enabled');
    careful.send('<presence/>');
    expect(brief(await careful.message())).toBe('romeo@localhost [] displayed e2');
    careful.cut();
    await nobodyThere(romeo, 'escalus@localhost');
    const back = await comes('escalus');
    expect((await messagesUntilNow(back)).map(brief)).toEqual(['romeo@localhost [] displayed e2']);
    await back.close();
  });

  it('outlive the server; are exported; and go with the account', async () => {
    await nobodyThere(romeo, 'tybalt@localhost');
    send(romeo, 'tybalt@localhost', 'displayed', 't', '<thread>x</thread>');
    const table = async (): Promise<string[][]> => {
      const { stdout } = await run('user', 'export', 'tybalt@localhost', '--json');
      const { tables } = JSON.parse(stdout) as { tables: { name: string; rows: string[][] }[] };
      return tables.find(({ name }) => name === 'offline_chatmarkers')!.rows;
    };
    while ((await table()).length === 0);
    await server.kill();
    await server.launch();
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    expect(await table()).toEqual([['x', '', expect.stringMatching(/^20\d\d-/)]]);
    const tybalt = await comes('tybalt');
    expect((await messagesUntilNow(tybalt)).map(brief)).toEqual(['romeo@localhost [x] displayed t']);
    await goes(tybalt);
    send(romeo, 'tybalt@localhost', 'displayed', 't2');
    await romeo.nothingElse();
    expect((await run('user', 'delete', 'tybalt@localhost')).status).toBe(0);
    expect((await run('user', 'add', 'tybalt@localhost', 'secret')).status).toBe(0);
    expect(await table()).toEqual([]);
    expect(await messagesUntilNow(await comes('tybalt'))).toEqual([]);
    expect((await run('domain', 'remove-data', 'localhost', '--yes')).status).toBe(0);
  });
});

describe('mod_offline_chatmarkers', () => {
  it('needs mod_smart_markers', async () => {
    const toml = '[modules.mod_presence]\n[modules.mod_offline_chatmarkers]\n';
    await expect(TestServer.start({ toml })).rejects.toThrow(/mod_smart_markers/);
  });
});
