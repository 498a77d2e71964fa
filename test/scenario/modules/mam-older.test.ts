import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { numbered, page, refusal, stanzaId, talk } from './mam-support.ts';
import { condition, LAB, loginOn } from './support.ts';

/** The older version of the protocol (`urn:xmpp:mam:1`): what it has of XEP-0313 is answered as in the newer one, in its own namespace. */

const NS = 'urn:xmpp:mam:1';
const COUNT = 12;

let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;
let nurse: TestClient;
/** Of Romeo's archive: first what he said to Juliet, then to the Nurse. */
let ids: string[];
let stamps: string[];

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse'],
    toml: `[modules.mod_presence]\n[modules.mod_mam.pm]\n  user_prefs_store = "rdbms"\n${LAB}`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
  nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
  const said = await talk(romeo, juliet, numbered(COUNT));
  await talk(romeo, nurse, numbered(3, 'nurse'));
  const all = await page(romeo, { ns: NS });
  [ids, stamps] = [[...all.ids], all.results.map(({ stamp }) => stamp)];
  expect(all.bodies).toEqual([...numbered(COUNT), ...numbered(3, 'nurse')]);
  expect(ids.slice(0, COUNT)).toEqual(said.map((message) => stanzaId(message, 'juliet@localhost')));
});

afterAll(() => server.stop());

describe('pages of the older version', () => {
  it('one after the other bring each message once, in both directions', async () => {
    const forward: string[] = [];
    for (let after = '', isComplete = false; !isComplete; ) {
      const found = await page(romeo, { ns: NS, set: `<max>4</max><after>${after}</after>` });
      expect([found.index, found.count]).toEqual([String(forward.length), String(ids.length)]);
      forward.push(...found.ids);
      [after, isComplete] = [found.last!, found.isComplete];
    }
    expect(forward).toEqual(ids);
    const backward: string[] = [];
    for (let before = '', isComplete = false; !isComplete; ) {
      const found = await page(romeo, { ns: NS, set: `<max>4</max><before>${before}</before>` });
      backward.unshift(...found.ids);
      [before, isComplete] = [found.first!, found.isComplete];
    }
    expect(backward).toEqual(ids);
  });

  it('may be asked for by their number', async () => {
    expect((await page(romeo, { ns: NS, set: '<max>3</max><index>5</index>' })).ids).toEqual(ids.slice(5, 8));
  });

  it('are of one conversation, of a time, of both', async () => {
    const withJuliet = await page(romeo, { ns: NS, fields: { with: 'juliet@localhost' } });
    expect(withJuliet.bodies).toEqual(numbered(COUNT));
    const resource = await page(romeo, { ns: NS, fields: { with: 'nurse@localhost/hall' } });
    expect(resource.bodies).toEqual(numbered(3, 'nurse'));
    const since = await page(romeo, { ns: NS, fields: { start: stamps[4]! } });
    expect(since.ids).toEqual(ids.slice(4));
    const between = await page(romeo, {
      ns: NS,
      fields: { with: 'juliet@localhost', start: stamps[2]!, end: stamps[6]! },
      queryId: 'old',
    });
    expect(between.ids).toEqual(ids.slice(2, 7));
    expect(between.results.every(({ queryId }) => queryId === 'old')).toBe(true);
  });

  it('are the same from the archive of who was addressed, on the other shard', async () => {
    const hers = await page(juliet, { ns: NS, set: '<max>5</max><before/>' });
    expect(hers.bodies).toEqual(numbered(COUNT).slice(-5));
    expect(hers.ids).toEqual(ids.slice(COUNT - 5, COUNT));
  });
});

describe('errors of the older version', () => {
  it('say what is wrong', async () => {
    expect(await refusal(romeo, { ns: NS, set: '<max>4</max><after>none</after>' })).toBe('item-not-found');
    expect(await refusal(romeo, { ns: NS, to: 'juliet@localhost' })).toBe('forbidden');
    expect(await refusal(romeo, { ns: NS, fields: { with: '@' } })).toBe('jid-malformed');
    expect(await refusal(romeo, { ns: NS, set: '<max>x</max>' })).toBe('bad-request');
  });
});

it('the form of the older version has its namespace', async () => {
  const answer = await romeo.iq('get', undefined, `<query xmlns='${NS}'/>`);
  const form = answer.child('query', NS)!.child('x', 'jabber:x:data')!;
  const field = form.elements().find((one) => one.attribute('var') === 'FORM_TYPE')!;
  expect(field.childText('value')).toBe(NS);
  const names = form.elements().map((one) => one.attribute('var'));
  expect(names).toEqual(expect.arrayContaining(['with', 'start', 'end']));
});

it('preferences of the older version are the same as those of the newer one', async () => {
  const wish = `<prefs xmlns='${NS}' default='never'><always><jid>nurse@localhost</jid></always><never><jid>juliet@localhost</jid></never></prefs>`;
  const set = await romeo.iq('set', undefined, wish);
  expect(set.child('prefs', NS)!.attribute('default')).toBe('never');
  const newer = await romeo.iq('get', undefined, "<prefs xmlns='urn:xmpp:mam:2'/>");
  const prefs = newer.child('prefs', 'urn:xmpp:mam:2')!;
  expect(prefs.attribute('default')).toBe('never');
  expect(prefs.child('always')!.childText('jid')).toBe('nurse@localhost');
  expect(prefs.child('never')!.childText('jid')).toBe('juliet@localhost');
  const before = ids.length;
  await talk(romeo, juliet, ['not kept']);
  await talk(romeo, nurse, ['kept']);
  expect((await page(romeo, { ns: NS, set: '<max>1</max><before/>' })).bodies).toEqual(['kept']);
  expect((await page(romeo, { ns: NS, set: '<max>0</max>' })).count).toBe(String(before + 1));
  const wrong = await romeo.iq('set', undefined, `<prefs xmlns='${NS}' default='sometimes'/>`);
  expect(condition(wrong)).toBe('bad-request');
});
