import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { eventually } from '../../helpers/process.ts';
import { TestServer } from '../../helpers/server.ts';
import { fixture, LAB, loginOn, messagesUntilNow, stopSession } from './support.ts';

/** mod_csi (XEP-0352): what a client that nobody looks at would get waits. */

const NS = 'urn:xmpp:csi:0';
const INACTIVE = `<inactive xmlns='${NS}'/>`;
const ACTIVE = `<active xmlns='${NS}'/>`;
const STATES = 'http://jabber.org/protocol/chatstates';

let server: TestServer;
let open: TestClient[] = [];

async function start(options: string): Promise<void> {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse'],
    toml: `
[[listen.http]]
  port = 0
  ip_address = "127.0.0.1"
[modules.mod_presence]
[modules.mod_offline]
[modules.mod_carboncopy]
[modules.mod_csi]
  ${options}
${fixture('mod_binding', 'mod-binding.ts')}
${LAB}`,
  });
}

afterEach(async () => {
  for (const client of open) await client.close();
  open = [];
});

async function login(
  jid: string,
  options: { priority?: number; far?: TestClient } = {},
): Promise<TestClient> {
  const { far, ...rest } = options;
  const client =
    far === undefined
      ? await TestClient.login(server.port(), jid, rest)
      : await loginOn(server, jid, 'other', far, rest);
  open.push(client);
  return client;
}

/** Romeo, and Juliet on another shard. */
async function both(): Promise<[TestClient, TestClient]> {
  const romeo = await login('romeo@localhost/orchard');
  return [romeo, await login('juliet@localhost/balcony', { far: romeo })];
}

/** Becomes inactive, surely. The answer comes although everything waits: the server does not route it. */
async function becomeInactive(client: TestClient): Promise<void> {
  client.send(`${INACTIVE}<unknown xmlns='${NS}'/>`);
  await client.until((element) => element.name === 'unknown');
}

let markers = 0;

/** Waits until all that `sender` sent is with the session of `to`, active or not: a message behind it came to another session there. */
async function arrived(sender: TestClient, witness: TestClient): Promise<void> {
  const id = `marker${++markers}`;
  sender.send(`<message to='${witness.jid}' type='headline' id='${id}'/>`);
  await witness.until((element) => element.attribute('id') === id);
}

/** Another client on the shard of `client`: what it has got, `client` could have got. */
async function witnessOf(client: TestClient): Promise<TestClient> {
  const witness = await loginOn(server, 'nurse@localhost/witness', 'same', client);
  open.push(witness);
  return witness;
}

function chat(to: string, body: string): string {
  return `<message to='${to}' type='chat'><body>${body}</body></message>`;
}

