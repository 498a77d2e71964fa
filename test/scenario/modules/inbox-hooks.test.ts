import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { BACKENDS, bodies, inboxOf, NS_CONVERSATION, say, set } from './inbox-support.ts';
import { condition, fixture, LAB, loginOn } from './support.ts';

/** mod_inbox: what other modules ask of it, and what they change. */

const NS = 'urn:test:inbox';
const toml = (backend: string): string => `
[modules.mod_presence]
[modules.mod_inbox]
  backend = "${backend}"
${fixture('mod_inbox_spy', 'mod-inbox-spy.ts')}
${LAB}`;

describe.each(BACKENDS)('hooks of an inbox (%s)', (backend) => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;

  beforeAll(async () => {
    const users = ['romeo', 'juliet', 'nurse'];
    server = await TestServer.start({ shards: 2, users, toml: toml(backend) });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
  });

  afterAll(async () => {
    romeo.cut();
    juliet.cut();
    await server.stop();
  });

  it('tell how many messages of a contact are unread, unless somebody has said so already', async () => {
    const unread = async (from: string, attributes = ''): Promise<string | undefined> => {
      const answer = await juliet.iq(
        'get',
        'localhost',
        `<unread xmlns='${NS}' from='${from}' ${attributes}/>`,
      );
      expect(answer.attribute('type')).toBe('result');
      return answer.child('unread', NS)?.attribute('count');
    };
    expect(await unread('romeo@localhost/orchard')).toBeUndefined();
    await say(romeo, juliet, 'one');
    expect(await unread('romeo@localhost/orchard')).toBe('1');
    await say(romeo, juliet, 'two');
    expect(await unread('romeo@localhost')).toBe('2');
    expect(await unread('romeo@localhost', "known=''")).toBe('77');
    expect(await unread('nurse@localhost')).toBeUndefined();
    await set(juliet, 'romeo@localhost', '<read>true</read>');
    expect(await unread('romeo@localhost')).toBe('0');
  });

  it('change what is shown, in the list and of a single conversation', async () => {
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/x');
    await say(romeo, juliet, 'hide');
    await say(nurse, juliet, 'badge');
    const { shown, count } = await inboxOf(juliet);
    expect(shown.map(({ body }) => body)).toEqual(['badge']);
    // What is counted is what there is.
    expect(count).toBe(2);
    const badge = shown[0]!.message.child('badge', NS)!;
    expect(badge.attributes).toEqual(
      new Map([
        ['box', 'inbox'],
        ['unread', '1'],
        ['iq', 'inbox'],
      ]),
    );
    expect([shown[0]!.from, shown[0]!.to]).toEqual([nurse.jid, 'juliet@localhost']);
    const whole = (jid: string) =>
      juliet.iq('get', undefined, `<query xmlns='${NS_CONVERSATION}' jid='${jid}' complete='true'/>`);
    const query = (await whole('nurse@localhost')).child('query', NS_CONVERSATION)!;
    const message = query.child('forwarded', 'urn:xmpp:forward:0')!.child('message', 'jabber:client')!;
    expect(message.child('badge', NS)?.attribute('iq')).toBe('query');
    // One that is asked for must come back.
    expect(condition(await whole('romeo@localhost'))).toBe('internal-server-error');
    await nurse.close();
  });

  it('do nothing while a route is only explained', async () => {
    await say(romeo, juliet, 'before');
    const args = ['route', '--from', romeo.jid, '--to', 'juliet@localhost'];
    const done = await meerkat([
      '--config',
      server.configFile,
      ...args,
      "<message type='chat'><body>explained</body></message>",
    ]);
    expect(done.status).toBe(0);
    expect(done.stdout).toContain('mod_inbox');
    const [first] = await bodies(juliet);
    expect(first).toMatch(/^before /);
    expect(await bodies(romeo)).toContain('before 0');
  });
});
