import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serialize } from '../../../src/xml/writer.ts';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, errorType, fixture, LAB, loginOn } from './support.ts';

/** mod_adhoc (XEP-0050): commands that clients run. */

const NS = 'http://jabber.org/protocol/commands';
const INFO = 'http://jabber.org/protocol/disco#info';
const ITEMS = 'http://jabber.org/protocol/disco#items';

const config = (options: string): string => `
[modules.mod_presence]
[modules.mod_disco]
[modules.mod_adhoc]
  ${options}
${fixture('mod_test_commands', 'mod-test-commands.ts')}
${LAB}
${fixture(
  'mod_roster',
  'mod-roster-stub.ts',
  'entries = [{ user = "juliet@localhost", contact = "nurse@localhost", subscription = "from" }]',
)}`;

const command = (node: string, attributes = '', content = ''): string =>
  `<command xmlns='${NS}' node='${node}' ${attributes}>${content}</command>`;

/** The `<command/>` of a result. */
function done(answer: Element): Element {
  expect(answer.attribute('type')).toBe('result');
  return answer.child('command', NS)!;
}

/** What is bad about a request, in the words of XEP-0050. */
function detail(answer: Element): string | undefined {
  return answer.child('error')!.childOf(NS)?.name;
}

function identities(answer: Element): unknown[] {
  return answer
    .child('query', INFO)!
    .elements()
    .filter(({ name }) => name === 'identity')
    .map((one) => ['category', 'type', 'name'].map((name) => one.attribute(name)));
}

function features(answer: Element): (string | undefined)[] {
  return answer
    .child('query', INFO)!
    .elements()
    .filter(({ name }) => name === 'feature')
    .map((one) => one.attribute('var'));
}

function items(answer: Element): unknown[] {
  return answer
    .child('query', ITEMS)!
    .elements()
    .map((one) => ['jid', 'node', 'name'].map((name) => one.attribute(name)));
}

