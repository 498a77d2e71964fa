import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, errorType, fixture, LAB, loginOn, messagesUntilNow, presence } from './support.ts';

/** mod_privacy (XEP-0016): lists, what they do to every kind of stanza, and all errors. */

const NS = 'jabber:iq:privacy';
const contact = (name: string, subscription: string, group: string): string => `
    { user = "juliet@localhost", contact = "${name}@localhost", subscription = "${subscription}", groups = ["${group}"] },
    { user = "${name}@localhost", contact = "juliet@localhost", subscription = "both" },`;
const ROSTER = fixture(
  'mod_roster',
  'mod-roster-groups.ts',
  `entries = [${contact('romeo', 'both', 'Friends')}${contact('tybalt', 'from', 'Enemies')}${contact('nurse', 'to', 'Friends')}]`,
);
const MODULES = `[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_disco]\n[modules.mod_time]
[modules.mod_privacy]\n${ROSTER}\n${LAB}`;

describe.each([1, 2])('privacy lists on %i shards', (shards) => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;
  const open: TestClient[] = [];
  let count = 0;

  beforeAll(async () => {
    const users = ['romeo', 'juliet', 'nurse', 'tybalt', 'paris', 'gone'];
    server = await TestServer.start({ shards, users, toml: MODULES });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet =
      shards === 1
        ? await TestClient.login(server.port(), 'juliet@localhost/balcony')
        : await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    await settle();
  });

  afterAll(() => server.stop());

  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()));
    for (const payload of ['<active/>', '<default/>']) {
      expect((await set(payload)).attribute('type')).toBe('result');
    }
    const { lists } = await names();
    for (const name of lists) {
      await set(`<list name='${name.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}'/>`);
    }
    await settle();
  });

  async function login(jid: string): Promise<TestClient> {
    const client = await TestClient.login(server.port(), jid, { isAvailable: false });
    open.push(client);
    client.send('<presence/>');
    await client.until((e) => e.attribute('from') === jid);
    await messagesUntilNow(client);
    return client;
  }

  async function settle(): Promise<void> {
    for (let round = 0; round < 2; round++) for (const one of [romeo, juliet]) await messagesUntilNow(one);
  }

  const query = (inside: string): string => `<query xmlns='${NS}'>${inside}</query>`;
  const set = (inside: string, client = juliet): Promise<Element> =>
    client.iq('set', undefined, query(inside));
  const get = (inside: string, client = juliet): Promise<Element> =>
    client.iq('get', undefined, query(inside));

  /** Makes a list and puts it into force in the session. */
  async function apply(items: string, client = juliet): Promise<void> {
    const name = `list${++count}`;
    expect((await set(`<list name='${name}'>${items}</list>`, client)).attribute('type')).toBe('result');
    expect((await set(`<active name='${name}'/>`, client)).attribute('type')).toBe('result');
    await settle();
  }

  async function names(client = juliet): Promise<{ active?: string; default?: string; lists: string[] }> {
    const children = (await get('', client)).child('query', NS)!.elements();
    const of = (element: string): string[] =>
      children.filter((e) => e.name === element).map((e) => e.attribute('name')!);
    const [active] = of('active');
    const [standard] = of('default');
    return {
      ...(active === undefined ? {} : { active }),
      ...(standard === undefined ? {} : { default: standard }),
      lists: of('list'),
    };
  }

  const message = (to = 'juliet@localhost/balcony', type = 'chat'): string =>
    `<message to='${to}' type='${type}' id='m${++count}'><body>Hello?</body></message>`;

  function sendMarked(client: TestClient, stanza: string): string {
    const id = `p${++count}`;
    client.send(stanza.replace(/ id='[^']*'/, '').replace(/^<(\w+)/, `<$1 id='${id}'`));
    return id;
  }

  /** What a client sends comes to Juliet. */
  async function arrives(client: TestClient, stanza: string): Promise<void> {
    const id = sendMarked(client, stanza);
    await juliet.until((e) => e.attribute('id') === id);
  }

  /** What a client sends does not come to Juliet. */
  async function vanishes(client: TestClient, stanza: string): Promise<void> {
    const id = sendMarked(client, stanza);
    for (let round = 0; round < 2; round++) {
      await messagesUntilNow(client);
      const mark = `mark${++count}`;
      juliet.send(`<iq type='get' id='${mark}'><nothing xmlns='urn:test:nothing'/></iq>`);
      const element = await juliet.until((e) => [mark, id].includes(e.attribute('id') ?? ''));
      expect(element.attribute('id')).toBe(mark);
    }
  }

  const DENY = "<item action='deny' order='1'/>";

  it('are kept, listed, shown as they were set, replaced and removed', async () => {
    expect(await names()).toEqual({ lists: [] });
    const items =
      "<item type='jid' value='tybalt@localhost' action='deny' order='3'/>" +
      "<item type='group' value='Friends' action='allow' order='1'><message/><iq/></item>" +
      "<item type='subscription' value='both' action='deny' order='4294967295'><presence-in/><presence-out/></item>" +
      "<item action='allow' order='68'/>";
    expect((await set(`<list name='a &amp; &lt;b'>${items}</list>`)).attribute('type')).toBe('result');
    await set(`<list name='__proto__'>${DENY}</list>`);
    expect(await names()).toEqual({ lists: ['__proto__', 'a & <b'] });
    const list = (await get("<list name='a &amp; &lt;b'/>")).child('query', NS)!.child('list')!;
    expect(list.attribute('name')).toBe('a & <b');
    expect(
      list.elements().map((e) => [
        e.attribute('type'),
        e.attribute('value'),
        e.attribute('action'),
        e.attribute('order'),
        e
          .elements()
          .map(({ name }) => name)
          .join(' '),
      ]),
    ).toEqual([
      ['group', 'Friends', 'allow', '1', 'message iq'],
      ['jid', 'tybalt@localhost', 'deny', '3', ''],
      [undefined, undefined, 'allow', '68', ''],
      ['subscription', 'both', 'deny', '4294967295', 'presence-in presence-out'],
    ]);
    await set(`<list name='__proto__'><item action='allow' order='0'/></list>`);
    const replaced = (await get("<list name='__proto__'/>")).child('query', NS)!.child('list')!;
    expect(replaced.elements().map((e) => e.attribute('action'))).toEqual(['allow']);
    expect((await set("<list name='__proto__'/>")).attribute('type')).toBe('result');
    expect(await names()).toEqual({ lists: ['a & <b'] });
  });

  it.each([
    ['two lists', "<list name='a'/><list name='b'/>", 'bad-request'],
    ['a list without name', '<list/>', 'bad-request'],
    ['an empty name', "<list name=''/>", 'bad-request'],
    ['an unknown list', "<list name='none'/>", 'item-not-found'],
    ['something else', "<active name='a'/>", 'bad-request'],
    ['a list of another namespace', "<list xmlns='x' name='a'/>", 'bad-request'],
  ])('are not given for %s', async (_what, inside, expected) => {
    expect(condition(await get(inside))).toBe(expected);
  });

  const item = (attributes: string, inside = ''): string =>
    `<list name='x'><item ${attributes}>${inside}</item></list>`;

  it.each([
    ['nothing', '', 'bad-request'],
    ['two things', "<active/><list name='x'/>", 'bad-request'],
    ['two lists', `<list name='x'>${DENY}</list><list name='y'>${DENY}</list>`, 'bad-request'],
    ['an unknown thing', '<inactive/>', 'bad-request'],
    ['a list without name', `<list>${DENY}</list>`, 'bad-request'],
    ['a name that is too long', `<list name='${'x'.repeat(1_024)}'>${DENY}</list>`, 'not-acceptable'],
    ['a list to remove that does not exist', "<list name='none'/>", 'item-not-found'],
    ['an unknown active list', "<active name='none'/>", 'item-not-found'],
    ['an active list with an empty name', "<active name=''/>", 'bad-request'],
    ['an unknown default list', "<default name='none'/>", 'item-not-found'],
    ['something else than an item', "<list name='x'><thing action='deny' order='1'/></list>", 'bad-request'],
    ['no action', item("order='1'"), 'bad-request'],
    ['an unknown action', item("action='block' order='1'"), 'bad-request'],
    ['no order', item("action='deny'"), 'bad-request'],
    ['a negative order', item("action='deny' order='-1'"), 'bad-request'],
    ['an order that is too large', item("action='deny' order='4294967296'"), 'bad-request'],
    ['an order that is none', item("action='deny' order='1e3'"), 'bad-request'],
    ['one order twice', `<list name='x'>${DENY}<item action='allow' order='01'/></list>`, 'bad-request'],
    ['a type without value', item("type='jid' action='deny' order='1'"), 'bad-request'],
    ['a value without type', item("value='a@b' action='deny' order='1'"), 'bad-request'],
    ['an unknown type', item("type='constructor' value='x' action='deny' order='1'"), 'bad-request'],
    ['no address', item("type='jid' value='@' action='deny' order='1'"), 'bad-request'],
    [
      'an unknown subscription',
      item("type='subscription' value='remove' action='deny' order='1'"),
      'bad-request',
    ],
    ['an unknown group', item("type='group' value='Nobody' action='deny' order='1'"), 'item-not-found'],
    [
      'a group with a long name',
      item(`type='group' value='${'x'.repeat(1_024)}' action='deny' order='1'`),
      'not-acceptable',
    ],
    ['an unknown kind of stanza', item("action='deny' order='1'", '<presence/>'), 'bad-request'],
    [
      'more items than a list may have',
      `<list name='x'>${Array.from({ length: 1_001 }, (_unused, i) => `<item action='deny' order='${i}'/>`).join('')}</list>`,
      'resource-constraint',
    ],
  ])('are not set by a request with %s', async (_what, inside, expected) => {
    expect(condition(await set(inside))).toBe(expected);
    expect((await names()).lists).toEqual([]);
  });

  it('are 64 of one user at most; those that there are can be changed', async () => {
    for (let i = 0; i < 64; i++) {
      juliet.send(`<iq type='set' id='n${i}'>${query(`<list name='n${i}'>${DENY}</list>`)}</iq>`);
    }
    await juliet.until((e) => e.attribute('id') === 'n63' && e.attribute('type') === 'result');
    expect(condition(await set(`<list name='more'>${DENY}</list>`))).toBe('resource-constraint');
    expect((await set(`<list name='n7'>${DENY}</list>`)).attribute('type')).toBe('result');
    expect((await names()).lists).toHaveLength(64);
  });

  it('are asked for without an address; with one it is a request like any other', async () => {
    expect(condition(await juliet.iq('get', 'juliet@localhost', query('')))).toBe('service-unavailable');
    expect(condition(await juliet.iq('get', 'localhost', query('')))).toBe('service-unavailable');
    expect(condition(await juliet.iq('get', undefined, `<other xmlns='${NS}'/>`))).toBe('bad-request');
  });

  it('are told to all resources by name when they change', async () => {
    const phone = await login('juliet@localhost/phone');
    juliet.send(`<iq type='set' id='s'>${query(`<list name='pushed'>${DENY}</list>`)}</iq>`);
    for (const client of [juliet, phone]) {
      const push = await client.until((e) => e.name === 'iq' && e.attribute('type') === 'set');
      expect(push.attribute('from')).toBe('juliet@localhost');
      const list = push.child('query', NS)!.elements();
      expect(list.map((e) => [e.name, e.attribute('name'), e.elements().length])).toEqual([
        ['list', 'pushed', 0],
      ]);
    }
    await juliet.until((e) => e.attribute('id') === 's');
  });

  it('are active in one session, or the default of all that have no active one', async () => {
    const phone = await login('juliet@localhost/phone');
    await set(`<list name='strict'>${DENY}</list>`);
    await arrives(romeo, message());
    await set("<active name='strict'/>");
    expect(await names()).toEqual({ active: 'strict', lists: ['strict'] });
    expect(await names(phone)).toEqual({ lists: ['strict'] });
    await vanishes(romeo, message());
    romeo.send(message('juliet@localhost/phone'));
    await phone.message();
    await set('<active/>');
    await arrives(romeo, message());
    await set("<default name='strict'/>");
    expect(await names()).toEqual({ default: 'strict', lists: ['strict'] });
    await vanishes(romeo, message());
    romeo.send(message('juliet@localhost/phone'));
    await messagesUntilNow(romeo);
    expect(await messagesUntilNow(phone)).toEqual([]);
    // A list that is active is instead of the default one.
    await set(`<list name='mild'><item action='allow' order='1'/></list>`);
    await set("<active name='mild'/>");
    await arrives(romeo, message());
    await phone.close();
  });

  it('may not be removed, or cease to be the default, while another resource uses them', async () => {
    const phone = await login('juliet@localhost/phone');
    await set(`<list name='a'>${DENY}</list>`);
    await set(`<list name='b'>${DENY}</list>`);
    await set("<active name='a'/>", phone);
    for (const inside of ["<list name='a'/>"]) {
      const error = await set(inside);
      expect(condition(error)).toBe('conflict');
      expect(errorType(error)).toBe('cancel');
    }
    await set('<active/>', phone);
    expect((await set("<default name='a'/>")).attribute('type')).toBe('result');
    for (const inside of ["<list name='a'/>", "<default name='b'/>", '<default/>']) {
      expect(condition(await set(inside))).toBe('conflict');
    }
    expect((await set("<default name='a'/>")).attribute('type')).toBe('result');
    // Its own active list keeps the other resource out of it.
    await set("<active name='b'/>", phone);
    expect((await set('<default/>')).attribute('type')).toBe('result');
    expect((await set("<list name='a'/>")).attribute('type')).toBe('result');
    expect(condition(await set("<list name='b'/>"))).toBe('conflict');
    await phone.close();
    expect((await set("<list name='b'/>")).attribute('type')).toBe('result');
  });

  it('take effect at once when a list in force is changed or removed, on every shard', async () => {
    const phone = await login('juliet@localhost/phone');
    await set(`<list name='a'>${DENY}</list>`, phone);
    await set("<active name='a'/>");
    await vanishes(romeo, message());
    await set(`<list name='a'><item action='allow' order='1'/></list>`, phone);
    await arrives(romeo, message());
    await set(`<list name='a'>${DENY}</list>`, phone);
    await vanishes(romeo, message());
    await set("<list name='a'/>");
    expect(await names()).toEqual({ lists: [] });
    await arrives(romeo, message());
  });

  const one = (type: string, value: string, inside = ''): string =>
    `<item type='${type}' value='${value}' action='deny' order='1'>${inside}</item>`;

  it.each([
    ['jid', 'romeo@localhost'],
    ['jid', 'romeo@localhost/orchard'],
    ['jid', 'localhost'],
    ['jid', 'localhost/orchard'],
    ['group', 'Friends'],
    ['subscription', 'both'],
  ])('keep messages away by %s %s, and no one else', async (type, value) => {
    const paris = await login('paris@localhost/hall');
    await apply(one(type, value, '<message/>'));
    romeo.send(message());
    expect(condition(await romeo.message())).toBe('service-unavailable');
    await (value === 'localhost' ? vanishes : arrives)(paris, message());
    await juliet.nothingElse();
    // Nothing else: other stanzas, and what the user sends.
    await arrives(romeo, "<presence to='juliet@localhost/balcony'/>");
    await arrives(romeo, "<iq to='juliet@localhost/balcony' type='get'><q xmlns='x'/></iq>");
    await arrives(romeo, message('juliet@localhost/balcony', 'error'));
    juliet.send(message('romeo@localhost/orchard'));
    expect((await romeo.message()).attribute('type')).toBe('chat');
  });

  it.each([
    ['none', 'paris'],
    ['to', 'nurse'],
    ['from', 'tybalt'],
    ['both', 'romeo'],
  ])('tell contacts by the subscription %s: %s', async (subscription, name) => {
    const allow = `<item type='subscription' value='${subscription}' action='allow' order='1'/>`;
    await apply(`${allow}<item action='deny' order='2'/>`);
    for (const user of ['paris', 'nurse', 'tybalt']) {
      const client = await login(`${user}@localhost/hall`);
      await (user === name ? arrives : vanishes)(client, message());
    }
    await (name === 'romeo' ? arrives : vanishes)(romeo, message());
  });

  it('are gone through in order, and the first that matches decides', async () => {
    await apply(
      `<item type='group' value='Friends' action='deny' order='3'><message/></item>
       <item type='jid' value='romeo@localhost' action='allow' order='2'/>
       <item type='jid' value='localhost' action='deny' order='4'/>
       <item type='jid' value='romeo@localhost/orchard' action='deny' order='1'><iq/></item>`,
    );
    await arrives(romeo, message());
    const other = await romeo.iq('get', 'juliet@localhost/balcony', "<q xmlns='x'/>");
    expect(condition(other)).toBe('service-unavailable');
    const nurse = await login('nurse@localhost/room');
    await vanishes(nurse, message());
    await apply(
      `<item type='group' value='Friends' action='allow' order='1'><message/></item>
       <item type='jid' value='romeo@localhost' action='deny' order='2'/>`,
    );
    await arrives(romeo, message());
    await vanishes(romeo, "<presence to='juliet@localhost/balcony'/>");
  });

  it('keep requests away, and answers without a word', async () => {
    await apply("<item action='deny' order='1'><iq/></item>");
    const request = await romeo.iq('get', 'juliet@localhost/balcony', "<time xmlns='urn:xmpp:time'/>");
    expect(condition(request)).toBe('service-unavailable');
    romeo.send("<iq type='result' id='late' to='juliet@localhost/balcony'/>");
    await arrives(romeo, message());
    await romeo.nothingElse();
    const own = await juliet.iq('get', 'localhost', "<time xmlns='urn:xmpp:time'/>");
    expect(own.attribute('type')).toBe('result');
  });

  it('keep presence away that comes, and subscriptions only where all is denied', async () => {
    await apply(one('jid', 'romeo@localhost', '<presence-in/>'));
    await vanishes(romeo, "<presence to='juliet@localhost/balcony'/>");
    await vanishes(romeo, "<presence to='juliet@localhost'/>");
    await vanishes(romeo, "<presence to='juliet@localhost/balcony' type='unavailable'/>");
    await arrives(romeo, message());
    romeo.send("<presence to='juliet@localhost' type='subscribe'/>");
    expect((await presence(juliet)).attribute('type')).toBe('subscribe');
    await set(`<list name='all'>${one('jid', 'romeo@localhost')}</list>`);
    await set("<active name='all'/>");
    expect((await presence(romeo)).attribute('type')).toBe('unavailable');
    romeo.send("<presence to='juliet@localhost' type='subscribe'/>");
    await romeo.nothingElse();
    await juliet.nothingElse();
  });

  it('keep presence away that goes out: contacts are told that the user is unavailable, and of nothing after that', async () => {
    await apply(one('jid', 'nobody@localhost'));
    await set(`<list name='out'>${one('group', 'Friends', '<presence-out/>')}</list>`);
    await set("<active name='out'/>");
    expect((await presence(romeo)).attribute('type')).toBe('unavailable');
    juliet.send('<presence><show>away</show></presence>');
    await juliet.until((e) => e.childText('show') === 'away');
    await romeo.nothingElse();
    romeo.send("<presence type='probe' to='juliet@localhost'/>");
    romeo.send("<presence type='probe' to='juliet@localhost/balcony'/>");
    await romeo.nothingElse();
    await juliet.nothingElse();
    juliet.send("<presence to='romeo@localhost/orchard'/>");
    const error = await juliet.until((e) => e.attribute('type') === 'error');
    expect(condition(error)).toBe('not-acceptable');
    expect(error.child('error')!.child('blocked', 'urn:xmpp:blocking:errors')).toBeUndefined();
    juliet.send(message('romeo@localhost/orchard'));
    await romeo.message();
    // XEP-0126 §3: who wants to be seen again says so.
    await set('<active/>');
    await settle();
    await romeo.nothingElse();
    juliet.send('<presence><show>chat</show></presence>');
    expect((await presence(romeo)).childText('show')).toBe('chat');
  });

  it('tell contacts when a list in force is changed against them, and never the own resources', async () => {
    const phone = await login('juliet@localhost/phone');
    await apply(one('jid', 'nobody@localhost'));
    await messagesUntilNow(phone);
    const list = (await names()).active!;
    await set(`<list name='${list}'><item action='deny' order='1'><presence-out/></item></list>`, phone);
    expect((await presence(romeo)).attribute('from')).toBe('juliet@localhost/balcony');
    await messagesUntilNow(phone);
    juliet.send('<presence><show>xa</show></presence>');
    expect((await phone.until((e) => e.name === 'presence')).childText('show')).toBe('xa');
    await romeo.nothingElse();
    await set('<active/>');
    juliet.send('<presence/>');
    await presence(romeo);
  });

  it('make a user invisible who sets them before he becomes available', async () => {
    await set("<list name='invisible'><item action='deny' order='1'><presence-out/></item></list>");
    const phone = await TestClient.login(server.port(), 'juliet@localhost/phone', { isAvailable: false });
    open.push(phone);
    await set("<active name='invisible'/>", phone);
    phone.send('<presence/>');
    await phone.until((e) => e.attribute('from') === 'juliet@localhost/phone');
    await settle();
    await romeo.nothingElse();
    await phone.close();
    await settle();
    await romeo.nothingElse();
  });

  it('deny what a user sends only where all is denied, and then he is told', async () => {
    const paris = await login('paris@localhost/hall');
    await apply(one('jid', 'paris@localhost'));
    for (const stanza of [
      message('paris@localhost/hall'),
      "<iq to='paris@localhost/hall' type='get' id='o'><q xmlns='x'/></iq>",
    ]) {
      juliet.send(stanza);
      const error = await juliet.element();
      expect(condition(error)).toBe('not-acceptable');
      expect(errorType(error)).toBe('cancel');
      expect(error.child('error')!.child('blocked', 'urn:xmpp:blocking:errors')).toBeUndefined();
    }
    juliet.send("<iq to='paris@localhost/hall' type='result' id='late'/>");
    await juliet.nothingElse();
    await paris.nothingElse();
  });

  it('hold for the account by the default list, whether or not its user is there', async () => {
    const nurse = await login('nurse@localhost/room');
    await set(`<list name='d'>${one('jid', 'romeo@localhost')}</list>`, nurse);
    await set("<default name='d'/>", nurse);
    romeo.send("<presence to='nurse@localhost' type='subscribe'/>");
    const there = await romeo.iq(
      'get',
      'nurse@localhost',
      "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    );
    expect(condition(there)).toBe('service-unavailable');
    await nurse.nothingElse();
    await nurse.close();
    romeo.send(message('nurse@localhost'));
    expect(condition(await romeo.message())).toBe('service-unavailable');
    expect(server.log).not.toContain('"from":"romeo@localhost","msg":"a subscription came","nurse');
    const again = await login('nurse@localhost/room');
    expect(await names(again)).toEqual({ default: 'd', lists: ['d'] });
    await set('<default/>', again);
    await set("<list name='d'/>", again);
  });

  it('go with the account', async () => {
    const gone = await login('gone@localhost/desk');
    await set(`<list name='mine'>${one('jid', 'romeo@localhost')}</list>`, gone);
    await set("<default name='mine'/>", gone);
    romeo.send(message('gone@localhost'));
    expect(condition(await romeo.message())).toBe('service-unavailable');
    const rows = async (): Promise<string[][]> => {
      const answer = await romeo.iq(
        'get',
        'localhost',
        "<export xmlns='urn:test:lab'>gone@localhost</export>",
      );
      const tables = JSON.parse(answer.elements()[0]!.text()) as { name: string; rows: string[][] }[];
      return tables.find(({ name }) => name === 'privacy')!.rows;
    };
    expect(await rows()).toEqual([['mine', 'default', 'jid', 'romeo@localhost', 'deny', '1', '']]);
    await romeo.iq('set', 'localhost', "<remove xmlns='urn:test:lab'>gone@localhost</remove>");
    expect(await rows()).toEqual([]);
    expect(await names(gone)).toEqual({ lists: [] });
    romeo.send(message('gone@localhost/desk'));
    expect((await gone.message()).childText('body')).toBe('Hello?');
  });
});
