import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { bodies, inboxOf, NS_INBOX, question, say } from './inbox-support.ts';
import { condition, errorType, LAB, loginOn, messagesUntilNow } from './support.ts';

/** mod_inbox: conversations of users, each with its last message and how many are unread. */

const USERS = Array.from({ length: 120 }, (_, i) => `u${i}`);

function toml(backend: string): string {
  return `
[modules.mod_presence]
[modules.mod_disco]
[modules.mod_offline]
[modules.mod_carboncopy]
[modules.mod_stanzaid]
[modules.mod_privacy]
[modules.mod_blocking]
[modules.mod_inbox]
  backend = "${backend}"
${LAB}`;
}

describe.each(['rdbms', 'rdbms_async'])('an inbox (%s)', (backend) => {
  let server: TestServer;
  let next = 0;
  const clients: TestClient[] = [];

  /** Two users who have not met, on two shards. */
  async function pair(): Promise<[TestClient, TestClient]> {
    const one = await TestClient.login(server.port(), `u${next++}@localhost/one`);
    const two = await loginOn(server, `u${next++}@localhost/two`, 'other', one);
    clients.push(one, two);
    return [one, two];
  }

  beforeAll(async () => {
    server = await TestServer.start({ shards: 2, users: USERS, toml: toml(backend) });
  });

  afterAll(async () => {
    for (const client of clients) client.cut();
    await server.stop();
  });

  it('is announced by the server, and is empty at first', async () => {
    const [one] = await pair();
    const info = 'http://jabber.org/protocol/disco#info';
    const answer = await one.iq('get', 'localhost', `<query xmlns='${info}'/>`);
    const features = answer.child('query', info)!.elements();
    expect(features.map((feature) => feature.attribute('var'))).toContain(NS_INBOX);
    expect(await inboxOf(one)).toEqual({
      shown: [],
      count: 0,
      unread: 0,
      active: 0,
      first: undefined,
      last: undefined,
    });
  });

  it('shows both sides the last message, and counts what the recipient has not read', async () => {
    const [one, two] = await pair();
    await say(one, two, 'first');
    await say(one, two, 'second');
    expect(await bodies(one)).toEqual(['second 0']);
    expect(await bodies(two)).toEqual(['second 2']);
    const { shown, count, unread, active } = await inboxOf(two);
    expect(shown[0]).toMatchObject({
      from: one.jid,
      to: two.jid.split('/')[0],
      box: 'inbox',
      archive: 'false',
      mute: '0',
    });
    expect(shown[0]!.stamp).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect([count, unread, active]).toEqual([1, 2, 1]);
    // Whoever answers has read.
    await say(two, one, 'third');
    expect(await bodies(two)).toEqual(['third 0']);
    expect(await bodies(one)).toEqual(['third 1']);
  });

  it('answers with the id of the query, or of the request without one', async () => {
    const [one, two] = await pair();
    await say(one, two, 'hello');
    expect(await bodies(one)).toEqual(['hello 0']);
    expect((await inboxOf(one, question({}, '', "queryid='b&amp;6'"))).shown[0]!.queryId).toBe('b&6');
    expect((await inboxOf(one)).shown[0]!.queryId).toMatch(/^inbox\d+$/);
  });

  it('keeps the message as it was: attributes, extensions, odd characters', async () => {
    const [one, two] = await pair();
    const text = `<a href="x">&'</a> 😀 __proto__`;
    const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    await say(
      one,
      two,
      escaped,
      "<active xmlns='http://jabber.org/protocol/chatstates'/><q:z xmlns:q='u:q' q:a='1'/>",
    );
    expect(await bodies(two)).toEqual([`${text} 1`]);
    const { message } = (await inboxOf(two)).shown[0]!;
    expect(message.child('active', 'http://jabber.org/protocol/chatstates')).toBeDefined();
    expect(message.child('z', 'u:q')?.attribute('{u:q}a')).toBe('1');
    expect(message.attribute('type')).toBe('chat');
  });

  it.each([
    ['no type', '', '<body>counts</body>', true],
    ['normal', "type='normal'", '<body>counts</body>', true],
    ['an empty body', "type='chat'", '<body/>', true],
    ['the hint store', "type='chat'", "<store xmlns='urn:xmpp:hints'/>", true],
    ['headline', "type='headline'", '<body>no</body>', false],
    ['no body', "type='chat'", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", false],
    ['the hint no-store', "type='chat'", "<body>no</body><no-store xmlns='urn:xmpp:hints'/>", false],
    ['both hints', "type='chat'", "<store xmlns='urn:xmpp:hints'/><no-store xmlns='urn:xmpp:hints'/>", false],
    ['another hint', "type='chat'", "<body>counts</body><no-copy xmlns='urn:xmpp:hints'/>", true],
    ['the word of a hint', "type='chat'", '<body>no-store delay result sent</body>', true],
    [
      'a delay',
      "type='chat'",
      "<body>no</body><delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25Z'/>",
      false,
    ],
    ['a result', "type='chat'", "<body>no</body><result xmlns='urn:xmpp:mam:2'/>", false],
    [
      'a copy that is none',
      "type='chat'",
      "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body>no</body></message></forwarded></received>",
      false,
    ],
    [
      'a forwarded body',
      "type='chat'",
      "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body>no</body></message></forwarded>",
      false,
    ],
    ['a prefix', "type='chat'", "<c:body xmlns:c='jabber:client'>counts</c:body>", true],
    ['a body of another namespace', "type='chat'", "<body xmlns='u:other'>no</body>", false],
  ])('counts what is a message: %s', async (_name, attributes, content, isCounted) => {
    const [one, two] = await pair();
    const bare = two.jid.split('/')[0];
    one.send(`<message ${attributes} id='it' to='${bare}'>${content}</message>`);
    await two.until((element) => element.attribute('id') === 'it');
    await say(one, two, 'fence');
    expect(await bodies(two)).toEqual([`fence ${isCounted ? 2 : 1}`]);
  });

  it('does not count copies, nor what own resources get', async () => {
    const [one, two] = await pair();
    const [bare = ''] = two.jid.split('/');
    const other = await loginOn(server, `${bare}/other`, 'same', one);
    clients.push(other);
    for (const client of [two, other]) await client.iq('set', bare, "<enable xmlns='urn:xmpp:carbons:2'/>");
    one.send(`<message type='chat' id='a' to='${two.jid}'><body>hello</body></message>`);
    await two.until(({ name }) => name === 'message');
    const copy = await other.until(({ name }) => name === 'message');
    expect(copy.child('received', 'urn:xmpp:carbons:2')).toBeDefined();
    expect(await bodies(two)).toEqual(['hello 1']);
    expect(await bodies(other)).toEqual(['hello 1']);
    // What one of them answers makes it read for all.
    other.send(`<message type='chat' id='b' to='${one.jid}'><body>hi</body></message>`);
    await one.until(({ name }) => name === 'message');
    await two.until(({ name }) => name === 'message');
    expect(await bodies(two)).toEqual(['hi 0']);
    expect((await inboxOf(two)).shown[0]!.from).toBe(other.jid);
  });

  it('has a conversation with oneself, in which everything is read', async () => {
    const [one] = await pair();
    const [bare = ''] = one.jid.split('/');
    one.send(`<message type='chat' id='self' to='${bare}'><body>note</body></message>`);
    await one.until(({ name }) => name === 'message');
    expect(await bodies(one)).toEqual(['note 0']);
  });

  it('has what came while its user was away', async () => {
    const [one, two] = await pair();
    await two.close();
    const [bare = ''] = two.jid.split('/');
    for (const text of ['one', 'two']) {
      one.send(`<message type='chat' to='${bare}'><body>${text}</body></message>`);
    }
    await one.nothingElse();
    expect(await bodies(one)).toEqual(['two 0']);
    const back = await TestClient.login(server.port(), two.jid);
    clients.push(back);
    // The delivery of what was stored is no second message.
    expect((await messagesUntilNow(back)).length).toBe(2);
    expect(await bodies(back)).toEqual(['two 2']);
    await say(back, one, 'answer');
    expect(await bodies(back)).toEqual(['answer 0']);
  });

  it('of nobody is not kept; the sender has the conversation', async () => {
    const [one] = await pair();
    one.send(`<message type='chat' id='x' to='nobody@localhost'><body>hello?</body></message>`);
    const error = await one.until(({ name }) => name === 'message');
    expect(condition(error)).toBe('service-unavailable');
    expect(await bodies(one)).toEqual(['hello? 0']);
    expect((await inboxOf(one)).shown[0]!.to).toBe('nobody@localhost');
  });

  it('has nothing of those whom its user has blocked, whether or not he is there', async () => {
    const [one, two] = await pair();
    const [bare = ''] = two.jid.split('/');
    const item = `<item jid='${one.jid.split('/')[0]}'/>`;
    await two.iq('set', undefined, `<block xmlns='urn:xmpp:blocking'>${item}</block>`);
    const refused = async (): Promise<void> => {
      one.send(`<message type='chat' id='b' to='${bare}'><body>let me in</body></message>`);
      const error = await one.until((element) => element.attribute('id') === 'b');
      expect(condition(error)).toBe('service-unavailable');
    };
    await refused();
    expect(await bodies(two)).toEqual([]);
    expect(await bodies(one)).toEqual(['let me in 0']);
    await two.close();
    await refused();
    const back = await TestClient.login(server.port(), two.jid);
    clients.push(back);
    expect(await messagesUntilNow(back)).toEqual([]);
    expect(await bodies(back)).toEqual([]);
    await back.iq('set', undefined, `<unblock xmlns='urn:xmpp:blocking'>${item}</unblock>`);
    await say(one, back, 'thanks');
    expect(await bodies(back)).toEqual(['thanks 1']);
  });

  it('has the conversations in the order of their last messages', async () => {
    const [one, two] = await pair();
    const [three] = await pair();
    await say(two, one, 'a');
    await say(three, one, 'b');
    expect(await bodies(one)).toEqual(['b 1', 'a 1']);
    await say(one, two, 'c');
    expect(await bodies(one)).toEqual(['c 0', 'b 1']);
    const { count, unread, active } = await inboxOf(one);
    expect([count, unread, active]).toEqual([2, 1, 1]);
    const unreadOnly = await inboxOf(one, question({ hidden_read: 'true' }));
    expect(unreadOnly.shown.map(({ body }) => body)).toEqual(['b']);
    expect([unreadOnly.count, unreadOnly.active]).toEqual([1, 1]);
    expect(await bodies(one, question({ order: 'asc' }))).toEqual(['b 1', 'c 0']);
  });

  it('has read what a marker or an answer follows at once, from another shard', async () => {
    const [one, two] = await pair();
    const to = one.jid.split('/')[0]!;
    const marker = "<displayed xmlns='urn:xmpp:chat-markers:0' id=";
    for (let round = 0; round < 10; round++) {
      const asked = await say(one, two, `marked ${round}`);
      two.send(`<message type='chat' to='${to}'>${marker}'${asked.attribute('id')}'/></message>`);
      expect(await bodies(two)).toEqual([`marked ${round} 0`]);
      await say(one, two, `answered ${round}`);
      two.send(`<message type='chat' to='${to}'><body>answer ${round}</body></message>`);
      expect(await bodies(two)).toEqual([`answer ${round} 0`]);
    }
  });

  it('is shown to nobody else, alike for accounts that there are and are not (T68)', async () => {
    const [one, two] = await pair();
    for (const to of [two.jid.split('/')[0]!, 'nobody@localhost']) {
      for (const payload of [question(), `<empty-bin xmlns='${NS_INBOX}'/>`]) {
        const answer = await one.iq('set', to, payload);
        expect([condition(answer), errorType(answer)]).toEqual(['forbidden', 'auth']);
      }
      const answer = await one.iq('get', to, `<query xmlns='${NS_INBOX}#conversation' jid='a@b'/>`);
      expect(condition(answer)).toBe('forbidden');
    }
  });
});
