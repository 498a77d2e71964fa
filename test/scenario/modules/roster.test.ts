import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { itemText, NS_ROSTER, push, pushed, ROSTER_MODULES, roster, setItem } from './roster-support.ts';
import { condition, errorType, loginOn } from './support.ts';

/** mod_roster: the roster itself (RFC 6121 §2). */

describe.each([1, 2])('a roster on %i shards', (shards) => {
  let server: TestServer;
  const open: TestClient[] = [];

  beforeAll(async () => {
    server = await TestServer.start({ shards, users: ['romeo', 'juliet'], toml: ROSTER_MODULES });
  });

  afterAll(() => server.stop());

  afterEach(async () => {
    for (const client of open.splice(0)) {
      for (const item of client.jid.startsWith('romeo') ? await roster(client) : []) {
        await setItem(client, `<item jid='${item.split(' ')[0]}' subscription='remove'/>`);
      }
      await client.close();
    }
  });

  async function login(jid: string, isAvailable = true): Promise<TestClient> {
    const client = await TestClient.login(server.port(), jid, { isAvailable });
    open.push(client);
    return client;
  }

  it('is empty at first', async () => {
    expect(await roster(await login('romeo@localhost/orchard'))).toEqual([]);
  });

  it('takes a contact, tells every connected resource, and answers', async () => {
    const orchard = await login('romeo@localhost/orchard');
    const garden = await login('romeo@localhost/garden', false);
    orchard.send(
      `<iq type='set' id='s1'><query xmlns='${NS_ROSTER}'>
        <item jid='Nurse@Localhost/x' name='Nurse &amp; co'><group>Servants</group><group>Old</group></item>
      </query></iq>`,
    );
    const expected = 'nurse@localhost "Nurse & co" none [Servants] [Old]';
    const told = await orchard.until((e) => e.name === 'iq');
    expect(pushed(told)).toBe(expected);
    expect(told.attribute('from')).toBe('romeo@localhost');
    expect(told.attribute('to')).toBe('romeo@localhost/orchard');
    const result = await orchard.element();
    expect([result.attribute('id'), result.attribute('type'), result.elements()]).toEqual([
      's1',
      'result',
      [],
    ]);
    expect(await push(garden)).toBe(expected);
    expect(await roster(garden)).toEqual([expected]);
  });

  it('keeps the name of a contact that is set without one, and takes the groups that come', async () => {
    const romeo = await login('romeo@localhost/orchard');
    await setItem(romeo, "<item jid='nurse@localhost' name='Nurse'><group>A</group></item>");
    await setItem(romeo, "<item jid='nurse@localhost'><group>B</group></item>");
    expect(await roster(romeo)).toEqual(['nurse@localhost "Nurse" none [B]']);
    await setItem(romeo, "<item jid='nurse@localhost' name=''/>");
    expect(await roster(romeo)).toEqual(['nurse@localhost none']);
  });

  it('keeps further children of an item, and ignores what only the server may say', async () => {
    const romeo = await login('romeo@localhost/orchard');
    await setItem(
      romeo,
      "<item jid='nurse@localhost' subscription='both' ask='subscribe' approved='true'><note xmlns='urn:x' a='1'>n&lt;</note></item>",
    );
    const result = await romeo.iq('get', undefined, `<query xmlns='${NS_ROSTER}'/>`);
    const item = result.child('query', NS_ROSTER)!.elements()[0]!;
    expect(itemText(item)).toBe('nurse@localhost none');
    expect(item.child('note', 'urn:x')?.text()).toBe('n<');
    expect(item.child('note', 'urn:x')?.attribute('a')).toBe('1');
  });

  it('loses a contact that is removed, and says so to every resource', async () => {
    const romeo = await login('romeo@localhost/orchard');
    const garden = await login('romeo@localhost/garden', false);
    await setItem(romeo, "<item jid='nurse@localhost'/>");
    romeo.send(
      `<iq type='set' id='r1'><query xmlns='${NS_ROSTER}'><item jid='nurse@localhost' subscription='remove'/></query></iq>`,
    );
    expect(await push(romeo)).toBe('nurse@localhost remove');
    expect((await romeo.element()).attribute('id')).toBe('r1');
    expect(await push(garden)).toBe('nurse@localhost none');
    expect(await push(garden)).toBe('nurse@localhost remove');
    expect(await roster(romeo)).toEqual([]);
  });

  it('reaches sessions on the other shards', async () => {
    if (shards === 1) return;
    const orchard = await login('romeo@localhost/orchard');
    const far = await loginOn(server, 'romeo@localhost/far', 'other', orchard);
    open.push(far);
    await setItem(orchard, "<item jid='nurse@localhost'/>");
    expect(await push(far)).toBe('nurse@localhost none');
    await setItem(far, "<item jid='nurse@localhost' name='N'/>");
    expect(await push(orchard)).toBe('nurse@localhost "N" none');
  });

  it('stays whole and in order when several sessions change it at once', async () => {
    const clients = await Promise.all(
      ['a', 'b', 'c', 'd'].map((resource) => login(`romeo@localhost/${resource}`)),
    );
    for (const client of clients) await roster(client);
    // All change one contact again and again, and each adds contacts of its own.
    await Promise.all(
      clients.map(async (client, c) => {
        const answers: Promise<unknown>[] = [];
        for (let i = 0; i < 20; i++) {
          client.send(
            `<iq type='set' id='x${i}'><query xmlns='${NS_ROSTER}'><item jid='all@localhost' name='${c}.${i}'/></query></iq>`,
          );
          client.send(
            `<iq type='set' id='y${i}'><query xmlns='${NS_ROSTER}'><item jid='c${c}i${i}@localhost'/></query></iq>`,
          );
        }
        await Promise.all(answers);
      }),
    );
    const histories = await Promise.all(
      clients.map(async (client) => {
        const history: string[] = [];
        while (history.length < 160) history.push(await push(client));
        return history;
      }),
    );
    for (const history of histories) expect(history).toEqual(histories[0]);
    const last = histories[0]!.findLast((item) => item.startsWith('all@'));
    const items = await roster(clients[0]!);
    expect(items).toHaveLength(81);
    expect(items).toContain(last);
  });

  it('is nobody else’s to see or change, whether the account exists or not', async () => {
    const juliet = await login('juliet@localhost/balcony');
    for (const [type, payload] of [
      ['get', ''],
      ['set', "<item jid='juliet@localhost'/>"],
    ] as const) {
      for (const owner of ['romeo@localhost', 'nobody@localhost']) {
        const error = await juliet.iq(type, owner, `<query xmlns='${NS_ROSTER}'>${payload}</query>`);
        expect(error.attribute('from')).toBe(owner);
        expect([error.attribute('type'), condition(error), errorType(error)]).toEqual([
          'error',
          'forbidden',
          'auth',
        ]);
      }
    }
    expect(await roster(await login('romeo@localhost/orchard'))).toEqual([]);
  });

  describe('refuses a change', () => {
    const long = 'x'.repeat(1_024);
    const groups = Array.from({ length: 101 }, (_, i) => `<group>${i}</group>`).join('');
    it.each([
      ['without an item', '', 'bad-request'],
      ['with two items', "<item jid='a@localhost'/><item jid='b@localhost'/>", 'bad-request'],
      ['with something else', "<thing jid='a@localhost'/>", 'bad-request'],
      ['with an item of another namespace', "<item xmlns='urn:x' jid='a@localhost'/>", 'bad-request'],
      ['without an address', '<item/>', 'bad-request'],
      ['with an address that is none', "<item jid='@localhost'/>", 'jid-malformed'],
      ['to remove an address that is none', "<item jid='a@' subscription='remove'/>", 'jid-malformed'],
      ['of the user himself', "<item jid='romeo@localhost'/>", 'not-allowed'],
      ['with too long a name', `<item jid='a@localhost' name='${long}'/>`, 'not-acceptable'],
      ['with an empty group', "<item jid='a@localhost'><group/></item>", 'not-acceptable'],
      ['with too long a group', `<item jid='a@localhost'><group>${long}</group></item>`, 'not-acceptable'],
      ['with too many groups', `<item jid='a@localhost'>${groups}</item>`, 'not-acceptable'],
      [
        'with a group twice',
        "<item jid='a@localhost'><group>g</group><group>g</group></item>",
        'bad-request',
      ],
      [
        'that is too large',
        `<item jid='a@localhost'><x xmlns='urn:x'>${long.repeat(5)}</x></item>`,
        'not-acceptable',
      ],
      ['to remove somebody unknown', "<item jid='a@localhost' subscription='remove'/>", 'item-not-found'],
    ])('%s', async (_what, item, expected) => {
      const romeo = await login('romeo@localhost/orchard');
      const error = await setItem(romeo, item);
      expect(error.attribute('type')).toBe('error');
      expect(condition(error)).toBe(expected);
      expect(await roster(romeo)).toEqual([]);
    });
  });

  it('takes names and groups as long as they may be, and as many', async () => {
    const romeo = await login('romeo@localhost/orchard');
    const long = 'ü'.repeat(511);
    const groups = Array.from({ length: 100 }, (_, i) => `<group>${i}</group>`).join('');
    await setItem(romeo, `<item jid='a@localhost' name='${long}x'>${groups}</item>`);
    const [item] = await roster(romeo);
    expect(item).toContain(`"${long}x"`);
    expect(item).toContain('[99]');
  });

  it('takes words that are special to programs for what they are', async () => {
    const romeo = await login('romeo@localhost/orchard');
    await setItem(romeo, "<item jid='constructor' name='__proto__'><group>toString</group></item>");
    await setItem(romeo, "<item jid='__proto__@localhost' name='&apos;; DROP TABLE users'/>");
    expect(await roster(romeo)).toEqual([
      `__proto__@localhost "'; DROP TABLE users" none`,
      'constructor "__proto__" none [toString]',
    ]);
  });

  it('does not let others push into it (threat T36)', async () => {
    const romeo = await login('romeo@localhost/orchard');
    const garden = await login('romeo@localhost/garden');
    const juliet = await login('juliet@localhost/balcony');
    for (const forger of [juliet, garden]) {
      const error = await forger.iq(
        'set',
        'romeo@localhost/orchard',
        `<query xmlns='${NS_ROSTER}'><item jid='iago@localhost' subscription='both'/></query>`,
      );
      expect(condition(error)).toBe('service-unavailable');
    }
    for (const heard of romeo.heardNow()) {
      if (heard.kind === 'element') expect(heard.element.name).toBe('presence');
    }
    await romeo.nothingElse();
  });

  it('is there again after a restart', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    await setItem(romeo, "<item jid='nurse@localhost' name='Nurse'><group>G</group></item>");
    await server.kill();
    await server.launch();
    const again = await login('romeo@localhost/orchard');
    expect(await roster(again)).toEqual(['nurse@localhost "Nurse" none [G]']);
  });
});

