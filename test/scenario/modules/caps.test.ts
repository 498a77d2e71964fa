import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashOf } from '../../../src/modules/mod-caps/hash.ts';
import { readInfo } from '../../../src/modules/mod-caps/info.ts';
import { inputV1 } from '../../../src/modules/mod-caps/input-v1.ts';
import { inputV2 } from '../../../src/modules/mod-caps/input-v2.ts';
import { serialize } from '../../../src/xml/writer.ts';
import { parseElementText } from '../../../src/xmpp/trusted-xml.ts';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, fixture, LAB, shardOf } from './support.ts';

/** mod_caps (XEP-0115, XEP-0390): what clients can, and what the server can. */

const INFO = 'http://jabber.org/protocol/disco#info';
const CAPS = 'http://jabber.org/protocol/caps';
const CAPS2 = 'urn:xmpp:caps';
const HASHES = 'urn:xmpp:hashes:2';

const config = (options = ''): string => `
[modules.mod_presence]
[modules.mod_disco]
  [[modules.mod_disco.server_info]]
    name = "abuse-addresses"
    urls = ["mailto:abuse@localhost"]
[modules.mod_ping]
[modules.mod_caps]
  ${options}
${LAB}
${fixture('mod_caps_spy', 'mod-caps-spy.ts')}`;

/** What a client says it can, and its hashes. */
class Software {
  readonly content: string;
  constructor(...features: string[]) {
    const all = features.map((name) => `<feature var='${name}'/>`);
    this.content = `<identity category='client' type='pc' name='Test'/>${all.join('')}`;
  }
  get info() {
    return readInfo(parseElementText(`<query xmlns='${INFO}'>${this.content}</query>`))!;
  }
  get ver(): string {
    return hashOf('sha-1', inputV1(this.info)!);
  }
  v1(ver = this.ver, hash = 'sha-1'): string {
    return `<c xmlns='${CAPS}' hash='${hash}' node='urn:test:client' ver='${ver}'/>`;
  }
  v2(algorithm = 'sha-256'): string {
    const value = hashOf(algorithm, inputV2(this.info)!);
    return `<c xmlns='${CAPS2}'><hash xmlns='${HASHES}' algo='${algorithm}'>${value}</hash></c>`;
  }
}

function announce(client: TestClient, c: string): void {
  client.send(`<presence>${c}</presence>`);
}

const isQuestion = (element: Element): boolean =>
  element.name === 'iq' && element.attribute('type') === 'get' && element.child('query', INFO) !== undefined;
const isTold = (element: Element): boolean => element.name === 'message';

/** What the client is asked for. Fails if it is told something before. */
async function question(client: TestClient): Promise<Element> {
  const element = await client.until((one) => isQuestion(one) || isTold(one));
  if (!isQuestion(element)) throw new Error(`told without a question: ${serialize(element)}`);
  expect(element.attribute('from')).toBe('localhost');
  return element;
}

function answer(client: TestClient, asked: Element, content: string, type = 'result'): void {
  const node = asked.child('query', INFO)!.attribute('node');
  const id = asked.attribute('id');
  client.send(
    `<iq type='${type}' id='${id}' to='localhost'><query xmlns='${INFO}' node='${node}'>${content}</query></iq>`,
  );
}

/** The features that the client was recognised to have. Fails if it is asked before. */
async function recognised(client: TestClient): Promise<string[]> {
  const element = await client.until((one) => isQuestion(one) || isTold(one));
  if (!isTold(element)) throw new Error(`asked: ${serialize(element)}`);
  return element.childText('body')!.split(' ');
}

let probes = 0;

/** Fails if the client has been asked or told anything by now. */
async function nothing(client: TestClient): Promise<void> {
  const id = `nothing${++probes}`;
  client.send(`<iq type='get' id='${id}'><nothing xmlns='urn:test:nothing'/></iq>`);
  const element = await client.until((one) => one.attribute('id') === id || isQuestion(one) || isTold(one));
  expect(element.attribute('id'), serialize(element)).toBe(id);
}

let softwares = 0;
/** Software that nobody has seen. */
const fresh = (...features: string[]): Software => new Software(`urn:test:f${++softwares}`, ...features);