function bodies(messages: readonly Element[]): (string | undefined)[] {
  return messages.map((message) => message.childText('body'));
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`);
}

describe('with the defaults', () => {
  beforeAll(() => start(''));
  afterAll(() => server.stop());

  it('is offered once the client is known, and while binding', async () => {
    const client = await TestClient.connect(server.port());
    const before = await client.openStream('localhost');
    expect(before.child('csi', NS)).toBeUndefined();
    client.send(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${Buffer.from('\0romeo\0secret').toString('base64')}</auth>`,
    );
    await client.element();
    client.restart();
    expect((await client.openStream('localhost')).child('csi', NS)).toBeDefined();
    await client.close();
    const romeo = await login('romeo@localhost/orchard');
    const inline = (await romeo.iq('get', 'localhost', "<bind xmlns='urn:xmpp:bind:0'/>")).elements()[0]!;
    const features = inline.elements().map((feature) => feature.attribute('var'));
    expect(features).toEqual(expect.arrayContaining([NS, 'urn:xmpp:carbons:2']));
  });

  it('an inactive client gets nothing; what waited comes in order when it is active', async () => {
    const [romeo, juliet] = await both();
    const witness = await witnessOf(romeo);
    await becomeInactive(romeo);
    juliet.send(chat(romeo.jid, '1'));
    juliet.send(`<presence to='${romeo.jid}'/>`);
    juliet.send(chat('romeo@localhost', '2'));
    await arrived(juliet, witness);
    expect(romeo.heardNow()).toEqual([]);
    // Its own messages go out, and being inactive once more changes nothing.
    romeo.send(chat(juliet.jid, 'from here'));
    expect((await juliet.message()).childText('body')).toBe('from here');
    await becomeInactive(romeo);
    expect(romeo.heardNow()).toEqual([]);
    romeo.send(`${ACTIVE}<iq type='get' id='after'><nothing xmlns='urn:test:nothing'/></iq>`);
    const heard = [await romeo.element(), await romeo.element(), await romeo.element()];
    expect(heard.map((element) => element.childText('body') ?? element.name)).toEqual(['1', 'presence', '2']);
    // XEP-0352 §5.1: the answer to what came after `<active/>` is behind them.
    expect((await romeo.element()).attribute('id')).toBe('after');
    juliet.send(chat(romeo.jid, '3'));
    expect((await romeo.message()).childText('body')).toBe('3');
  });

  it('a request does not wait, nor what came before it', async () => {
    const [romeo, juliet] = await both();
    const witness = await witnessOf(romeo);
    await becomeInactive(romeo);
    juliet.send(chat(romeo.jid, '1'));
    await arrived(juliet, witness);
    expect(romeo.heardNow()).toEqual([]);
    juliet.send(`<iq type='get' id='q' to='${romeo.jid}'><ping xmlns='urn:xmpp:ping'/></iq>`);
    expect((await romeo.element()).childText('body')).toBe('1');
    const request = await romeo.element();
    expect([request.name, request.attribute('id')]).toEqual(['iq', 'q']);
    // The client is as inactive as before; its own request is answered in the same way.
    juliet.send(chat(romeo.jid, '2'));
    await arrived(juliet, witness);
    expect(romeo.heardNow()).toEqual([]);
    romeo.send("<iq type='get' id='own'><nothing xmlns='urn:test:nothing'/></iq>");
    expect((await romeo.element()).childText('body')).toBe('2');
    expect((await romeo.element()).attribute('id')).toBe('own');
  });

  it('more than twenty come all at once, and the client stays inactive', async () => {
    const [romeo, juliet] = await both();
    const witness = await witnessOf(romeo);
    await becomeInactive(romeo);
    for (const n of numbers(1, 20)) juliet.send(chat(romeo.jid, n));
    await arrived(juliet, witness);
    expect(romeo.heardNow()).toEqual([]);
    for (const n of numbers(21, 23)) juliet.send(chat(romeo.jid, n));
    for (const n of numbers(1, 21)) expect((await romeo.message()).childText('body')).toBe(n);
    await arrived(juliet, witness);
    expect(romeo.heardNow()).toEqual([]);
    romeo.send(ACTIVE);
    expect(bodies([await romeo.message(), await romeo.message()])).toEqual(['22', '23']);
  });

  it('more than a mebibyte comes at once', async () => {
    const [romeo, juliet] = await both();
    const witness = await witnessOf(romeo);
    await becomeInactive(romeo);
    const large = 'x'.repeat(200_000);
    for (let i = 0; i < 5; i++) juliet.send(chat(romeo.jid, large));
    await arrived(juliet, witness);
    expect(romeo.heardNow()).toEqual([]);
    juliet.send(chat(romeo.jid, large));
    for (let i = 0; i < 6; i++) expect((await romeo.message()).childText('body')).toBe(large);
  });

  it('something else in the namespace is an error, and changes nothing', async () => {
    const [romeo, juliet] = await both();
    romeo.send(`<perhaps xmlns='${NS}'/>`);
    const error = await romeo.element();
    expect([
      error.name,
      error.attribute('type'),
      error.child('error', 'jabber:client')?.elements()[0]?.name,
    ]).toEqual(['perhaps', 'error', 'bad-request']);
    juliet.send(chat(romeo.jid, '1'));
    expect((await romeo.message()).childText('body')).toBe('1');
  });

  it('a client may be inactive from binding on', async () => {
    const [romeo, juliet] = await both();
    const witness = await witnessOf(romeo);
    romeo.send(
      `<iq type='set' id='bind' to='localhost'><bind xmlns='urn:xmpp:bind:0'>${INACTIVE}</bind></iq>`,
    );
    expect((await romeo.element()).attribute('id')).toBe('bind');
    juliet.send(chat(romeo.jid, '1'));
    await arrived(juliet, witness);
    expect(romeo.heardNow()).toEqual([]);
    romeo.send(ACTIVE);
    expect((await romeo.message()).childText('body')).toBe('1');
  });

  it('a client may ask for copies while binding', async () => {
    const [romeo, juliet] = await both();
    const desk = await login('romeo@localhost/desk', { far: romeo });
    const request = "<bind xmlns='urn:xmpp:bind:0'><enable xmlns='urn:xmpp:carbons:2'/></bind>";
    expect((await romeo.iq('set', 'localhost', request)).attribute('type')).toBe('result');
    desk.send(chat(juliet.jid, '1'));
    expect((await romeo.message()).child('sent', 'urn:xmpp:carbons:2')).toBeDefined();
  });

  it.each(['its connection is cut', 'it ends its stream', 'the server ends it'])(
    'what waited when %s goes elsewhere, once',
    async (end) => {
      const [romeo, juliet] = await both();
      const witness = await witnessOf(romeo);
      await becomeInactive(romeo);
      juliet.send(chat(romeo.jid, '1'));
      juliet.send(chat('romeo@localhost', '2'));
      juliet.send(`<presence to='${romeo.jid}'/>`);
      await arrived(juliet, witness);
      open = open.filter((client) => client !== romeo);
      if (end === 'its connection is cut') romeo.cut();
      else if (end === 'it ends its stream') await romeo.close();
      else await stopSession(romeo);
      const again = await login('romeo@localhost/garden', { far: juliet });
      expect(bodies([await again.message(), await again.message()])).toEqual(['1', '2']);
      expect(bodies(await messagesUntilNow(again))).toEqual([]);
    },
  );

  it('what another device has already does not come to it again', async () => {
    const [romeo, juliet] = await both();
    const desk = await login('romeo@localhost/desk', { far: romeo });
    const witness = await witnessOf(romeo);
    await desk.iq('set', undefined, "<enable xmlns='urn:xmpp:carbons:2'/>");
    await becomeInactive(romeo);
    juliet.send(chat('romeo@localhost', 'to both'));
    juliet.send(chat(romeo.jid, 'as a copy'));
    expect((await desk.message()).childText('body')).toBe('to both');
    expect((await desk.message()).childOf('urn:xmpp:carbons:2')).toBeDefined();
    await arrived(juliet, witness);
    open = open.filter((client) => client !== romeo);
    await romeo.close();
    await arrived(witness, desk);
    await arrived(juliet, desk);
    expect(
      desk.heardNow().filter((heard) => heard.kind === 'element' && heard.element.name === 'message'),
    ).toEqual([]);
    expect(bodies(await messagesUntilNow(desk))).toEqual([]);
  });

  it('switching the module off lets everything out', async () => {
    const [romeo, juliet] = await both();
    const witness = await witnessOf(romeo);
    await becomeInactive(romeo);
    for (const n of numbers(1, 3)) juliet.send(chat(romeo.jid, n));
    await arrived(juliet, witness);
    expect(romeo.heardNow()).toEqual([]);
    const { readFileSync, writeFileSync } = await import('node:fs');
    const text = readFileSync(server.configFile, 'utf8');
    writeFileSync(server.configFile, text.replace('[modules.mod_csi]', ''));
    server.signal('SIGHUP');
    for (const n of numbers(1, 3)) expect((await romeo.message()).childText('body')).toBe(n);
    juliet.send(chat(romeo.jid, '4'));
    expect((await romeo.message()).childText('body')).toBe('4');
    writeFileSync(server.configFile, text);
    server.signal('SIGHUP');
  });
});

