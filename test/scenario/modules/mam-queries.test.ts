import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { ask, NS_MAM, numbered, page, refusal, talk } from './mam-support.ts';
import { condition, LAB, loginOn } from './support.ts';

/** Queries to an archive (XEP-0313 §4, XEP-0059): an archive of fifteen messages with Juliet and five with the nurse, seen from Romeo. */

let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;
let nurse: TestClient;
/** All ids, in order. */
let ids: readonly string[];
let stamps: readonly string[];

const TEXTS = numbered(15);

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse', 'nobody', 'one'],
    toml: `[modules.mod_presence]\n[modules.mod_disco]\n[modules.mod_mam.pm]\n${LAB}`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
  nurse = await loginOn(server, 'nurse@localhost/room', 'same', romeo);
  await talk(romeo, juliet, TEXTS.slice(0, 10));
  await talk(juliet, romeo, TEXTS.slice(10));
  await talk(nurse, romeo, numbered(5, 'nurse'));
  const all = await page(romeo);
  ({ ids } = all);
  stamps = all.results.map(({ stamp }) => stamp);
  expect(ids).toHaveLength(20);
});

afterAll(() => server.stop());

describe('pages', () => {
  it.each([
    ['the first five', '<max>5</max>', [0, 5], '0', false],
    ['the first five, in the old word for it', '<limit>5</limit>', [0, 5], '0', false],
    ['five behind the fifth', '<max>5</max><after>@4</after>', [5, 10], '5', false],
    ['five behind the last but two', '<max>5</max><after>@17</after>', [18, 20], '18', true],
    ['five behind the last', '<max>5</max><after>@19</after>', [20, 20], undefined, true],
    ['the last five', '<max>5</max><before/>', [15, 20], '15', false],
    ['five before the tenth', '<max>5</max><before>@9</before>', [4, 9], '4', false],
    ['five before the third', '<max>5</max><before>@2</before>', [0, 2], '0', true],
    ['five before the first', '<max>5</max><before>@0</before>', [0, 0], undefined, true],
    ['five from the eleventh on', '<max>5</max><index>10</index>', [10, 15], '10', false],
    ['five from the nineteenth on', '<max>5</max><index>18</index>', [18, 20], '18', true],
    ['as many as there are', '<max>20</max>', [0, 20], '0', true],
    ['one less than there are', '<max>19</max>', [0, 19], '0', false],
    ['one less than there are, from the end', '<max>19</max><before/>', [1, 20], '1', false],
    ['all, from the end', '<max>20</max><before/>', [0, 20], '0', true],
    ['all behind nothing', '<max>20</max><after/>', [0, 20], '0', true],
  ])('of %s', async (_name, set, [from, to], index, isComplete) => {
    const asked = set.replace(/@(\d+)/, (_match, n) => ids[Number(n)]!);
    const found = await page(romeo, { set: asked });
    expect(found.ids).toEqual(ids.slice(from, to));
    expect(found).toMatchObject({
      isComplete,
      index,
      count: '20',
      first: ids.slice(from, to)[0],
      last: ids.slice(from, to).at(-1),
    });
  });

  it('of none tell how many messages there are (XEP-0059 §2.7)', async () => {
    const found = await page(romeo, { set: '<max>0</max>' });
    expect(found).toMatchObject({ ids: [], count: '20', first: undefined, isComplete: false });
    const none = await page(romeo, { fields: { with: 'nobody@localhost' }, set: '<max>0</max>' });
    expect(none).toMatchObject({ ids: [], count: '0', isComplete: true });
  });

  it('one after the other bring each message once, in both directions', async () => {
    const forward: string[] = [];
    for (let after = ''; ; ) {
      const found = await page(romeo, { set: `<max>7</max><after>${after}</after>` });
      forward.push(...found.ids);
      after = found.last!;
      if (found.isComplete) break;
    }
    expect(forward).toEqual(ids);
    const backward: string[] = [];
    for (let before = ''; ; ) {
      const found = await page(romeo, { set: `<max>6</max><before>${before}</before>` });
      backward.unshift(...found.ids);
      before = found.first!;
      if (found.isComplete) break;
    }
    expect(backward).toEqual(ids);
  });

  it('go the other way round if they are to be flipped (XEP-0313 §4.3.2): first and last stay', async () => {
    const found = await page(romeo, { set: '<max>5</max>', more: '<flip-page/>' });
    expect(found.ids).toEqual(ids.slice(0, 5).toReversed());
    expect(found).toMatchObject({ first: ids[0], last: ids[4], index: '0' });
    const last = await page(romeo, { set: '<max>5</max><before/>', more: '<flip-page/>' });
    expect(last.ids).toEqual(ids.slice(15).toReversed());
  });

  it('of a simple query have neither count nor index', async () => {
    for (const set of ['<max>5</max>', '<max>5</max><before/>', `<max>5</max><after>${ids[16]}</after>`]) {
      const found = await page(romeo, { fields: { simple: 'true' }, set });
      const full = await page(romeo, { set });
      expect(found.ids).toEqual(full.ids);
      expect(found).toMatchObject({ count: undefined, index: undefined, isComplete: full.isComplete });
    }
  });
});

