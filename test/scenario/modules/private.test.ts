import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serialize } from '../../../src/xml/writer.ts';
import { type Element, TestClient } from '../../helpers/client.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, errorType, LAB, loginOn } from './support.ts';

/** mod_private (XEP-0049): what clients keep on the server for themselves. */

const NS = 'jabber:iq:private';
const MODULES = `[modules.mod_presence]\n[modules.mod_disco]\n[modules.mod_private]\n${LAB}`;

function query(content: string): string {
  return `<query xmlns='${NS}'>${content}</query>`;
}

function kept(answer: Element): string[] {
  expect(answer.attribute('type')).toBe('result');
  return answer
    .child('query', NS)!
    .elements()
    .map((element) => serialize(element));
}

describe.each([1, 2])('private storage on %i shards', (shards) => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;

  beforeAll(async () => {
    server = await TestServer.start({
      shards,
      users: ['romeo', 'juliet', 'nurse', 'paris', 'full'],
      c2s: 'max_stanza_size = 1000000',
      toml: `${MODULES}\n[auth.internal]\n[auth.anonymous]`,
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
  });

  afterAll(() => server.stop());

  it('gives back what was stored, to every session of the account, and after a restart of the session', async () => {
    const data =
      "<exodus xmlns='exodus:prefs'><defaultnick>Hamlet &amp; &lt;co&gt;</defaultnick><empty xmlns=''/></exodus>";
    const stored = await romeo.iq('set', undefined, query(data));
    expect(stored.attribute('type')).toBe('result');
    expect(stored.elements()).toEqual([]);
    const other = await loginOn(server, 'romeo@localhost/other', shards === 1 ? 'same' : 'other', romeo);
    for (const [client, to] of [
      [romeo, undefined],
      [romeo, 'romeo@localhost'],
      [other, 'romeo@localhost'],
    ] as const) {
      expect(kept(await client.iq('get', to, query("<exodus xmlns='exodus:prefs'/>")))).toEqual([data]);
    }
    await other.close();
  });

  it('answers what was never stored with the element of the question', async () => {
    const asked = "<storage xmlns='storage:nothing' a='b'><c/></storage>";
    expect(kept(await romeo.iq('get', undefined, query(asked)))).toEqual([asked]);
  });

  it('replaces what is of the same namespace, and keeps elements of one request together', async () => {
    const [a, b, c] = ["<a xmlns='urn:t:1'/>", "<b xmlns='urn:t:1'>x</b>", "<c xmlns='urn:t:2'/>"] as const;
    await romeo.iq('set', undefined, query(a + c + b));
    expect(kept(await romeo.iq('get', undefined, query("<any xmlns='urn:t:1'/>")))).toEqual([a, b]);
    await romeo.iq('set', undefined, query(b));
    const asked = query("<a xmlns='urn:t:1'/><b xmlns='urn:t:2'/><a2 xmlns='urn:t:1'/>");
    expect(kept(await romeo.iq('get', undefined, asked))).toEqual([b, c]);
  });

  it.each(['__proto__', 'constructor', 'hasOwnProperty', '0'])(
    'takes %s for a name like any other',
    async (name) => {
      const element = `<${name === '0' ? 'zero' : name} xmlns='${name}' ${name === '0' ? 'a' : name}='x'/>`;
      expect((await romeo.iq('set', undefined, query(element))).attribute('type')).toBe('result');
      expect(kept(await romeo.iq('get', undefined, query(`<q xmlns='${name}'/>`)))).toEqual([element]);
      expect(kept(await juliet.iq('get', undefined, query(`<q xmlns='${name}'/>`)))).toEqual([
        `<q xmlns='${name}'/>`,
      ]);
    },
  );

  it.each([
    ['get', ''],
    ['set', ''],
    ['set', '<a/>'],
    ['get', "<a xmlns=''/>"],
    ['set', 'text'],
  ] as const)('does not accept a %s without an element of another namespace: %s', async (type, content) => {
    const answer = await romeo.iq(type, undefined, query(content));
    expect([condition(answer), errorType(answer)]).toEqual(['not-acceptable', 'modify']);
  });

  it('refuses what is no query', async () => {
    expect(condition(await romeo.iq('get', undefined, `<other xmlns='${NS}'><a xmlns='b'/></other>`))).toBe(
      'bad-request',
    );
  });

  it('is closed to others, whether or not there is such an account (T68)', async () => {
    await juliet.iq('set', undefined, query("<a xmlns='urn:t:secret'>hers</a>"));
    const answers: string[] = [];
    for (const type of ['get', 'set'] as const) {
      for (const name of ['juliet', 'nobody']) {
        const to = `${name}@localhost`;
        const answer = await romeo.iq(type, to, query("<a xmlns='urn:t:secret'/>"), 'same');
        expect([condition(answer), errorType(answer)]).toEqual(['forbidden', 'auth']);
        answers.push(serialize(answer).replace(name, 'X'));
      }
    }
    expect(new Set(answers).size).toBe(1);
    expect(kept(await juliet.iq('get', undefined, query("<a xmlns='urn:t:secret'/>")))).toEqual([
      "<a xmlns='urn:t:secret'>hers</a>",
    ]);
    // The server itself has none.
    expect(condition(await romeo.iq('get', 'localhost', query("<a xmlns='b'/>")))).toBe(
      'service-unavailable',
    );
  });

  it('has limits of bytes and of namespaces, and keeps what was there', async () => {
    const full = await TestClient.login(server.port(), 'full@localhost/x');
    const of = (bytes: number): string => `<a xmlns='urn:t:big'>${'x'.repeat(bytes)}</a>`;
    expect((await full.iq('set', undefined, query(of(524_000)))).attribute('type')).toBe('result');
    for (const more of [of(524_288), `<b xmlns='urn:t:more'>${'x'.repeat(500)}</b>`]) {
      const answer = await full.iq('set', undefined, query(more));
      expect([condition(answer), errorType(answer)]).toEqual(['resource-constraint', 'wait']);
    }
    expect(kept(await full.iq('get', undefined, query("<a xmlns='urn:t:big'/>")))[0]).toHaveLength(
      of(524_000).length,
    );
    await full.iq('set', undefined, query(of(1)));
    const names = Array.from({ length: 499 }, (_, i) => `<a xmlns='urn:t:${i}'/>`).join('');
    expect((await full.iq('set', undefined, query(names))).attribute('type')).toBe('result');
    expect(condition(await full.iq('set', undefined, query("<a xmlns='urn:t:500th'/>")))).toBe(
      'resource-constraint',
    );
    // Replacing goes on.
    expect((await full.iq('set', undefined, query("<b xmlns='urn:t:7'/>"))).attribute('type')).toBe('result');
    const tooMany = `${names}<a xmlns='urn:t:a'/><a xmlns='urn:t:b'/>`;
    expect(condition(await full.iq('get', undefined, query(tooMany)))).toBe('not-acceptable');
    await full.close();
  });

  it('is exported with the account, and goes with it', async () => {
    const nurse = await TestClient.login(server.port(), 'nurse@localhost/x');
    await nurse.iq('set', undefined, query("<b xmlns='urn:t:b'>2</b><a xmlns='urn:t:a'>1</a>"));
    const run = (...args: string[]) => meerkat(['--config', server.configFile, ...args]);
    const tables = async (): Promise<unknown> => {
      const { stdout } = await run('user', 'export', 'nurse@localhost', '--json');
      return JSON.parse(stdout).tables.find(({ name }: { name: string }) => name === 'private');
    };
    expect(await tables()).toEqual({
      name: 'private',
      columns: ['ns', 'xml'],
      rows: [
        ['urn:t:a', "<a xmlns='urn:t:a'>1</a>"],
        ['urn:t:b', "<b xmlns='urn:t:b'>2</b>"],
      ],
    });
    expect((await run('user', 'delete', 'nurse@localhost')).status).toBe(0);
    expect((await run('user', 'add', 'nurse@localhost', 'secret')).status).toBe(0);
    expect(await tables()).toMatchObject({ rows: [] });
  });

  it('of an anonymous user ends with the session', async () => {
    const client = await TestClient.connect(server.port());
    await client.openStream('localhost');
    client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>");
    await client.element();
    await client.openStream('localhost');
    const jid = await client.bind('');
    expect((await client.iq('set', undefined, query("<a xmlns='urn:t:anon'>1</a>"))).attribute('type')).toBe(
      'result',
    );
    const bare = jid.slice(0, jid.indexOf('/'));
    const stored = async (): Promise<string> => {
      const answer = await romeo.iq('get', 'localhost', `<export xmlns='urn:test:lab'>${bare}</export>`);
      return answer.child('export', 'urn:test:lab')!.text();
    };
    expect(await stored()).toContain('urn:t:anon');
    await client.close();
    while ((await stored()).includes('urn:t:anon'));
  });

  it('is announced for the account', async () => {
    const info = 'http://jabber.org/protocol/disco#info';
    const answer = await romeo.iq('get', 'romeo@localhost', `<query xmlns='${info}'/>`);
    const features = answer
      .child('query', info)!
      .elements()
      .map((one) => one.attribute('var'));
    expect(features).toContain(NS);
  });
});

describe('private storage while the store is away', () => {
  it('says that it could not be done, and works again afterwards', async () => {
    const server = await TestServer.start({ users: ['romeo'], toml: MODULES, isFaulty: true });
    try {
      const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
      await romeo.iq('set', undefined, query("<a xmlns='urn:t'>1</a>"));
      await server.strike('store', 'stall-and-exit', 100);
      let answer = await romeo.iq('set', undefined, query("<a xmlns='urn:t'>lost</a>"));
      expect([condition(answer), errorType(answer)]).toEqual(['internal-server-error', 'wait']);
      do answer = await romeo.iq('set', undefined, query("<a xmlns='urn:t'>2</a>"));
      while (condition(answer) === 'internal-server-error');
      expect(answer.attribute('type')).toBe('result');
      expect(kept(await romeo.iq('get', undefined, query("<a xmlns='urn:t'/>")))).toEqual([
        "<a xmlns='urn:t'>2</a>",
      ]);
    } finally {
      await server.stop();
    }
  });
});

describe('without the module', () => {
  it('there is no private storage', async () => {
    const server = await TestServer.start({ users: ['romeo'] });
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    expect(condition(await romeo.iq('get', undefined, query("<a xmlns='b'/>")))).toBe('service-unavailable');
    await server.stop();
  });
});
