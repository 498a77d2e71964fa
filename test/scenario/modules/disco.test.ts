import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, fixture } from './support.ts';

/** mod_disco (XEP-0030, XEP-0157): what the server and accounts tell about themselves, and to whom. */

const INFO = 'http://jabber.org/protocol/disco#info';
const ITEMS = 'http://jabber.org/protocol/disco#items';

const component = (name: string, domain: string, more = ''): string =>
  fixture(name, `${name.replaceAll('_', '-')}.ts`, `domain = "${domain}"\n  shards = [0]\n  ${more}`);

const MODULES = `
[modules.mod_presence]
[modules.mod_offline]
[modules.mod_ping]
[modules.mod_version]
[modules.mod_disco]
  extra_domains = ["Rooms.Example", "echo.test"]
  [[modules.mod_disco.server_info]]
    name = "abuse-addresses"
    urls = ["mailto:abuse@localhost", "xmpp:abuse@localhost"]
  [[modules.mod_disco.server_info]]
    name = "support-addresses"
    urls = ["mailto:help@localhost"]
    modules = ["mod_disco"]
  [[modules.mod_disco.server_info]]
    name = "admin-addresses"
    urls = ["mailto:rooms@localhost"]
    modules = ["mod_muc"]
${component('mod_test_component', 'echo.test')}
${fixture('mod_lab', 'mod-lab.ts', 'subdomain = "lab.localhost"')}
${fixture(
  'mod_roster',
  'mod-roster-stub.ts',
  `entries = [
    { user = "juliet@localhost", contact = "nurse@localhost", subscription = "from" },
    { user = "juliet@localhost", contact = "paris@localhost", subscription = "to" },
  ]`,
)}`;

const USERS = ['romeo', 'juliet', 'nurse', 'paris'];

function ask(client: TestClient, to: string | undefined, ns: string, node?: string): Promise<Element> {
  return client.iq(
    'get',
    to,
    node === undefined ? `<query xmlns='${ns}'/>` : `<query xmlns='${ns}' node='${node}'/>`,
  );
}

function values(answer: Element, ns: string, name: string, attribute: string): (string | undefined)[] {
  const children = answer.child('query', ns)!.elements();
  return children.filter((child) => child.name === name).map((child) => child.attribute(attribute));
}