describe('conversations', () => {
  it.each([
    ['juliet@localhost', [0, 15]],
    ['juliet@localhost/balcony', [0, 15]],
    ['juliet@localhost/elsewhere', [0, 0]],
    ['nurse@localhost', [15, 20]],
    ['JULIET@LocalHost', [0, 15]],
    ['nobody@localhost', [0, 0]],
    ['localhost', [0, 0]],
  ])('with %s', async (jid, [from, to]) => {
    const found = await page(romeo, { fields: { with: jid }, set: '<max>50</max>' });
    expect(found.ids).toEqual(ids.slice(from, to));
    expect(found).toMatchObject({ count: String(to! - from!), isComplete: true });
  });

  it('have pages of their own', async () => {
    const first = await page(romeo, { fields: { with: 'juliet@localhost' }, set: '<max>10</max>' });
    expect(first).toMatchObject({ ids: ids.slice(0, 10), isComplete: false, count: '15', index: '0' });
    const next = await page(romeo, {
      fields: { with: 'juliet@localhost' },
      set: `<max>10</max><after>${first.last}</after>`,
    });
    expect(next).toMatchObject({ ids: ids.slice(10, 15), isComplete: true, count: '15', index: '10' });
  });
});

describe('limits', () => {
  it('by time include what was sent just then', async () => {
    const from = await page(romeo, { fields: { start: stamps[3]! } });
    expect(from.ids).toEqual(ids.slice(3));
    const to = await page(romeo, { fields: { end: stamps[3]! } });
    expect(to.ids).toEqual(ids.slice(0, 4));
    const both = await page(romeo, {
      fields: { start: stamps[3]!, end: stamps[5]!, with: 'juliet@localhost' },
    });
    expect(both).toMatchObject({ ids: ids.slice(3, 6), count: '3', index: '0', isComplete: true });
    const none = await page(romeo, { fields: { end: '2001-01-01T00:00:00Z' } });
    expect(none).toMatchObject({ ids: [], count: '0', isComplete: true });
  });

  it('by a time that is none are ignored', async () => {
    const found = await page(romeo, { fields: { start: 'yesterday', end: 'tomorrow' } });
    expect(found.ids).toEqual(ids);
  });

  it.each([
    ['after-id', '@4', [5, 20]],
    ['before-id', '@4', [0, 4]],
    ['from-id', '@4', [4, 20]],
    ['to-id', '@4', [0, 5]],
  ])('by %s hold for count and index, too', async (name, id, [from, to]) => {
    const fields = { [name]: id.replace('@4', ids[4]!) };
    const found = await page(romeo, { fields, set: '<max>50</max>' });
    expect(found).toMatchObject({ ids: ids.slice(from, to), count: String(to! - from!), index: '0' });
  });

  it('by ids on both sides can be paged through', async () => {
    const fields = { 'after-id': ids[2]!, 'before-id': ids[18]! };
    const first = await page(romeo, { fields, set: '<max>10</max>' });
    expect(first).toMatchObject({ ids: ids.slice(3, 13), count: '15', index: '0', isComplete: false });
    const next = await page(romeo, { fields, set: `<max>10</max><after>${first.last}</after>` });
    expect(next).toMatchObject({ ids: ids.slice(13, 18), count: '15', index: '10', isComplete: true });
    const last = await page(romeo, { fields, set: '<max>10</max><before/>' });
    expect(last).toMatchObject({ ids: ids.slice(8, 18), count: '15', index: '5', isComplete: false });
  });
});

