import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serialize } from '../../../src/xml/writer.ts';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, errorType, LAB, loginOn } from './support.ts';
import { DIRECTORY, form, found, NS_RSM, NS_SEARCH, NS_VCARD, publish, rows } from './vcard-support.ts';

/** mod_vcard (XEP-0055): the directory of users. */

const INFO = 'http://jabber.org/protocol/disco#info';
const ITEMS = 'http://jabber.org/protocol/disco#items';
const PEOPLE = ['benvolio', 'juliet', 'mercutio', 'paris', 'romeo', 'tybalt'];
const CARDS: Record<string, string> = {
  benvolio: '<FN>Benvolio Montague</FN><N><GIVEN>Benvolio</GIVEN><FAMILY>Montague</FAMILY></N>',
  juliet:
    '<FN>Juliet Capulet</FN><N><GIVEN>Juliet</GIVEN><MIDDLE>J.</MIDDLE><FAMILY>Capulet</FAMILY></N><NICKNAME>Jule</NICKNAME>' +
    '<BDAY>1583-07-31</BDAY><ADR><LOCALITY>Verona</LOCALITY><CTRY>Italy</CTRY></ADR><EMAIL><USERID>j@capulet.example</USERID></EMAIL>' +
    '<ORG><ORGNAME>House of Capulet</ORGNAME><ORGUNIT>Daughters</ORGUNIT></ORG>',
  mercutio: '<FN>Mercutio</FN><EMAIL>m@verona.example</EMAIL>',
  romeo:
    '<FN>Romeo Montague</FN><N><GIVEN>Romeo</GIVEN><FAMILY>Montague</FAMILY></N><ADR><CTRY>Italy</CTRY></ADR>',
  tybalt:
    '<FN>Tybalt Capulet</FN><N><FAMILY>CAPULET</FAMILY></N><ADR><LOCALITY>Ｖｅｒｏｎａ</LOCALITY></ADR>',
};
const at = (...names: string[]): string[] => names.map((name) => `${name}@localhost`);

const config = (options = '', more = ''): string => `[general]
  hosts = ["localhost", "mantua.example"]
  loglevel = "warning"
  shards = 2
[[listen.c2s]]
  port = 0
  ip_address = "127.0.0.1"
  shaper = "none"
  connections_per_second_per_address = "infinity"
[storage]
  directory = "./data"
[modules.mod_presence]
[modules.mod_disco]
  [[modules.mod_disco.server_info]]
    name = "abuse-addresses"
    urls = ["mailto:abuse@localhost"]
    modules = ["mod_vcard"]
[modules.mod_vcard]
  ${options}
${LAB}
${more}`;