describe.each([1, 2])('capabilities of clients on %i shards', (shards) => {
  let server: TestServer;
  let romeo: TestClient;
  let clients = 0;

  beforeAll(async () => {
    server = await TestServer.start({
      shards,
      users: ['romeo', 'juliet'],
      toml: config('iq_response_timeout = 3000'),
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/lead', { isAvailable: false });
  });

  afterAll(() => server.stop());

  /** A client on the shard of `romeo`, or on the other one. Each try is another resource, so that those on the wrong shard keep their places. */
  async function login(place: 'same' | 'other' = 'same'): Promise<TestClient> {
    const shard = await shardOf(romeo);
    const wrong: TestClient[] = [];
    for (;;) {
      const jid = `juliet@localhost/r${++clients}`;
      const client = await TestClient.login(server.port(), jid, { isAvailable: false });
      if (shards === 1 || ((await shardOf(client)) === shard) === (place === 'same')) {
        for (const one of wrong) one.cut();
        return client;
      }
      wrong.push(client);
    }
  }

  it.each([
    ['v1', (software: Software) => software.v1(), (software: Software) => `urn:test:client#${software.ver}`],
    [
      'v2',
      (software: Software) => software.v2('sha3-512'),
      (software: Software) => `${CAPS2}#sha3-512.${hashOf('sha3-512', inputV2(software.info)!)}`,
    ],
  ] as const)(
    'are asked for once (%s), and known for all who announce the same',
    async (_version, c, node) => {
      const software = fresh('urn:xmpp:ping', 'urn:test:a+notify');
      const [first, second] = [await login('same'), await login('other')];
      announce(first, c(software));
      const asked = await question(first);
      expect(asked.child('query', INFO)!.attribute('node')).toBe(node(software));
      answer(first, asked, software.content);
      expect((await recognised(first)).toSorted()).toEqual([...software.info.features].toSorted());
      // On the way to the other shard the news is before this.
      first.send(`<message to='${second.jid}' type='chat'><body>behind</body></message>`);
      await second.until((one) => one.childText('body') === 'behind');
      announce(second, c(software));
      expect(await recognised(second)).toContain('urn:test:a+notify');
      // Said again, it is nothing new.
      announce(first, c(software));
      await nothing(first);
      for (const client of [first, second]) await client.close();
    },
  );

  it('are known to others only when they belong to the hash', async () => {
    const software = fresh('urn:test:true');
    const lies = [
      (client: TestClient, asked: Element) => answer(client, asked, fresh('urn:test:lie').content),
      (client: TestClient, asked: Element) => answer(client, asked, software.content, 'error'),
      (client: TestClient, asked: Element) => answer(client, asked, software.content + software.content),
      (client: TestClient, asked: Element) => answer(client, asked, ''),
      (client: TestClient, asked: Element) =>
        client.send(`<iq type='result' id='${asked.attribute('id')}' to='localhost'/>`),
      // No answer at all.
      () => undefined,
    ];
    for (const lie of lies) {
      const client = await login();
      announce(client, software.v1());
      lie(client, await question(client));
      await nothing(client);
      if (lie === lies.at(-1)) {
        // Asked again with the next presence, when the first question is over.
        let again: Element | undefined;
        while (again === undefined) {
          announce(client, software.v1());
          again = await client.elementWithin(20);
          if (again !== undefined && !isQuestion(again)) again = undefined;
        }
        answer(client, again, software.content);
        expect(await recognised(client)).toContain('urn:test:true');
      }
      await client.close();
    }
  });

  it('are asked of the next one when the first one lies, whoever else announces the same', async () => {
    const software = fresh('urn:test:shared');
    const [liar, honest, third] = [await login(), await login(), await login()];
    announce(liar, software.v1());
    const first = await question(liar);
    for (const client of [honest, third]) {
      announce(client, software.v1());
      await nothing(client);
    }
    answer(liar, first, fresh().content);
    answer(honest, await question(honest), software.content);
    expect(await recognised(honest)).toContain('urn:test:shared');
    expect(await recognised(third)).toContain('urn:test:shared');
    await nothing(liar);
    for (const client of [liar, honest, third]) await client.close();
  });

  it('that can be read in two ways count for the one who said so alone (T49)', async () => {
    const truth = new Software('urn:test:amb:1', 'urn:test:amb:2', 'urn:test:amb:3');
    const typed =
      "<field var='FORM_TYPE' type='hidden'><value>urn:test:amb:2</value></field><field var='urn:test:amb:3'/>";
    const lie = `<identity category='client' type='pc' name='Test'/><feature var='urn:test:amb:1'/><x xmlns='jabber:x:data' type='result'>${typed}</x>`;
    const [liar, honest] = [await login(), await login()];
    announce(liar, truth.v1());
    answer(liar, await question(liar), lie);
    expect(await recognised(liar)).toEqual(['urn:test:amb:1']);
    announce(honest, truth.v1());
    answer(honest, await question(honest), truth.content);
    expect(await recognised(honest)).toHaveLength(3);
    for (const client of [liar, honest]) await client.close();
  });

  it('change with the hash, end with the presence, and begin again', async () => {
    const [one, two] = [fresh('urn:test:one'), fresh('urn:test:two')];
    const client = await login();
    announce(client, one.v1());
    answer(client, await question(client), one.content);
    expect(await recognised(client)).toContain('urn:test:one');
    announce(client, two.v1());
    answer(client, await question(client), two.content);
    expect(await recognised(client)).toContain('urn:test:two');
    announce(client, one.v1());
    expect(await recognised(client)).toContain('urn:test:one');
    for (const end of [
      "<presence type='unavailable'/>",
      '<presence/>',
      '<presence><show>away</show></presence>',
    ]) {
      client.send(end);
      await nothing(client);
      announce(client, one.v1());
      expect(await recognised(client)).toContain('urn:test:one');
    }
    await client.close();
  });

  it('that changed while they were asked for are asked for after the answer', async () => {
    const [one, two] = [fresh('urn:test:one'), fresh('urn:test:two')];
    const client = await login();
    announce(client, one.v1());
    const first = await question(client);
    announce(client, two.v1());
    await nothing(client);
    answer(client, first, one.content);
    const second = await question(client);
    expect(second.child('query', INFO)!.attribute('node')).toBe(`urn:test:client#${two.ver}`);
    answer(client, second, two.content);
    expect(await recognised(client)).toContain('urn:test:two');
    announce(client, one.v1());
    expect(await recognised(client)).toContain('urn:test:one');
    await client.close();
  });

  it('are not changed by directed presence', async () => {
    const [one, two] = [fresh('urn:test:one'), fresh('urn:test:two')];
    const client = await login();
    announce(client, one.v1());
    answer(client, await question(client), one.content);
    await recognised(client);
    client.send(
      `<presence to='romeo@localhost'>${two.v1()}</presence><presence to='romeo@localhost/lead' type='unavailable'/>`,
    );
    await nothing(client);
    announce(client, one.v1());
    await nothing(client);
    await client.close();
  });

  it.each([
    ['a function that nobody knows', (s: Software) => s.v1(s.ver, 'md5')],
    ['no function', (s: Software) => s.v1().replace("hash='sha-1'", '')],
    ['no node', (s: Software) => s.v1().replace("node='urn:test:client'", '')],
    ['a value that is none', (s: Software) => s.v1('0.9.1')],
    ['no value', (s: Software) => s.v1('')],
    ['a function called __proto__', (s: Software) => s.v1(s.ver, '__proto__')],
    ['a hash of another namespace', (s: Software) => s.v2().replace(HASHES, 'urn:xmpp:hashes:1')],
    ['an empty set', () => `<c xmlns='${CAPS2}'/>`],
  ])('announced with %s are not asked for', async (_what, c) => {
    const client = await login();
    announce(client, c(fresh()));
    await nothing(client);
    await client.close();
  });

  it('of those who are gone are forgotten, and asked of the others', async () => {
    const software = fresh('urn:test:left');
    const [gone, stays] = [await login(), await login()];
    announce(gone, software.v1());
    await question(gone);
    announce(stays, software.v1());
    await nothing(stays);
    gone.cut();
    answer(stays, await question(stays), software.content);
    expect(await recognised(stays)).toContain('urn:test:left');
    await stays.close();
  });

  it('have names like any other', async () => {
    const software = fresh('__proto__', 'constructor');
    const client = await login();
    announce(client, software.v1());
    answer(client, await question(client), software.content);
    expect(await recognised(client)).toEqual(expect.arrayContaining(['__proto__', 'constructor']));
    await client.close();
  });
});

describe('the version that is used', () => {
  it.each([
    ['["v1", "v2"]', 'urn:test:client#'],
    ['["v2", "v1"]', `${CAPS2}#sha-256.`],
    ['["v2"]', `${CAPS2}#sha-256.`],
  ])('is the first one of %s', async (versions, node) => {
    const server = await TestServer.start({ users: ['romeo'], toml: config(`versions = ${versions}`) });
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/x', { isAvailable: false });
    const software = fresh();
    announce(romeo, software.v1() + software.v2());
    const asked = await question(romeo);
    expect(asked.child('query', INFO)!.attribute('node')).toContain(node);
    await server.stop();
  });
});

describe('capabilities of the server', () => {
  let server: TestServer;
  let romeo: TestClient;
  let features: Element[];

  beforeAll(async () => {
    server = await TestServer.start({ users: ['romeo'], toml: config() });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/x', { isAvailable: false });
    const stranger = await TestClient.connect(server.port());
    features = (await stranger.openStream('localhost')).elements();
    await stranger.close();
  });

  afterAll(() => server.stop());

  const ask = (node: string) => romeo.iq('get', 'localhost', `<query xmlns='${INFO}' node='${node}'/>`);

  it('are announced with the stream, and belong to what service discovery says', async () => {
    const c = features.find(({ ns }) => ns === CAPS)!;
    const hash = features.find(({ ns }) => ns === CAPS2)!.child('hash', HASHES)!;
    expect([c.attribute('hash'), hash.attribute('algo')]).toEqual(['sha-1', 'sha-256']);
    const plain = await romeo.iq('get', 'localhost', `<query xmlns='${INFO}'/>`);
    const info = readInfo(plain.child('query', INFO))!;
    expect(c.attribute('ver')).toBe(hashOf('sha-1', inputV1(info)!));
    expect(hash.text()).toBe(hashOf('sha-256', inputV2(info)!));
    expect(info.features).toEqual(
      expect.arrayContaining([
        CAPS,
        CAPS2,
        HASHES,
        'urn:xmpp:hash-function-text-names:sha3-256',
        'urn:xmpp:hash-function-text-names:id-blake2b512',
        'urn:xmpp:ping',
      ]),
    );
    expect(info.forms).toHaveLength(1);
    const nodes = [
      `${c.attribute('node')}#${c.attribute('ver')}`,
      `${CAPS2}#sha-256.${hash.text()}`,
      `${CAPS2}#blake2b-512.${hashOf('blake2b-512', inputV2(info)!)}`,
    ];
    for (const node of nodes) {
      const query = (await ask(node)).child('query', INFO)!;
      expect(query.attribute('node')).toBe(node);
      expect(query.elements().map((one) => serialize(one))).toEqual(
        plain
          .child('query', INFO)!
          .elements()
          .map((one) => serialize(one)),
      );
    }
  });

  it('are asked for by no other node', async () => {
    const c = features.find(({ ns }) => ns === CAPS)!;
    const [node, ver] = [c.attribute('node')!, c.attribute('ver')!];
    const wrong = hashOf('sha-256', 'x');
    for (const other of [
      node,
      `${node}#`,
      `${node}#${ver}x`,
      `${node}#${hashOf('sha-1', 'x')}`,
      `urn:other#${ver}`,
      ver,
      CAPS2,
      `${CAPS2}#`,
      `${CAPS2}#sha-256`,
      `${CAPS2}#sha-256.`,
      `${CAPS2}#sha-256.${wrong}`,
      `${CAPS2}#md5.${wrong}`,
      `${CAPS2}#__proto__.${wrong}`,
    ]) {
      expect(condition(await ask(other)), other).toBe('item-not-found');
    }
  });
});
