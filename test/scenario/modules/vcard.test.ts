import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serialize } from '../../../src/xml/writer.ts';
import { type Element, TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, errorType, LAB, loginOn } from './support.ts';
import { DIRECTORY, form, found, NS_VCARD, publish, vcard } from './vcard-support.ts';

/** mod_vcard (XEP-0054): cards that users show of themselves. */

const MODULES = `
[auth.internal]
[auth.anonymous]
[modules.mod_presence]
[modules.mod_disco]
[modules.mod_vcard]
${LAB}`;
const GET = `<vCard xmlns='${NS_VCARD}'/>`;
const INFO = 'http://jabber.org/protocol/disco#info';
const ITEMS = 'http://jabber.org/protocol/disco#items';

function card(answer: Element): string {
  expect(answer.attribute('type')).toBe('result');
  return serialize(answer.child('vCard', NS_VCARD)!);
}

describe.each([1, 2])('vCards on %i shards', (shards) => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({
      shards,
      users: ['romeo', 'juliet', 'nurse', 'paris'],
      c2s: 'max_stanza_size = 1000000',
      toml: MODULES,
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await loginOn(server, 'juliet@localhost/balcony', shards === 1 ? 'same' : 'other', romeo);
  });

  afterAll(() => server.stop());

  it('are stored by their owner, replaced as a whole, and shown to anybody', async () => {
    expect(condition(await juliet.iq('get', undefined, GET))).toBe('item-not-found');
    await publish(juliet, '<FN>Juliet</FN><N><FAMILY>Capulet</FAMILY></N>');
    const second = '<FN>Juliet Capulet</FN><ADR><CTRY>Itali&#224;</CTRY></ADR><X-OWN>&lt;kept&gt;</X-OWN>';
    await publish(juliet, second);
    for (const [client, to] of [
      [juliet, undefined],
      [juliet, 'juliet@localhost'],
      [romeo, 'juliet@localhost'],
    ] as const) {
      expect(card(await client.iq('get', to, GET))).toBe(vcard(second.replace('&#224;', 'à')));
    }
  });

  it('that are not there are as unknown as accounts that are not there (XEP-0054 §3.3, T68)', async () => {
    const answers: string[] = [];
    for (const type of ['get', 'set'] as const) {
      for (const name of ['paris', 'nobody']) {
        const answer = await romeo.iq(type, `${name}@localhost`, GET, 'same');
        expect(condition(answer)).toBe(type === 'get' ? 'service-unavailable' : 'not-allowed');
        answers.push(serialize(answer).replaceAll(name, 'X'));
      }
    }
    expect(new Set(answers).size).toBe(2);
  });

  it('of others cannot be changed', async () => {
    await publish(juliet, '<FN>Juliet</FN>');
    const answer = await romeo.iq('set', 'juliet@localhost', vcard('<FN>Romeo</FN>'));
    expect([condition(answer), errorType(answer)]).toEqual(['not-allowed', 'cancel']);
    expect(card(await romeo.iq('get', 'juliet@localhost', GET))).toContain('<FN>Juliet</FN>');
  });

  it.each(['__proto__', 'constructor', 'toString'])(
    'keep an element called %s like any other',
    async (name) => {
      const content = `<FN>x</FN><${name} ${name}='1'>y</${name}><N><${name}/></N>`;
      await publish(romeo, content);
      expect(card(await juliet.iq('get', 'romeo@localhost', GET))).toBe(vcard(content));
    },
  );

  it('may have 256 KiB, and no more', async () => {
    const of = (bytes: number): string => {
      const empty = vcard('<PHOTO><BINVAL></BINVAL></PHOTO>');
      return empty.replace('</BINVAL>', `${'A'.repeat(bytes - empty.length)}</BINVAL>`);
    };
    expect((await romeo.iq('set', undefined, of(262_144))).attribute('type')).toBe('result');
    expect(card(await juliet.iq('get', 'romeo@localhost', GET))).toHaveLength(262_144);
    const answer = await romeo.iq('set', undefined, of(262_145));
    expect([condition(answer), errorType(answer)]).toEqual(['policy-violation', 'modify']);
    expect(card(await juliet.iq('get', 'romeo@localhost', GET))).toHaveLength(262_144);
  });

  it.each([
    ['FN', 'fn', 'x'.repeat(1_024)],
    ['NICKNAME', 'nick', '\ue000'],
    ['BDAY', 'bday', 'x\ufdd0'],
    ['FN', 'fn', '\u0085x\u0081'],
  ])('with a text in %s that cannot be searched for are refused', async (element, field, text) => {
    await publish(romeo, '<FN>before</FN>');
    const answer = await romeo.iq('set', undefined, vcard(`<${element}>${text}</${element}>`));
    expect([condition(answer), errorType(answer)]).toEqual(['bad-request', 'modify']);
    const words = answer.child('error')!.childText('text', 'urn:ietf:params:xml:ns:xmpp-stanzas');
    expect(words).toBe(`Invalid input for vcard field ${field}`);
    expect(card(await romeo.iq('get', undefined, GET))).toBe(vcard('<FN>before</FN>'));
  });

  it('may be decorated: what cannot be read aloud is not searched for', async () => {
    await publish(romeo, '<NICKNAME>★ Röm.eo 😀 ★</NICKNAME>');
    expect(await found(juliet, form({ nick: 'RÖMEO' }))).toEqual(['romeo@localhost']);
    expect(await found(juliet, form({ nick: '😀' }))).toEqual([]);
  });

  it('are called vCard', async () => {
    for (const to of [undefined, 'juliet@localhost', 'localhost', DIRECTORY]) {
      expect(condition(await romeo.iq('get', to, `<query xmlns='${NS_VCARD}'/>`))).toBe('bad-request');
    }
    expect(condition(await romeo.iq('set', undefined, `<vcard xmlns='${NS_VCARD}'/>`))).toBe('bad-request');
  });

  it.each(['localhost', DIRECTORY])('tell what %s is, and cannot be set there', async (to) => {
    const answer = await romeo.iq('get', to, GET);
    const names = answer
      .child('vCard', NS_VCARD)!
      .elements()
      .map(({ name }) => name);
    expect(names).toEqual(['FN', 'DESC']);
    expect(condition(await romeo.iq('set', to, vcard('<FN>x</FN>')))).toBe('not-allowed');
  });

  it('are announced, the directory among the items', async () => {
    for (const to of ['localhost', 'romeo@localhost']) {
      const answer = await romeo.iq('get', to, `<query xmlns='${INFO}'/>`);
      const features = answer
        .child('query', INFO)!
        .elements()
        .map((one) => one.attribute('var'));
      expect(features).toContain(NS_VCARD);
    }
    const items = (await romeo.iq('get', 'localhost', `<query xmlns='${ITEMS}'/>`)).child('query', ITEMS)!;
    expect(items.elements().map((item) => item.attribute('jid'))).toContain(DIRECTORY);
  });

  it('are exported with the account, and go with it, out of the directory, too', async () => {
    const run = (...args: string[]) => meerkat(['--config', server.configFile, ...args]);
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
    await publish(nurse, '<FN>Angelica</FN>');
    const table = async (): Promise<unknown> => {
      const { stdout } = await run('user', 'export', 'nurse@localhost', '--json');
      return JSON.parse(stdout).tables.find(({ name }: { name: string }) => name === 'vcard');
    };
    expect(await table()).toEqual({
      name: 'vcard',
      columns: ['jid', 'vcard'],
      rows: [['nurse@localhost', vcard('<FN>Angelica</FN>')]],
    });
    expect(await found(romeo, form({ fn: 'angelica' }))).toEqual(['nurse@localhost']);
    expect((await run('user', 'delete', 'nurse@localhost')).status).toBe(0);
    expect(condition(await romeo.iq('get', 'nurse@localhost', GET))).toBe('service-unavailable');
    expect(await found(romeo, form({ fn: 'angelica' }))).toEqual([]);
    expect((await run('user', 'add', 'nurse@localhost', 'secret')).status).toBe(0);
    expect(await table()).toMatchObject({ rows: [] });
  });

  it('of an anonymous user end with the session', async () => {
    const client = await TestClient.connect(server.port());
    await client.openStream('localhost');
    client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>");
    await client.element();
    await client.openStream('localhost');
    await client.bind('');
    await publish(client, '<FN>Masker</FN>');
    expect(await found(romeo, form({ fn: 'masker' }))).toHaveLength(1);
    await client.close();
    while ((await found(romeo, form({ fn: 'masker' }))).length > 0);
  });
});

describe('vCards while the store is away', () => {
  it('cannot be read, set or searched for, and can again afterwards', async () => {
    const server = await TestServer.start({ users: ['romeo'], toml: MODULES, isFaulty: true });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      await publish(romeo, '<FN>Romeo</FN>');
      await server.strike('store', 'stall-and-exit', 200);
      const answers = await Promise.all([romeo.iq('get', undefined, GET, 'a')]);
      for (const answer of answers) {
        expect([condition(answer), errorType(answer)]).toEqual(['internal-server-error', 'wait']);
      }
      const search = await romeo.iq('set', DIRECTORY, form({ fn: 'romeo' }));
      if (search.attribute('type') === 'error') expect(condition(search)).toBe('internal-server-error');
      let answer: Element;
      do answer = await romeo.iq('set', undefined, vcard('<FN>Montague</FN>'));
      while (condition(answer) === 'internal-server-error');
      expect(answer.attribute('type')).toBe('result');
      expect(await found(romeo, form({ fn: 'montague' }))).toEqual(['romeo@localhost']);
    } finally {
      await server.stop();
    }
  });
});
