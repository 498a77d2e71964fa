import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import { NS_MAM, NS_RSM, numbered, page, queryXml, refusal, talk } from '../scenario/modules/mam-support.ts';
import { condition } from '../scenario/modules/support.ts';

/** XEP-0313 (version 1.1.3) with XEP-0059, paragraph by paragraph, as Juliet’s client meets it. What is behind it is in test/scenario/modules/mam*.test.ts. */

const TEXTS = numbered(12);

let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;
let ids: readonly string[];
let stamps: readonly string[];

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet'],
    toml: '[modules.mod_presence]\n[modules.mod_disco]\n[modules.mod_mam]\n user_prefs_store = "rdbms"\n max_result_limit = 10\n default_result_limit = 10\n[modules.mod_mam.pm]\n',
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  await talk(romeo, juliet, TEXTS.slice(0, 6));
  await talk(juliet, romeo, TEXTS.slice(6));
  const first = await page(juliet, { set: '<max>10</max>' });
  const rest = await page(juliet, { set: `<max>10</max><after>${first.last}</after>` });
  ids = [...first.ids, ...rest.ids];
  stamps = [...first.results, ...rest.results].map(({ stamp }) => stamp);
});

afterAll(() => server.stop());

/** The raw elements of one answer: the results and the end. */
async function raw(query: string): Promise<Element[]> {
  juliet.send(`<iq type='set' id='raw'>${query}</iq>`);
  const heard: Element[] = [];
  do heard.push(await juliet.element());
  while (heard.at(-1)!.name !== 'iq');
  return heard;
}

describe('§4 querying', () => {
  it('messages come in chronological order, then the result that ends them, with a set in it', async () => {
    const heard = await raw(queryXml({ set: '<max>3</max>', queryId: 'f27' }));
    expect(heard.map(({ name }) => name)).toEqual(['message', 'message', 'message', 'iq']);
    const fin = heard.at(-1)!.child('fin', NS_MAM)!;
    expect(fin.child('set', NS_RSM)?.childText('first')).toBe(ids[0]);
    expect(fin.child('set', NS_RSM)?.childText('last')).toBe(ids[2]);
    expect(stamps.toSorted()).toEqual(stamps);
  });

  it('§4.1: a form that is not for this protocol is none', async () => {
    const form =
      "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:1</value></field></x>";
    expect(await refusal(juliet, { set: '<max>1</max>', more: form })).toBe('bad-request');
  });

  it('§4.1: a query without matches is successful', async () => {
    const found = await page(juliet, { fields: { with: 'nurse@localhost' } });
    expect(found).toMatchObject({ ids: [], isComplete: true, first: undefined, last: undefined });
  });

  it('§4.1.1: a bare JID matches all its resources, a full one itself, the own one notes to oneself', async () => {
    const set = '<max>10</max>';
    expect((await page(juliet, { fields: { with: 'romeo@localhost' }, set })).count).toBe('12');
    expect((await page(juliet, { fields: { with: 'romeo@localhost/orchard' }, set })).count).toBe('12');
    expect((await page(juliet, { fields: { with: 'romeo@localhost/hall' }, set })).count).toBe('0');
    expect((await page(juliet, { fields: { with: 'juliet@localhost' }, set })).count).toBe('0');
  });

  it('§4.1.2: start and end are included', async () => {
    const found = await page(juliet, { fields: { start: stamps[2]!, end: stamps[4]! } });
    expect(found.ids).toEqual(ids.slice(2, 5));
  });

  it('§4.1.3: before-id and after-id exclude', async () => {
    const fields = { 'after-id': ids[2]!, 'before-id': ids[6]! };
    expect((await page(juliet, { fields })).ids).toEqual(ids.slice(3, 6));
  });

  it('§4.1.4: ids that the archive does not have are item-not-found', async () => {
    expect((await page(juliet, { fields: { ids: [ids[1]!] } })).ids).toEqual([ids[1]]);
    for (const fields of [{ 'before-id': '28482-98726-73623' }, { 'after-id': 'x' }, { ids: [ids[0]!, 'x'] }])
      expect(await refusal(juliet, { fields })).toBe('item-not-found');
  });

  it('§4.1.6: the form says no field is required, and an unknown field is feature-not-implemented', async () => {
    const answer = await juliet.iq('get', undefined, `<query xmlns='${NS_MAM}'/>`);
    const form = answer.child('query', NS_MAM)!.child('x', 'jabber:x:data')!;
    expect(form.elements().some((field) => field.child('required') !== undefined)).toBe(false);
    expect(await refusal(juliet, { fields: { '{http://jabber.org/protocol/mood}mood': 'lonely' } })).toBe(
      'feature-not-implemented',
    );
  });

  it('§4.2: a result has the id of the archive, that of the query, and the message with its time', async () => {
    const [message] = await raw(queryXml({ set: '<max>1</max>', queryId: 'f27' }));
    expect(message!.attribute('from')).toBe('juliet@localhost');
    expect(message!.attribute('to')).toBe('juliet@localhost/balcony');
    const result = message!.child('result', NS_MAM)!;
    expect(result.attribute('id')).toBe(ids[0]);
    expect(result.attribute('queryid')).toBe('f27');
    const forwarded = result.child('forwarded', 'urn:xmpp:forward:0')!;
    expect(forwarded.child('delay', 'urn:xmpp:delay')?.attribute('stamp')).toBe(stamps[0]);
    const original = forwarded.child('message', 'jabber:client')!;
    expect(original.attribute('from')).toBe('romeo@localhost/orchard');
    expect(original.attribute('to')).toBe('juliet@localhost/balcony');
    expect(original.childText('body')).toBe(TEXTS[0]);
  });

  it('§4.3: complete is true on the last page alone; an unknown id is item-not-found', async () => {
    expect((await page(juliet, { set: '<max>10</max>' })).fin.attribute('complete')).not.toBe('true');
    const last = await page(juliet, { set: `<max>10</max><after>${ids[9]}</after>` });
    expect(last.fin.attribute('complete')).toBe('true');
    expect(await refusal(juliet, { set: '<after>09af3-cc343-b409f</after>' })).toBe('item-not-found');
  });

  it('§4.3.1: an empty before is the end of the archive, in chronological order', async () => {
    expect((await page(juliet, { set: '<max>4</max><before/>' })).ids).toEqual(ids.slice(8));
  });

  it('§4.3.2: a flipped page is turned round as it is sent, and is the same page', async () => {
    const found = await page(juliet, { set: '<max>4</max><before/>', more: '<flip-page/>' });
    expect(found.ids).toEqual(ids.slice(8).toReversed());
    expect(found).toMatchObject({ first: ids[8], last: ids[11] });
  });
});

