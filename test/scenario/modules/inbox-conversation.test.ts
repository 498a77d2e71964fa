import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import {
  BACKENDS,
  bodies,
  errorText,
  inboxOf,
  NS_CONVERSATION,
  news,
  properties,
  question,
  say,
  say as sayAtOnce,
  set,
  told,
} from './inbox-support.ts';
import { condition, errorType, LAB, loginOn, messagesUntilNow } from './support.ts';

/** mod_inbox: single conversations: boxes, mute, read, and what makes them read. */

const modules = (backend: string): string => `
[modules.mod_presence]
[modules.mod_stanzaid]
[modules.mod_inbox]
  backend = "${backend}"
  boxes = ["travel"]
  reset_markers = ["displayed", "acknowledged"]
${LAB}`;

const MARKERS = 'urn:xmpp:chat-markers:0';
const SID = 'urn:xmpp:sid:0';

describe.each(BACKENDS)('a conversation (%s)', (backend) => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;
  let phone: TestClient;
  const NORMAL = { box: 'inbox', archive: 'false', mute: '0', read: 'true' };

  const marker = (name: string, id: string): string => `<${name} xmlns='${MARKERS}' id='${id}'/>`;

  /** Juliet marks something of Romeo's. */
  async function mark(name: string, id: string | undefined): Promise<void> {
    const attribute = id === undefined ? '' : ` id='${id}'`;
    juliet.send(
      `<message id='mark' to='romeo@localhost'><${name} xmlns='${MARKERS}'${attribute}/></message>`,
    );
    await romeo.until((element) => element.attribute('id') === 'mark');
  }

  beforeAll(async () => {
    const users = ['romeo', 'juliet', 'nurse', 'paris'];
    server = await TestServer.start({ shards: 2, users, toml: modules(backend) });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    // Negative: what is sent to the account does not come here, and what is told to clients does.
    phone = await loginOn(server, 'juliet@localhost/phone', 'same', romeo, { priority: -1 });
  });

  afterAll(async () => {
    for (const client of [romeo, juliet, phone]) client.cut();
    await server.stop();
  });

  it('has a form of its properties', async () => {
    const answer = await juliet.iq('get', undefined, `<query xmlns='${NS_CONVERSATION}'/>`);
    const form = answer.child('query', NS_CONVERSATION)!.child('x', 'jabber:x:data')!;
    const names = form.elements().map((field) => field.attribute('var'));
    expect(names).toEqual(expect.arrayContaining(['archive', 'read', 'mute', 'box']));
    const box = form.elements().find((field) => field.attribute('var') === 'box')!;
    const options = box.elements().filter(({ name }) => name === 'option');
    expect(options.map((option) => option.childText('value'))).toEqual(['inbox', 'archive', 'bin', 'travel']);
  });

  it('has properties, and on request the last message', async () => {
    await say(romeo, juliet, 'hello');
    expect(await properties(juliet, 'romeo@localhost')).toEqual({ ...NORMAL, read: 'false' });
    expect(await properties(romeo, 'juliet@localhost/balcony')).toEqual(NORMAL);
    const whole = await juliet.iq(
      'get',
      undefined,
      `<query xmlns='${NS_CONVERSATION}' jid='Romeo@localhost' complete='true'/>`,
    );
    const query = whole.child('query', NS_CONVERSATION)!;
    expect(told(query)).toEqual({ ...NORMAL, read: 'false' });
    const forwarded = query.child('forwarded', 'urn:xmpp:forward:0')!;
    const message = forwarded.child('message', 'jabber:client')!;
    expect([message.childText('body'), message.attribute('from')]).toEqual(['hello', romeo.jid]);
    const { stamp } = (await inboxOf(juliet)).shown[0]!;
    expect(forwarded.child('delay', 'urn:xmpp:delay')!.attribute('stamp')).toBe(stamp);
  });

  it.each(['', 'complete="true"'])('that there is not is item-not-found %s', async (attribute) => {
    const query = `<query xmlns='${NS_CONVERSATION}' jid='nobody@localhost' ${attribute}/>`;
    const answer = await juliet.iq('get', undefined, query);
    expect([condition(answer), errorType(answer)]).toEqual(['item-not-found', 'cancel']);
    expect(condition(await set(juliet, 'nobody@localhost', '<read>true</read>'))).toBe('item-not-found');
  });

  it.each<[string, string, string]>([
    ['jid-required', '', '<read>true</read>'],
    ['invalid-jid', "jid='@'", '<read>true</read>'],
    ['invalid-jid', "jid=''", '<read>true</read>'],
    ['no-property', "jid='romeo@localhost'", ''],
    ['invalid-box', "jid='romeo@localhost'", '<box>nowhere</box>'],
    ['invalid-box', "jid='romeo@localhost'", '<box>all</box>'],
    ['invalid-box', "jid='romeo@localhost'", '<box/>'],
    ['bad-request', "jid='romeo@localhost'", '<archive>perhaps</archive>'],
    ['bad-request', "jid='romeo@localhost'", '<read>1</read>'],
    ['bad-request', "jid='romeo@localhost'", '<mute>-5</mute>'],
    ['bad-request', "jid='romeo@localhost'", '<mute>NaN</mute>'],
    ['bad-request', "jid='romeo@localhost'", '<mute>99999999999</mute>'],
    ['bad-request', "jid='romeo@localhost'", '<colour>blue</colour>'],
    ['bad-request', "jid='romeo@localhost'", "<read xmlns='u:x'>true</read>"],
    ['bad-request', "jid='romeo@localhost'", '<read>true</read><mute>soon</mute>'],
  ])('refuses what is wrong: %s for %s %s', async (text, attributes, content) => {
    const before = await properties(juliet, 'romeo@localhost');
    const query = `<query xmlns='${NS_CONVERSATION}' ${attributes}>${content}</query>`;
    const answer = await juliet.iq('set', undefined, query);
    expect([condition(answer), errorType(answer), errorText(answer)]).toEqual([
      'bad-request',
      'modify',
      text,
    ]);
    expect(await properties(juliet, 'romeo@localhost')).toEqual(before);
  });

  it('refuses questions about no address', async () => {
    const query = `<query xmlns='${NS_CONVERSATION}' jid='a@@b'/>`;
    expect(errorText(await juliet.iq('get', undefined, query))).toBe('invalid-jid');
    const other = await juliet.iq('set', undefined, `<other xmlns='${NS_CONVERSATION}' jid='a@b'/>`);
    expect(condition(other)).toBe('bad-request');
  });

  it('changes for all clients of its user, the one that asked included, and keeps its time', async () => {
    await say(romeo, juliet, 'again');
    const { stamp } = (await inboxOf(juliet)).shown[0]!;
    juliet.send(
      `<iq type='set' id='change'><query xmlns='${NS_CONVERSATION}' jid='romeo@localhost' queryid='q&lt;7'>` +
        '<box>archive</box><read>true</read></query></iq>',
    );
    const expected = { jid: 'romeo@localhost', ...NORMAL, box: 'archive', archive: 'true' };
    expect(await news(juliet)).toEqual({ ...expected, queryId: 'q<7' });
    const result = await juliet.element();
    expect([result.attribute('id'), result.attribute('type')]).toEqual(['change', 'result']);
    expect(result.elements()).toEqual([]);
    expect(await news(phone)).toEqual({ ...expected, queryId: 'q<7' });
    const { shown } = await inboxOf(juliet, question({ box: 'archive' }));
    expect(shown[0]).toMatchObject({ box: 'archive', archive: 'true', unread: 0, stamp });
    // Nobody else hears of it.
    expect(await messagesUntilNow(romeo)).toEqual([]);
    // The older word, and the newer one beside it.
    await set(juliet, 'romeo@localhost', '<archive>false</archive>');
    expect(await properties(juliet, 'romeo@localhost')).toEqual(NORMAL);
    await set(juliet, 'romeo@localhost', '<archive>true</archive>');
    expect(await properties(juliet, 'romeo@localhost')).toMatchObject({ box: 'archive' });
    await set(juliet, 'romeo@localhost', '<archive>true</archive><box>travel</box>');
    expect(await properties(juliet, 'romeo@localhost')).toMatchObject({ box: 'travel', archive: 'false' });
    await set(juliet, 'romeo@localhost', '<box>inbox</box>');
    await messagesUntilNow(phone);
  });

  it('is read or not, as its user says; unread is one message, or as many as there are', async () => {
    const unread = async () => (await inboxOf(juliet)).shown[0]!.unread;
    await set(juliet, 'romeo@localhost', '<read>true</read>');
    expect(await unread()).toBe(0);
    await set(juliet, 'romeo@localhost', '<read>false</read>');
    expect(await unread()).toBe(1);
    await say(romeo, juliet, 'more');
    await set(juliet, 'romeo@localhost', '<read>false</read>');
    expect(await unread()).toBe(2);
  });

  it('is read after the older request, of which nobody is told', async () => {
    await say(romeo, juliet, 'reset me');
    await messagesUntilNow(phone);
    const answer = await juliet.iq(
      'set',
      undefined,
      `<reset xmlns='${NS_CONVERSATION}' jid='romeo@localhost'/>`,
    );
    expect(answer.child('reset', NS_CONVERSATION)).toBeDefined();
    expect(await bodies(juliet)).toEqual(['reset me 0']);
    expect(await messagesUntilNow(phone)).toEqual([]);
    expect(await messagesUntilNow(juliet)).toEqual([]);
    const without = await juliet.iq('set', undefined, `<reset xmlns='${NS_CONVERSATION}'/>`);
    expect(errorText(without)).toBe('jid-required');
    const unknown = await juliet.iq(
      'set',
      undefined,
      `<reset xmlns='${NS_CONVERSATION}' jid='x@localhost'/>`,
    );
    expect(unknown.attribute('type')).toBe('result');
  });

  it('is muted until a time, which may be moved, is over by itself, and outlives the server', async () => {
    const before = Date.now();
    await set(juliet, 'romeo@localhost', '<mute>86400</mute>');
    const { mute } = await properties(juliet, 'romeo@localhost');
    expect(mute).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    const ms = Date.parse(mute!) - before;
    expect(ms).toBeGreaterThanOrEqual(86_399_000);
    expect(ms).toBeLessThan(86_460_000);
    expect((await inboxOf(juliet)).shown[0]!.mute).toBe(mute);
    await set(juliet, 'romeo@localhost', '<mute>604800</mute>');
    const later = (await properties(juliet, 'romeo@localhost'))['mute']!;
    expect(Date.parse(later)).toBeGreaterThan(Date.parse(mute!));
    // Messages go on.
    await say(romeo, juliet, 'muted');
    expect((await inboxOf(juliet)).shown[0]).toMatchObject({ body: 'muted', mute: later });
    const db = new Database(join(server.directory, 'data', 'meerkat.db'));
    db.prepare("UPDATE inbox SET muted_until = 1700000000000000 WHERE luser = 'juliet'").run();
    expect((await properties(juliet, 'romeo@localhost'))['mute']).toBe('0');
    db.close();
    await set(juliet, 'romeo@localhost', '<mute>100</mute>');
    expect((await properties(juliet, 'romeo@localhost'))['mute']).not.toBe('0');
    await set(juliet, 'romeo@localhost', '<mute>0</mute>');
    expect((await properties(juliet, 'romeo@localhost'))['mute']).toBe('0');
    expect((await inboxOf(juliet)).shown[0]!.mute).toBe('0');
  });

  it('comes back from archive and bin with a new message, of either side, and its user’s clients are told', async () => {
    for (const box of ['archive', 'bin']) {
      await set(juliet, 'romeo@localhost', `<box>${box}</box><read>true</read>`);
      await set(romeo, 'juliet@localhost', `<box>${box}</box>`);
      for (const client of [juliet, phone, romeo]) await messagesUntilNow(client);
      // Whoever is told of the conversation hears of it when it is stored.
      await sayAtOnce(romeo, juliet, `from the ${box}`);
      expect(await news(phone)).toEqual({
        jid: 'romeo@localhost',
        queryId: undefined,
        ...NORMAL,
        read: 'false',
      });
      expect(await news(juliet)).toMatchObject({ box: 'inbox' });
      expect(await news(romeo)).toMatchObject({ jid: 'juliet@localhost', box: 'inbox', read: 'true' });
      expect(await bodies(juliet, question({ box: 'inbox' }))).toEqual([`from the ${box} 1`]);
      expect(await bodies(juliet, question({ box }))).toEqual([]);
    }
    // Not from a box of the user's own.
    await set(juliet, 'romeo@localhost', '<box>travel</box>');
    // The other shard tells it on its own.
    expect(await news(phone)).toMatchObject({ box: 'travel' });
    await say(romeo, juliet, 'still there');
    expect(await bodies(juliet, question({ box: 'travel' }))).toEqual(['still there 2']);
    expect(await messagesUntilNow(phone)).toEqual([]);
    await set(juliet, 'romeo@localhost', '<box>inbox</box><read>true</read>');
  });

  it.each(['displayed', 'acknowledged'])('is read by the marker «%s» of the last message', async (name) => {
    await say(romeo, juliet, 'one');
    const last = await say(romeo, juliet, 'two');
    await mark(name, last.attribute('id')!);
    expect(await bodies(juliet)).toEqual(['two 0']);
    // Of the marker nothing is kept, on neither side.
    expect(await bodies(romeo)).toEqual(['two 0']);
  });

  it('is read by a marker with the id that the server gave the message', async () => {
    const last = await say(romeo, juliet, 'by stanza id');
    const id = last.child('stanza-id', SID)!.attribute('id')!;
    await mark('displayed', id);
    expect(await bodies(juliet)).toEqual(['by stanza id 0']);
  });

  it.each<[string, string, (first: Element) => string | undefined]>([
    ['of another kind', 'received', (first) => first.attribute('id')],
    ['of an older message', 'displayed', (first) => first.attribute('id')],
    [
      'with the server’s id of an older message',
      'displayed',
      (first) => first.child('stanza-id', SID)!.attribute('id'),
    ],
    ['of no message', 'displayed', () => 'nothing'],
    ['of a time to come', 'displayed', () => 'VVVVVVVVVVVV'],
    ['without an id', 'displayed', () => undefined],
    ['with an empty id', 'displayed', () => ''],
  ])('is not read by a marker %s', async (_what, name, idOf) => {
    await set(juliet, 'romeo@localhost', '<read>true</read>');
    const first = await say(romeo, juliet, 'first');
    const second = await say(romeo, juliet, 'second');
    await mark(name, name === 'received' ? second.attribute('id') : idOf(first));
    expect(await bodies(juliet)).toEqual(['second 2']);
  });

  it('is not read by the marker of somebody else', async () => {
    await set(juliet, 'romeo@localhost', '<read>true</read>');
    const last = await say(romeo, juliet, 'mine');
    romeo.send(
      `<message id='mark' to='juliet@localhost'>${marker('displayed', last.attribute('id')!)}</message>`,
    );
    await juliet.until((element) => element.attribute('id') === 'mark');
    expect(await bodies(juliet)).toEqual(['mine 1']);
  });

  it('is the same after the server was started again', async () => {
    await set(juliet, 'romeo@localhost', '<box>travel</box><mute>1000</mute>');
    const before = (await inboxOf(juliet)).shown.map(({ message: _message, ...rest }) => rest);
    server.signal('SIGTERM');
    await server.exited();
    await server.launch();
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    phone = await loginOn(server, 'juliet@localhost/phone', 'same', romeo, { priority: -1 });
    const after = (await inboxOf(juliet)).shown.map(({ message: _message, ...rest }) => rest);
    expect(after.map((one) => ({ ...one, queryId: '' }))).toEqual(
      before.map((one) => ({ ...one, queryId: '' })),
    );
  });
});