describe.each([1, 2])('service discovery on %i shards', (shards) => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;
  let nurse: TestClient;
  let paris: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({ shards, users: USERS, toml: MODULES });
    const login = (jid: string): Promise<TestClient> => TestClient.login(server.port(), jid);
    romeo = await login('romeo@localhost/orchard');
    juliet = await login('juliet@localhost/chamber');
    await login('juliet@localhost/balcony');
    await TestClient.login(server.port(), 'juliet@localhost/absent', { isAvailable: false });
    nurse = await login('nurse@localhost/hall');
    paris = await login('paris@localhost/street');
  });

  afterAll(() => server.stop());

  describe('of the server', () => {
    it('tells who it is, and what its modules do, sorted and once each', async () => {
      const answer = await ask(romeo, 'localhost', INFO);
      const [identity] = answer.child('query', INFO)!.elements();
      expect(identity!.name).toBe('identity');
      expect(Object.fromEntries(identity!.attributes)).toEqual({
        category: 'server',
        type: 'im',
        name: 'Meerkat',
      });
      const features = values(answer, INFO, 'feature', 'var');
      expect(features).toEqual([...new Set(features)].sort());
      const expected = [INFO, ITEMS, 'iq', 'presence', 'msgoffline', 'urn:xmpp:ping', 'jabber:iq:version'];
      expect(features).toEqual(expect.arrayContaining(expected));
      expect(features).not.toContain('urn:xmpp:time');
    });

    it('shows its contact addresses, but not those of other services (XEP-0157)', async () => {
      const children = (await ask(romeo, 'localhost', INFO)).child('query', INFO)!.elements();
      expect(children.findIndex(({ name }) => name === 'x')).toBe(1);
      const form = children[1]!;
      expect([form.ns, form.attribute('type')]).toEqual(['jabber:x:data', 'result']);
      const fields = form
        .elements()
        .map((field) => [field.attribute('var'), field.elements().map((value) => value.text())]);
      expect(fields).toEqual([
        ['FORM_TYPE', ['http://jabber.org/network/serverinfo']],
        ['abuse-addresses', ['mailto:abuse@localhost', 'xmpp:abuse@localhost']],
        ['support-addresses', ['mailto:help@localhost']],
      ]);
    });

    it('lists subdomains, components and further domains, each once, on every shard alike', async () => {
      for (const client of [romeo, juliet, nurse, paris]) {
        const items = values(await ask(client, 'localhost', ITEMS), ITEMS, 'item', 'jid');
        expect(items.toSorted()).toEqual(['echo.test', 'lab.localhost', 'rooms.example']);
      }
    });

    it.each([INFO, ITEMS])('has no unknown node in %s', async (ns) => {
      for (const node of ['unknown', '__proto__', 'constructor', '0']) {
        const answer = await ask(romeo, 'localhost', ns, node);
        expect(condition(answer)).toBe('item-not-found');
        expect(answer.child('query', ns)!.attribute('node')).toBe(node);
      }
    });

    it('repeats the node that it knows', async () => {
      const answer = await ask(romeo, 'localhost', INFO, 'msgoffline');
      expect(answer.attribute('type')).toBe('result');
      expect(answer.child('query', INFO)!.attribute('node')).toBe('msgoffline');
    });
  });

  describe('of an account', () => {
    it.each(['juliet', 'nurse'])(
      'tells %s, who may see it, that it is registered and what it can',
      async (who) => {
        const answer = await ask(who === 'juliet' ? juliet : nurse, 'juliet@localhost', INFO);
        const [identity] = answer.child('query', INFO)!.elements();
        expect(Object.fromEntries(identity!.attributes)).toEqual({ category: 'account', type: 'registered' });
        const features = values(answer, INFO, 'feature', 'var');
        expect(features).toEqual(expect.arrayContaining([INFO, ITEMS, 'msgoffline', 'urn:xmpp:ping']));
      },
    );

    it.each(['juliet', 'nurse'])(
      'shows %s, who may see it, its available resources in order',
      async (who) => {
        const answer = await ask(who === 'juliet' ? juliet : nurse, 'juliet@localhost', ITEMS);
        expect(values(answer, ITEMS, 'item', 'jid')).toEqual([
          'juliet@localhost/balcony',
          'juliet@localhost/chamber',
        ]);
        expect(values(answer, ITEMS, 'item', 'name')).toEqual(['juliet', 'juliet']);
      },
    );

    it('means the own account when the request has no address', async () => {
      const answer = await ask(juliet, undefined, INFO);
      expect(values(answer, INFO, 'identity', 'category')).toEqual(['account']);
    });

    it.each([INFO, ITEMS])('has no unknown node in %s for who may see it', async (ns) => {
      for (const client of [juliet, nurse]) {
        for (const node of ['unknown', '__proto__', 'constructor'])
          expect(condition(await ask(client, 'juliet@localhost', ns, node))).toBe('item-not-found');
      }
    });

    it('tells a stranger no more than an account that does not exist', async () => {
      // Whose presence Juliet sees need not see hers.
      for (const client of [romeo, paris]) {
        for (const [ns, node] of [
          [INFO],
          [INFO, 'x'],
          [INFO, 'msgoffline'],
          [ITEMS],
          [ITEMS, 'x'],
        ] as const) {
          const real = await ask(client, 'juliet@localhost', ns, node);
          const imagined = await ask(client, 'nobody@localhost', ns, node);
          const shape = (answer: Element): unknown => [answer.attribute('type'), condition(answer)];
          expect(shape(real), `${ns} ${node}`).toEqual(shape(imagined));
          if (ns === INFO || node !== undefined) expect(condition(real)).toBe('service-unavailable');
          else expect(real.child('query', ITEMS)!.elements()).toEqual([]);
        }
      }
    });
  });

  it.each([INFO, ITEMS])('cannot be set: %s', async (ns) => {
    expect(condition(await romeo.iq('set', 'localhost', `<query xmlns='${ns}'/>`))).toBe('not-allowed');
    expect(condition(await juliet.iq('set', 'juliet@localhost', `<query xmlns='${ns}'/>`))).toBe(
      'not-allowed',
    );
    expect(condition(await romeo.iq('get', 'localhost', `<other xmlns='${ns}'/>`))).toBe('bad-request');
  });
});

describe('hidden components', () => {
  it.each([
    [true, ['echo.test']],
    [false, []],
  ])('are listed if users can see hidden services: %s', async (canSee, expected) => {
    const server = await TestServer.start({
      users: ['romeo'],
      toml: `
        [modules.mod_disco]
          users_can_see_hidden_services = ${canSee}
        ${component('mod_test_component', 'echo.test', 'hidden = true')}`,
    });
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard', { isAvailable: false });
    expect(values(await ask(romeo, 'localhost', ITEMS), ITEMS, 'item', 'jid')).toEqual(expected);
    await server.stop();
  });
});