describe('XEP-0059', () => {
  it('§2.1: no page is longer than the server allows', async () => {
    expect((await page(juliet, { set: '<max>1000</max>' })).ids).toHaveLength(10);
  });

  it('§2.6: index and count tell where a page lies', async () => {
    const found = await page(juliet, { set: '<max>3</max><index>4</index>' });
    expect(found).toMatchObject({ ids: ids.slice(4, 7), index: '4', count: '12' });
  });

  it('§2.7: with a max of 0 there is the count alone', async () => {
    const [answer] = await raw(queryXml({ set: '<max>0</max>' }));
    const set = answer!.child('fin', NS_MAM)!.child('set', NS_RSM)!;
    expect(set.elements().map(({ name }) => name)).toEqual(['count']);
    expect(set.childText('count')).toBe('12');
  });
});

describe('§5 metadata', () => {
  it('has the ids and times of both ends', async () => {
    const answer = await juliet.iq('get', undefined, `<metadata xmlns='${NS_MAM}'/>`);
    const [start, end] = answer.child('metadata', NS_MAM)!.elements();
    expect([start?.attribute('id'), start?.attribute('timestamp')]).toEqual([ids[0], stamps[0]]);
    expect([end?.attribute('id'), end?.attribute('timestamp')]).toEqual([ids[11], stamps[11]]);
  });
});

describe('§8 and §9', () => {
  it('§8: the features are those of the account that has the archive', async () => {
    const info = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    const answer = await juliet.iq('get', 'juliet@localhost', info);
    const all = answer
      .elements()[0]!
      .elements()
      .map((one) => one.attribute('var'));
    expect(all).toEqual(
      expect.arrayContaining([
        NS_MAM,
        `${NS_MAM}#extended`,
        `${NS_MAM}#groupchat-field`,
        'urn:xmpp:fulltext:0',
      ]),
    );
  });

  it('§9: nobody reads another one’s archive', async () => {
    expect(await refusal(juliet, { to: 'romeo@localhost' })).toBe('forbidden');
  });
});

describe('XEP-0441', () => {
  it('§2.1: the preferences have a default and both lists, even if they are empty', async () => {
    const answer = await juliet.iq('get', undefined, `<prefs xmlns='${NS_MAM}'/>`);
    const prefs = answer.child('prefs', NS_MAM)!;
    expect(prefs.attribute('default')).toBe('always');
    expect(prefs.elements().map(({ name }) => name)).toEqual(['always', 'never']);
  });

  it('§2.1.1: the default is one of three', async () => {
    const set = (mode: string): Promise<Element> =>
      juliet.iq('set', undefined, `<prefs xmlns='${NS_MAM}' default='${mode}'/>`);
    for (const mode of ['roster', 'never', 'always'])
      expect((await set(mode)).child('prefs', NS_MAM)?.attribute('default')).toBe(mode);
    expect(condition(await set('sometimes'))).toBe('bad-request');
  });
});