describe.each([1, 2])('commands on %i shards', (shards) => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;
  let nurse: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({ shards, users: ['romeo', 'juliet', 'nurse'], toml: config('') });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await loginOn(server, 'juliet@localhost/balcony', shards === 1 ? 'same' : 'other', romeo);
    nurse = await TestClient.login(server.port(), 'nurse@localhost/hall');
  });

  afterAll(() => server.stop());

  const discover = (client: TestClient, to: string, ns: string, node?: string): Promise<Element> =>
    client.iq(
      'get',
      to,
      node === undefined ? `<query xmlns='${ns}'/>` : `<query xmlns='${ns}' node='${node}'/>`,
    );

  describe('ping', () => {
    it.each(['', "action='execute'"])('is done at once %s', async (attributes) => {
      const answer = done(await romeo.iq('set', 'localhost', command('ping', attributes)));
      expect([answer.attribute('status'), answer.attribute('node')]).toEqual(['completed', 'ping']);
      expect(answer.attribute('sessionid')).toMatch(/^[\w-]{20,}$/);
      expect(answer.elements().map((one) => serialize(one, NS))).toEqual(["<note type='info'>Pong</note>"]);
    });

    it('keeps the session that it is given, and gives each request one of its own otherwise', async () => {
      const given = done(await romeo.iq('set', 'localhost', command('ping', "sessionid='a &lt;b&gt;'")));
      expect(given.attribute('sessionid')).toBe('a <b>');
      const ids = await Promise.all(
        ['x', 'y'].map(async (id) => {
          const client = id === 'x' ? romeo : juliet;
          return done(await client.iq('set', 'localhost', command('ping'), id)).attribute('sessionid');
        }),
      );
      expect(new Set(ids).size).toBe(2);
    });

    it.each(['next', 'prev', 'complete', 'cancel'])('has no stage for %s', async (action) => {
      const answer = await romeo.iq('set', 'localhost', command('ping', `action='${action}'`));
      expect([condition(answer), errorType(answer), detail(answer)]).toEqual([
        'bad-request',
        'modify',
        'bad-action',
      ]);
    });
  });

  describe('of other modules', () => {
    it('go through their stages', async () => {
      const first = done(await romeo.iq('set', 'localhost', command('stages')));
      expect(first.attribute('status')).toBe('executing');
      // What execute means is among the actions, also when its module forgot.
      expect(serialize(first.child('actions')!, NS)).toBe(
        "<actions execute='next'><complete/><next/></actions>",
      );
      const form =
        "<x xmlns='jabber:x:data' type='submit'><field var='__proto__'><value>x</value></field></x>";
      const session = `sessionid='${first.attribute('sessionid')}' action='complete'`;
      const second = done(await romeo.iq('set', 'localhost', command('stages', session, form)));
      expect([second.attribute('status'), second.attribute('sessionid')]).toEqual([
        'completed',
        first.attribute('sessionid'),
      ]);
      expect(second.elements().map((one) => serialize(one))).toEqual([form]);
      const canceled = done(await romeo.iq('set', 'localhost', command('stages', "action='cancel'")));
      expect(canceled.attribute('status')).toBe('canceled');
    });

    it('may be refused, fail, or have no answer', async () => {
      expect(condition(await romeo.iq('set', 'localhost', command('refused')))).toBe('forbidden');
      // A handler that throws is skipped, and nobody else knows the command.
      expect(condition(await romeo.iq('set', 'localhost', command('broken')))).toBe('item-not-found');
      romeo.send(`<iq type='set' id='silent' to='localhost'>${command('silent')}</iq>`);
      await romeo.nothingElse();
    });

    it('are there for accounts, for those who may see them', async () => {
      for (const client of [juliet, nurse]) {
        const answer = done(await client.iq('set', 'juliet@localhost', command('echo', "xml:lang='it'")));
        expect(answer.childText('note')).toBe(`${client.jid} to juliet@localhost in it`);
        expect(condition(await client.iq('set', 'juliet@localhost', command('ping')))).toBe('item-not-found');
      }
      const answers = [];
      for (const name of ['juliet', 'nobody']) {
        const answer = await romeo.iq('set', `${name}@localhost`, command('echo'), 'same');
        expect(condition(answer)).toBe('service-unavailable');
        answers.push(serialize(answer).replaceAll(name, 'X'));
      }
      expect(answers[0]).toBe(answers[1]);
    });
  });

  it.each(['unknown', '', '__proto__', 'constructor'])(
    'that nobody knows are not found: %s',
    async (node) => {
      const answer = await romeo.iq('set', 'localhost', command(node));
      expect([condition(answer), errorType(answer)]).toEqual(['item-not-found', 'cancel']);
      expect(condition(await romeo.iq('set', undefined, command(node)))).toBe('item-not-found');
    },
  );

  it.each([
    ['a get', 'get', command('ping'), undefined],
    ['another element', 'set', `<order xmlns='${NS}' node='ping'/>`, undefined],
    ['an action that does not exist', 'set', command('ping', "action='explode'"), 'malformed-action'],
    ['an action called __proto__', 'set', command('ping', "action='__proto__'"), 'malformed-action'],
    ['a form that asks', 'set', command('ping', '', "<x xmlns='jabber:x:data' type='form'/>"), 'bad-payload'],
    ['a form without a type', 'set', command('ping', '', "<x xmlns='jabber:x:data'/>"), 'bad-payload'],
    [
      'two forms',
      'set',
      command('ping', '', "<x xmlns='jabber:x:data' type='submit'/>".repeat(2)),
      'bad-payload',
    ],
  ] as const)('are no commands: %s', async (_what, type, payload, expected) => {
    for (const to of ['localhost', 'romeo@localhost']) {
      const answer = await romeo.iq(type, to, payload);
      expect([condition(answer), errorType(answer), detail(answer)]).toEqual([
        'bad-request',
        'modify',
        expected,
      ]);
    }
  });

  it('are announced: the list, and each of them', async () => {
    expect(features(await discover(romeo, 'localhost', INFO))).toContain(NS);
    expect(condition(await discover(romeo, 'localhost', ITEMS))).toBeUndefined();
  });

  it('of the server are found below their node', async () => {
    const list = await discover(romeo, 'localhost', INFO, NS);
    expect(identities(list)).toEqual([['automation', 'command-list', 'Commands']]);
    expect(features(list)).toEqual([]);
    expect(items(await discover(romeo, 'localhost', ITEMS, NS))).toEqual([
      ['localhost', 'stages', 'Stages'],
      ['localhost', 'ping', 'Ping'],
    ]);
    const ping = await discover(romeo, 'localhost', INFO, 'ping');
    expect(identities(ping)).toEqual([['automation', 'command-node', 'Ping']]);
    expect(features(ping)).toEqual([NS]);
    expect(items(await discover(romeo, 'localhost', ITEMS, 'ping'))).toEqual([]);
  });

  it('of accounts are found by those who may see them', async () => {
    for (const client of [juliet, nurse]) {
      expect(features(await discover(client, 'juliet@localhost', INFO))).toContain(NS);
      const list = await discover(client, 'juliet@localhost', INFO, NS);
      expect([identities(list), features(list)]).toEqual([[['automation', 'command-list', 'Commands']], []]);
      expect(items(await discover(client, 'juliet@localhost', ITEMS, NS))).toEqual([]);
      expect(condition(await discover(client, 'juliet@localhost', INFO, 'ping'))).toBe('item-not-found');
      const all = items(await discover(client, 'juliet@localhost', ITEMS)) as string[][];
      expect(all.map(([, node]) => node)).not.toContain(NS);
    }
    for (const ns of [INFO, ITEMS]) {
      expect(condition(await discover(romeo, 'juliet@localhost', ns, NS))).toBe('service-unavailable');
    }
  });
});

describe('the list of commands', () => {
  it('is among the items where the operator wants that', async () => {
    const server = await TestServer.start({
      users: ['romeo', 'juliet'],
      toml: config('report_commands_node = true'),
    });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      const list = (jid: string): unknown => [jid, NS, 'Commands'];
      const ask = async (to: string): Promise<unknown[]> =>
        items(await romeo.iq('get', to, `<query xmlns='${ITEMS}'/>`));
      expect(await ask('localhost')).toContainEqual(list('localhost'));
      expect(await ask('romeo@localhost')).toContainEqual(list('romeo@localhost'));
      expect(await ask('juliet@localhost')).toEqual([]);
    } finally {
      await server.stop();
    }
  });
});