describe('a roster with few places', () => {
  it('refuses one contact more, and takes changes of those that are there', async () => {
    const server = await TestServer.start({
      users: ['romeo'],
      toml: ROSTER_MODULES.replace('[modules.mod_roster]', '[modules.mod_roster]\n  max_items = 3'),
    });
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    for (const name of ['a', 'b', 'c']) {
      expect((await setItem(romeo, `<item jid='${name}@localhost'/>`)).attribute('type')).toBe('result');
    }
    const error = await setItem(romeo, "<item jid='d@localhost'/>");
    expect([condition(error), errorType(error)]).toEqual(['resource-constraint', 'wait']);
    // To ask for presence makes a contact, too.
    romeo.send("<presence to='d@localhost' type='subscribe'/>");
    const refused = await romeo.until((e) => e.attribute('type') === 'error');
    expect([refused.attribute('from'), condition(refused)]).toEqual(['d@localhost', 'resource-constraint']);
    expect((await setItem(romeo, "<item jid='c@localhost' name='C'/>")).attribute('type')).toBe('result');
    await setItem(romeo, "<item jid='a@localhost' subscription='remove'/>");
    expect((await setItem(romeo, "<item jid='d@localhost'/>")).attribute('type')).toBe('result');
    await server.stop();
  });
});