describe('the directory of users', () => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({
      users: [...PEOPLE, 'romeo@mantua.example'],
      config: config('matches = 4'),
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    for (const [name, content] of Object.entries(CARDS)) {
      const client =
        name === 'romeo'
          ? romeo
          : name === 'juliet'
            ? juliet
            : await TestClient.login(server.port(), `${name}@localhost/x`);
      await publish(client, content);
    }
    const other = await TestClient.login(server.port(), 'romeo@mantua.example/x');
    await publish(other, '<FN>Romeo in exile</FN><ADR><CTRY>Italy</CTRY></ADR>');
  });

  afterAll(() => server.stop());

  it('tells what it is, with its contact addresses (XEP-0157)', async () => {
    const query = (await romeo.iq('get', DIRECTORY, `<query xmlns='${INFO}'/>`)).child('query', INFO)!;
    const [identity, x, ...features] = query.elements();
    expect(Object.fromEntries(identity!.attributes)).toEqual({
      category: 'directory',
      type: 'user',
      name: 'vCard User Search',
    });
    expect(serialize(x!)).toContain('<value>mailto:abuse@localhost</value>');
    expect(features.map((one) => one.attribute('var'))).toEqual([INFO, ITEMS, NS_SEARCH, NS_VCARD].sort());
    const items = await romeo.iq('get', DIRECTORY, `<query xmlns='${ITEMS}'/>`);
    expect(items.child('query', ITEMS)!.elements()).toEqual([]);
    for (const ns of [INFO, ITEMS]) {
      expect(condition(await romeo.iq('set', DIRECTORY, `<query xmlns='${ns}'/>`))).toBe('not-allowed');
      expect(condition(await romeo.iq('get', DIRECTORY, `<query xmlns='${ns}' node='x'/>`))).toBe(
        'item-not-found',
      );
      expect(condition(await romeo.iq('get', DIRECTORY, `<other xmlns='${ns}'/>`))).toBe('bad-request');
    }
  });

  it('asks for what can be searched for, with and without a form', async () => {
    const query = (await romeo.iq('get', DIRECTORY, `<query xmlns='${NS_SEARCH}'/>`)).child(
      'query',
      NS_SEARCH,
    )!;
    expect(query.elements().map(({ name }) => name)).toEqual([
      'instructions',
      'first',
      'last',
      'nick',
      'email',
      'x',
    ]);
    const x = query.child('x', 'jabber:x:data')!;
    expect([x.attribute('type'), x.childText('title')]).toEqual(['form', 'Search users in localhost']);
    const fields = x.elements().filter(({ name }) => name === 'field');
    expect(fields.map((field) => field.attribute('var'))).toEqual(
      'FORM_TYPE user fn first middle last nick bday ctry locality email orgname orgunit'.split(' '),
    );
  });

  it('shows what the cards say', async () => {
    const answer = await romeo.iq('set', DIRECTORY, form({ user: 'juliet' }));
    expect(rows(answer)).toEqual([
      {
        jid: 'juliet@localhost',
        fn: 'Juliet Capulet',
        first: 'Juliet',
        middle: 'J.',
        last: 'Capulet',
        nick: 'Jule',
        bday: '1583-07-31',
        ctry: 'Italy',
        locality: 'Verona',
        email: 'j@capulet.example',
        orgname: 'House of Capulet',
        orgunit: 'Daughters',
      },
    ]);
  });

  it.each<[Record<string, string>, string[]]>([
    [{ fn: 'mercutio' }, at('mercutio')],
    [{ fn: 'MERCUTIO' }, at('mercutio')],
    [{ fn: 'Mercut' }, []],
    [{ fn: 'mercut*' }, at('mercutio')],
    [{ last: 'Capulet' }, at('juliet', 'tybalt')],
    [{ last: 'm*' }, at('benvolio', 'romeo')],
    [{ last: 'montague', ctry: 'italy' }, at('romeo')],
    [{ last: 'montague', ctry: 'france' }, []],
    [{ locality: 'verona' }, at('juliet', 'tybalt')],
    [{ email: 'm@verona.example' }, at('mercutio')],
    [{ orgunit: 'daught*', bday: '1583*' }, at('juliet')],
    [{ user: 'r*' }, at('romeo')],
    [{ fn: '' }, []],
    [{}, []],
    [{ unknown: 'x', __proto__: 'x' }, []],
    [{ unknown: 'x', fn: 'mercutio' }, at('mercutio')],
    [{ fn: '%' }, []],
    [{ fn: "' OR 1=1 --" }, []],
    [{ fn: 'x'.repeat(2_000) }, []],
    [{ nick: '*' }, at('juliet')],
  ])('finds by %j', async (fields, expected) => {
    for (const client of [romeo, juliet]) expect(await found(client, form(fields))).toEqual(expected);
  });

  it('knows no field by a word of the language', async () => {
    const names = ['__proto__', 'constructor', 'hasOwnProperty'];
    const fields = names.map((name) => `<field var='${name}'><value>*</value></field>`).join('');
    const query = `<query xmlns='${NS_SEARCH}'><x xmlns='jabber:x:data' type='submit'>${fields}</x></query>`;
    expect(await found(romeo, query)).toEqual([]);
  });

  it('ignores a field with several values', async () => {
    const two = "<field var='fn'><value>Mercutio</value><value>x</value></field>";
    const query = (more: string): string =>
      `<query xmlns='${NS_SEARCH}'><x xmlns='jabber:x:data' type='submit'>${two}${more}</x></query>`;
    expect(await found(romeo, query(''))).toEqual([]);
    expect(await found(romeo, query("<field var='user'><value>romeo</value></field>"))).toEqual(at('romeo'));
  });

  it('finds so many at most', async () => {
    expect(await found(romeo, form({ fn: '*' }))).toHaveLength(4);
  });

  it('is about the users of its own domain', async () => {
    expect(await found(romeo, form({ ctry: 'italy' }))).toEqual(at('juliet', 'romeo'));
    expect(await found(romeo, form({ ctry: 'italy' }), 'vjud.mantua.example')).toEqual([
      'romeo@mantua.example',
    ]);
  });

  it('answers clients without data forms in the old way', async () => {
    const ask = async (fields: string): Promise<Element[]> => {
      const answer = await romeo.iq('set', DIRECTORY, `<query xmlns='${NS_SEARCH}'>${fields}</query>`);
      return answer.child('query', NS_SEARCH)!.elements();
    };
    const [item, ...more] = await ask('<last>capulet</last><first>jul*</first>');
    expect(serialize(item!, NS_SEARCH)).toBe(
      "<item jid='juliet@localhost'><first>Juliet</first><last>Capulet</last><nick>Jule</nick><email>j@capulet.example</email></item>",
    );
    expect(more).toEqual([]);
    expect(await ask('<nick>nobody</nick>')).toEqual([]);
  });

  describe('in pages (XEP-0059)', () => {
    const page = async (content: string): Promise<{ jids: string[]; set: string | undefined }> => {
      const query = form({ fn: '*' }, `<set xmlns='${NS_RSM}'>${content}</set>`);
      const answer = await romeo.iq('set', DIRECTORY, query);
      const set = answer.child('query', NS_SEARCH)?.child('set', NS_RSM);
      return {
        jids: rows(answer).map(({ jid }) => jid!),
        set: set === undefined ? undefined : serialize(set, NS_RSM),
      };
    };
    const about = (first: string, last: string, index: number): string =>
      `<set><first index='${index}'>${first}</first><last>${last}</last><count>4</count></set>`;

    it('forward, backward, from the end, by position, and as a mere count', async () => {
      const [a, b, c, d] = (await found(romeo, form({ fn: '*' }))) as [string, string, string, string];
      expect(await page('<max>3</max>')).toEqual({ jids: [a, b, c], set: about(a, c, 0) });
      expect(await page(`<max>3</max><after>${c}</after>`)).toEqual({ jids: [d], set: about(d, d, 3) });
      expect(await page(`<max>2</max><before>${d}</before>`)).toEqual({ jids: [b, c], set: about(b, c, 1) });
      expect(await page('<max>2</max><before/>')).toEqual({ jids: [c, d], set: about(c, d, 2) });
      expect(await page('<max>1</max><index>1</index>')).toEqual({ jids: [b], set: about(b, b, 1) });
      expect(await page('<max>0</max>')).toEqual({ jids: [], set: '<set><count>4</count></set>' });
      expect(await page(`<max>9</max><after>${d}</after>`)).toEqual({
        jids: [],
        set: '<set><count>4</count></set>',
      });
      expect(await page('<index>99</index>')).toEqual({ jids: [], set: '<set><count>4</count></set>' });
      expect(await page('')).toEqual({ jids: [a, b, c, d], set: about(a, d, 0) });
    });

    it('that nothing is found for have no description', async () => {
      const query = form({ fn: 'nobody' }, `<set xmlns='${NS_RSM}'><max>3</max></set>`);
      const answer = await romeo.iq('set', DIRECTORY, query);
      expect(answer.child('query', NS_SEARCH)!.child('set', NS_RSM)).toBeUndefined();
    });

    it.each([
      ['<max>x</max>', 'bad-request'],
      ['<max>-1</max>', 'bad-request'],
      ['<max>99999999999999999999</max>', 'bad-request'],
      ['<index>1.5</index>', 'bad-request'],
      ['<max>1</max><after>nobody@localhost</after>', 'item-not-found'],
      ['<max>1</max><before>nobody@localhost</before>', 'item-not-found'],
    ])('cannot be asked for by %s', async (content, expected) => {
      const query = form({ fn: '*' }, `<set xmlns='${NS_RSM}'>${content}</set>`);
      expect(condition(await romeo.iq('set', DIRECTORY, query))).toBe(expected);
    });
  });

  it.each([
    ['no form and no field', `<query xmlns='${NS_SEARCH}'/>`],
    ['a form that was not filled in', form({ fn: 'x' }, '', 'form')],
    ['a form that was given up', form({}, '', 'cancel')],
    ['another element', `<other xmlns='${NS_SEARCH}'/>`],
  ])('refuses %s', async (_what, query) => {
    const answer = await romeo.iq('set', DIRECTORY, query);
    expect([condition(answer), errorType(answer)]).toEqual(['bad-request', 'modify']);
  });

  it('has nothing else, and nobody in it', async () => {
    const query = `<query xmlns='${NS_SEARCH}'/>`;
    for (const to of [`juliet@${DIRECTORY}`, `${DIRECTORY}/x`]) {
      expect(condition(await romeo.iq('get', to, query))).toBe('service-unavailable');
    }
    expect(condition(await romeo.iq('get', DIRECTORY, "<query xmlns='jabber:iq:version'/>"))).toBe(
      'service-unavailable',
    );
    expect(condition(await romeo.iq('get', DIRECTORY, `${query}${query}`))).toBe('bad-request');
    romeo.send(`<message to='${DIRECTORY}'><body>x</body></message><presence to='${DIRECTORY}'/>`);
    romeo.send(`<iq type='result' id='x' to='${DIRECTORY}'/><message type='error' to='${DIRECTORY}'/>`);
    expect(condition(await romeo.message())).toBe('service-unavailable');
    await romeo.nothingElse();
  });
});

describe('without a directory', () => {
  it('there is none among the items, and nothing answers there', async () => {
    const server = await TestServer.start({ users: ['romeo'], config: config('search = false') });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      expect(condition(await romeo.iq('get', 'localhost', `<query xmlns='${ITEMS}'/>`))).toBeUndefined();
      const items = (await romeo.iq('get', 'localhost', `<query xmlns='${ITEMS}'/>`)).child('query', ITEMS)!;
      expect(items.elements()).toEqual([]);
      expect((await romeo.iq('get', DIRECTORY, `<query xmlns='${NS_SEARCH}'/>`)).attribute('type')).toBe(
        'error',
      );
      await publish(romeo, '<FN>Romeo</FN>');
    } finally {
      await server.stop();
    }
  });
});

describe('a directory that serves several domains under one name', () => {
  it('is refused at the start', async () => {
    await expect(TestServer.start({ config: config('host = "vjud.localhost"') })).rejects.toThrow(
      'vjud.localhost is served for localhost already',
    );
    await expect(TestServer.start({ config: config('host = "a b"') })).rejects.toThrow('not a domain name');
  });
});