describe('single messages', () => {
  it('are found by their ids, in the order of the archive', async () => {
    const found = await page(romeo, { fields: { ids: [ids[7]!, ids[2]!, ids[7]!] } });
    expect(found).toMatchObject({ ids: [ids[2], ids[7]], isComplete: true, count: '2' });
    const flipped = await page(romeo, { fields: { ids: [ids[2]!, ids[7]!] }, more: '<flip-page/>' });
    expect(flipped.ids).toEqual([ids[7], ids[2]]);
  });

  it('are an error if one is missing, or is of another archive', async () => {
    const other = (await page(nurse)).ids;
    expect(other.every((id) => ids.includes(id))).toBe(true);
    expect(await refusal(nurse, { fields: { ids: [other[0]!, ids[0]!] } })).toBe('item-not-found');
    expect(await refusal(romeo, { fields: { ids: [ids[0]!, '1234567'] } })).toBe('item-not-found');
  });
});

describe('what is not there', () => {
  it.each([
    ['after', { set: '<max>5</max><after>B9FQT1HO38O1</after>' }],
    ['before', { set: '<max>5</max><before>B9FQT1HO38O1</before>' }],
    ['after-id', { fields: { 'after-id': 'B9FQT1HO38O1' } }],
    ['before-id', { fields: { 'before-id': 'B9FQT1HO38O1' } }],
  ])('an unknown %s is answered with item-not-found (XEP-0313 §4.1.4, §4.3)', async (_name, options) => {
    expect(await refusal(romeo, options)).toBe('item-not-found');
  });

  it('a message of somebody else’s archive is not there', async () => {
    expect(await refusal(nurse, { set: `<max>5</max><after>${ids[0]}</after>` })).toBe('item-not-found');
    expect(await refusal(nurse, { fields: { 'after-id': ids[0]! } })).toBe('item-not-found');
  });

  it('an empty archive has an empty answer', async () => {
    const nobody = await TestClient.login(server.port(), 'nobody@localhost/r');
    expect(await page(nobody)).toMatchObject({ ids: [], count: '0', isComplete: true, first: undefined });
    await nobody.close();
  });
});

describe('bad requests', () => {
  it.each([
    ['item-not-found', { set: '<after>purple</after>' }],
    ['item-not-found', { set: '<before>!!</before>' }],
    ['item-not-found', { fields: { 'after-id': 'VVVVVVVVVVVVV' } }],
    ['item-not-found', { fields: { ids: ['x y'] } }],
    ['bad-request', { set: '<max>many</max>' }],
    ['bad-request', { set: '<max>-1</max>' }],
    ['bad-request', { set: '<limit>x</limit>' }],
    ['bad-request', { set: '<index>x</index>' }],
    ['jid-malformed', { fields: { with: '@localhost' } }],
    ['feature-not-implemented', { fields: { mood: 'lonely' } }],
    ['bad-request', { more: "<x xmlns='jabber:x:data' type='form'/>" }],
    [
      'bad-request',
      {
        more: "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:test</value></field></x>",
      },
    ],
    ['not-acceptable', { queryId: 'x'.repeat(257) }],
  ])('are answered with %s: %j', async (expected, options) => {
    expect(await refusal(romeo, options)).toBe(expected);
  });

  it.each([
    ["<nonsense xmlns='urn:xmpp:mam:2'/>", 'get'],
    ["<metadata xmlns='urn:xmpp:mam:2'/>", 'set'],
  ] as const)('are answered with bad-request: %s', async (payload, type) => {
    expect(condition(await romeo.iq(type, undefined, payload))).toBe('bad-request');
  });

  it('name the query that they belong to, whatever it is called', async () => {
    const found = await page(romeo, { set: '<max>2</max>', queryId: '&lt;ü&apos;&quot;>' });
    expect(found.results.map(({ queryId }) => queryId)).toEqual(['<ü\'">', '<ü\'">']);
    const none = await page(romeo, { set: '<max>1</max>' });
    expect(none.results[0]!.queryId).toBeUndefined();
  });
});