describe('with a limit for all clients together', () => {
  beforeAll(() => start('total_max_bytes = 1048576'));
  afterAll(() => server.stop());

  it('what waits for the client for which it is too much comes at once, and for the other one later', async () => {
    const [romeo, juliet] = await both();
    const nurse = await loginOn(server, 'nurse@localhost/hall', 'same', romeo);
    const witness = await witnessOf(romeo);
    open.push(nurse);
    const large = 'x'.repeat(200_000);
    for (const round of [1, 2]) {
      for (const client of [nurse, romeo]) await becomeInactive(client);
      for (let i = 0; i < 3; i++) juliet.send(chat(nurse.jid, `${round}${large}`));
      for (let i = 0; i < 2; i++) juliet.send(chat(romeo.jid, `${round}${large}`));
      await arrived(juliet, witness);
      expect([...nurse.heardNow(), ...romeo.heardNow()]).toEqual([]);
      juliet.send(chat(romeo.jid, `${round}${large}`));
      for (let i = 0; i < 3; i++) expect((await romeo.message()).childText('body')).toBe(`${round}${large}`);
      await arrived(juliet, witness);
      expect(nurse.heardNow()).toEqual([]);
      nurse.send(ACTIVE);
      for (let i = 0; i < 3; i++) expect((await nurse.message()).childText('body')).toBe(`${round}${large}`);
    }
  });
});

describe('with a buffer of nothing', () => {
  beforeAll(() => start('buffer_max = 0'));
  afterAll(() => server.stop());

  it('nothing waits; how often clients say what is counted', async () => {
    const [romeo, juliet] = await both();
    for (const n of numbers(1, 2)) {
      await becomeInactive(romeo);
      juliet.send(chat(romeo.jid, n));
      expect((await romeo.message()).childText('body')).toBe(n);
    }
    romeo.send(ACTIVE);
    await romeo.nothingElse();
    const counted = async (): Promise<(string | undefined)[]> => {
      const text = await (await fetch(`http://127.0.0.1:${server.port('http')}/metrics`)).text();
      return ['inactive', 'active'].map(
        (name) =>
          new RegExp(`^meerkat_module_events_total\\{event="mod_csi_${name}"\\} ([0-9]+)$`, 'm').exec(
            text,
          )?.[1],
      );
    };
    await eventually(async () => (await counted()).join() === '2,1', 'the changes are counted');
  });
});

