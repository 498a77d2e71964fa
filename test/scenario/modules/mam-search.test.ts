import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { page, refusal, talk } from './mam-support.ts';
import { LAB, loginOn } from './support.ts';

/** Searching an archive for words (XEP-0431). */

const FIELD = '{urn:xmpp:fulltext:0}fulltext';
const TEXTS = [
  'Hi there! My cat’s name is John.',
  'Yes, mine is called Johnny (he is a dog)',
  'CAT and dog',
  'Ромео, Ромео! зачем же ты Ромео?',
  'naïve café',
  'x &quot;OR&quot; y NEAR(a) * -b ^c',
];

let server: TestServer;
let romeo: TestClient;
let juliet: TestClient;

async function start(option: string): Promise<void> {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse'],
    toml: `[modules.mod_presence]\n[modules.mod_disco]\n[modules.mod_mam]\n${option}\n[modules.mod_mam.pm]\n${LAB}`,
  });
  romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
  juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
  await talk(romeo, juliet, TEXTS);
}

describe('a search', () => {
  beforeAll(async () => {
    await start('');
    await talk(juliet, romeo, ['a cat of hers']);
  });

  afterAll(() => server.stop());

  it.each([
    ['cat', [0, 2, 6]],
    ['CAT', [0, 2, 6]],
    ['cat dog', [2]],
    ['dog, cat!', [2]],
    ['john', [0]],
    ['johnny', [1]],
    ['ромео', [3]],
    ['café', [4]],
    ['cat nonsense', []],
    ['&quot;cat&quot; OR', []],
    ['* -b', [5]],
    ['name:cat', [0]],
    ['!!!', [0, 1, 2, 3, 4, 5, 6]],
    ['', [0, 1, 2, 3, 4, 5, 6]],
  ])('for %j finds what has all words, however they are written (threat T64)', async (text, expected) => {
    const all = [...TEXTS.map((one) => one.replaceAll('&quot;', '"')), 'a cat of hers'];
    for (const name of [FIELD, 'fulltext', 'full-text-search']) {
      const found = await page(romeo, { fields: { [name]: text } });
      expect(found.bodies).toEqual(expected.map((n) => all[n]));
    }
  });

  it('has pages, limits and counts like any query', async () => {
    const fields = { [FIELD]: 'cat' };
    const first = await page(romeo, { fields, set: '<max>2</max>' });
    expect(first).toMatchObject({ count: '3', index: '0', isComplete: false });
    const next = await page(romeo, { fields, set: `<max>2</max><after>${first.last}</after>` });
    expect(next).toMatchObject({ bodies: ['a cat of hers'], count: '3', index: '2', isComplete: true });
    const last = await page(romeo, { fields, set: '<max>1</max><before/>' });
    expect(last).toMatchObject({ bodies: ['a cat of hers'], isComplete: false });
    expect((await page(romeo, { fields: { ...fields, with: 'nurse@localhost' } })).ids).toEqual([]);
    expect((await page(romeo, { fields: { ...fields, 'before-id': first.ids[1]! } })).ids).toEqual([
      first.ids[0],
    ]);
  });

  it('is of one’s own archive alone, and no longer than a sentence', async () => {
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/r');
    expect((await page(nurse, { fields: { [FIELD]: 'cat' } })).ids).toEqual([]);
    expect(await refusal(nurse, { fields: { [FIELD]: 'x'.repeat(257) } })).toBe('not-acceptable');
    await nurse.close();
  });
});

describe('without an index', () => {
  beforeAll(() => start('full_text_search = false'));

  afterAll(() => server.stop());

  it('a search is refused, and is not announced', async () => {
    expect(await refusal(romeo, { fields: { [FIELD]: 'cat' } })).toBe('feature-not-implemented');
    expect((await page(romeo, { fields: { [FIELD]: '' } })).ids).toHaveLength(TEXTS.length);
    const info = await romeo.iq('get', undefined, "<query xmlns='http://jabber.org/protocol/disco#info'/>");
    expect(
      JSON.stringify(
        info
          .child('query', 'http://jabber.org/protocol/disco#info')!
          .elements()
          .map((one) => one.attribute('var')),
      ),
    ).not.toContain('fulltext');
  });
});