describe('how much there is', () => {
  it('is told at once (XEP-0313 §5)', async () => {
    const answer = await romeo.iq('get', undefined, `<metadata xmlns='${NS_MAM}'/>`);
    const metadata = answer.child('metadata', NS_MAM)!;
    expect(metadata.child('start')?.attribute('id')).toBe(ids[0]);
    expect(metadata.child('start')?.attribute('timestamp')).toBe(stamps[0]);
    expect(metadata.child('end')?.attribute('id')).toBe(ids[19]);
    expect(metadata.child('end')?.attribute('timestamp')).toBe(stamps[19]);
  });

  it('is nothing in an empty archive, and the same at both ends of one with a single message', async () => {
    const one = await TestClient.login(server.port(), 'one@localhost/r');
    const empty = await one.iq('get', 'one@localhost', `<metadata xmlns='${NS_MAM}'/>`);
    expect(empty.child('metadata', NS_MAM)!.elements()).toEqual([]);
    one.send("<message to='one@localhost' type='chat'><body>to myself</body></message>");
    await one.message();
    const answer = await one.iq('get', 'one@localhost', `<metadata xmlns='${NS_MAM}'/>`);
    const [start, end] = answer.child('metadata', NS_MAM)!.elements();
    expect(start?.attribute('id')).toBe(end?.attribute('id'));
    expect((await page(one)).ids).toEqual([start!.attribute('id')]);
    await one.close();
  });
});

describe('the older version of the protocol', () => {
  it('gets the same in its own namespace', async () => {
    const ns = 'urn:xmpp:mam:1';
    const found = await page(romeo, {
      ns,
      fields: { with: 'nurse@localhost' },
      set: '<max>3</max>',
      queryId: 'q',
    });
    expect(found).toMatchObject({ ids: ids.slice(15, 18), isComplete: false, count: '5' });
    expect(found.results[0]!.queryId).toBe('q');
  });
});

describe('the form', () => {
  it('lists all fields that a query may have (XEP-0313 §4.1.6)', async () => {
    const answer = await romeo.iq('get', undefined, `<query xmlns='${NS_MAM}'/>`);
    const form = answer.child('query', NS_MAM)!.child('x', 'jabber:x:data')!;
    expect(form.attribute('type')).toBe('form');
    const types = Object.fromEntries(
      form.elements().map((field) => [field.attribute('var'), field.attribute('type')]),
    );
    expect(types).toEqual({
      FORM_TYPE: 'hidden',
      with: 'jid-single',
      start: 'text-single',
      end: 'text-single',
      'before-id': 'text-single',
      'after-id': 'text-single',
      'include-groupchat': 'boolean',
      ids: 'list-multi',
      '{urn:xmpp:fulltext:0}fulltext': 'text-single',
    });
    const idsField = form.elements().find((field) => field.attribute('var') === 'ids')!;
    const validate = idsField.child('validate', 'http://jabber.org/protocol/xdata-validate')!;
    expect(validate.child('open')).toBeDefined();
    expect(form.elements().some((field) => field.child('required') !== undefined)).toBe(false);
  });
});

describe('more than a page may hold', () => {
  it('is a policy-violation for who does not ask for a page, and a first page for who asks for too large a one', async () => {
    const many = numbered(35, 'many');
    await talk(juliet, nurse, many);
    const all = await page(nurse, { fields: { with: 'juliet@localhost' } });
    expect(all.bodies).toEqual(many);
    await talk(juliet, nurse, numbered(16, 'more'));
    expect(await refusal(nurse, { fields: { with: 'juliet@localhost' } })).toBe('policy-violation');
    const first = await page(nurse, { fields: { with: 'juliet@localhost' }, set: '<max>1000</max>' });
    expect(first).toMatchObject({ isComplete: false, count: '51' });
    expect(first.ids).toHaveLength(50);
    // What is left behind the first two fits.
    const rest = await page(nurse, { fields: { 'after-id': first.ids[1]!, with: 'juliet@localhost' } });
    expect(rest.ids).toHaveLength(49);
    expect(await ask(nurse, { fields: { ids: numbered(51).map(() => first.ids[0]!) } })).toMatchObject({
      name: 'iq',
    });
  });
});