describe('with filtering', () => {
  beforeAll(() => start('filter = true'));
  afterAll(() => server.stop());

  it('messages come at once, behind what waited; of presence and chat states the last of each sender', async () => {
    const [romeo, juliet] = await both();
    const nurse = await login('nurse@localhost/hall', { far: romeo });
    const witness = await witnessOf(romeo);
    await becomeInactive(romeo);
    const show = (value: string): string => `<presence to='${romeo.jid}'><show>${value}</show></presence>`;
    const state = (name: string): string =>
      `<message to='${romeo.jid}' type='chat'><${name} xmlns='${STATES}'/></message>`;
    juliet.send(show('away') + state('composing') + show('xa') + state('paused') + show('dnd'));
    nurse.send(show('chat') + state('composing'));
    await arrived(juliet, witness);
    await arrived(nurse, witness);
    expect(romeo.heardNow()).toEqual([]);
    juliet.send(chat(romeo.jid, 'now'));
    const heard = [
      await romeo.element(),
      await romeo.element(),
      await romeo.element(),
      await romeo.element(),
    ];
    // Juliet's chat state is out of date with her message.
    const shown = heard.map(
      (element) => element.childText('show') ?? element.childText('body') ?? element.elements()[0]!.name,
    );
    expect(shown.slice(0, 3).sort()).toEqual(['chat', 'composing', 'dnd']);
    expect(shown[3]).toBe('now');
    juliet.send(show('away'));
    await arrived(juliet, witness);
    expect(romeo.heardNow()).toEqual([]);
    romeo.send(ACTIVE);
    expect((await romeo.element()).childText('show')).toBe('away');
  });

  it.each([
    ['a request', "<iq type='get' id='now' to='TO'><ping xmlns='urn:xmpp:ping'/></iq>"],
    ['a failed presence', "<presence type='error' id='now' to='TO'/>"],
    ['an error', "<message type='error' id='now' to='TO'><error type='cancel'/></message>"],
    ['a receipt', "<message id='now' to='TO'><received xmlns='urn:xmpp:receipts' id='1'/></message>"],
    [
      'a message with a chat state',
      `<message type='chat' id='now' to='TO'><body>!</body><active xmlns='${STATES}'/></message>`,
    ],
  ])('%s does not wait', async (_name, text) => {
    const [romeo, juliet] = await both();
    await becomeInactive(romeo);
    juliet.send(text.replace('TO', romeo.jid));
    expect((await romeo.element()).attribute('id')).toBe('now');
  });

  it.each([
    [
      'a chat state with a thread and hints',
      `<message type='chat' to='TO'><thread>t</thread><active xmlns='${STATES}'/><no-store xmlns='urn:xmpp:hints'/></message>`,
    ],
    [
      'a notification of PEP',
      "<message type='headline' to='TO'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='mood'/></event></message>",
    ],
  ])('%s waits', async (_name, text) => {
    const [romeo, juliet] = await both();
    const witness = await witnessOf(romeo);
    await becomeInactive(romeo);
    juliet.send(text.replace('TO', romeo.jid));
    await arrived(juliet, witness);
    expect(romeo.heardNow()).toEqual([]);
    romeo.send(ACTIVE);
    expect((await romeo.message()).attribute('from')).toBe(juliet.jid);
  });

  it('the copy of a chat state waits, that of a message does not', async () => {
    const [romeo, juliet] = await both();
    await romeo.iq('set', undefined, "<enable xmlns='urn:xmpp:carbons:2'/>");
    const desk = await login('romeo@localhost/desk', { priority: 5 });
    const witness = await witnessOf(romeo);
    await becomeInactive(romeo);
    for (const name of ['composing', 'paused']) {
      desk.send(`<message to='${juliet.jid}' type='chat'><${name} xmlns='${STATES}'/></message>`);
    }
    const inner = async (): Promise<Element> =>
      (await romeo.message()).elements()[0]!.elements()[0]!.elements()[0]!;
    await arrived(desk, witness);
    expect(romeo.heardNow()).toEqual([]);
    romeo.send(ACTIVE);
    expect((await inner()).elements()[0]!.name).toBe('paused');
    await becomeInactive(romeo);
    desk.send(chat(juliet.jid, 'said'));
    expect((await inner()).childText('body')).toBe('said');
  });
});
