import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Element, TestClient } from '../../helpers/client.ts';
import { TestClient as Client } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, LAB, loginOn, messagesUntilNow } from './support.ts';

/** mod_carboncopy (XEP-0280): what one device sends or receives, the others see. */

const NS = 'urn:xmpp:carbons:2';
const OLD = 'urn:xmpp:carbons:1';
const FORWARD = 'urn:xmpp:forward:0';
const MUC_USER = 'http://jabber.org/protocol/muc#user';

let server: TestServer;
let open: TestClient[] = [];
let markers = 0;

beforeAll(async () => {
  server = await TestServer.start({
    shards: 2,
    users: ['romeo', 'juliet', 'nurse'],
    toml: `[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_disco]\n[modules.mod_carboncopy]\n${LAB}`,
  });
});

afterAll(() => server.stop());

afterEach(async () => {
  for (const client of open) await client.close();
  open = [];
});

interface LoginOptions {
  readonly near?: TestClient;
  readonly far?: TestClient;
  readonly priority?: number;
  readonly isAvailable?: boolean;
  readonly carbons?: string | false;
}

/** A device: on the shard of `near`, or on the other one than `far`; with carbons unless told otherwise. */
async function device(jid: string, options: LoginOptions = {}): Promise<TestClient> {
  const { near, far, carbons = NS, ...login } = options;
  const other = near ?? far;
  const client =
    other === undefined
      ? await Client.login(server.port(), jid, login)
      : await loginOn(server, jid, near === undefined ? 'other' : 'same', other, login);
  open.push(client);
  if (carbons !== false) await enable(client, carbons);
  return client;
}

async function enable(client: TestClient, ns = NS): Promise<void> {
  const answer = await client.iq('set', undefined, `<enable xmlns='${ns}'/>`);
  expect(answer.attribute('type')).toBe('result');
}

/** The messages that a client has got; `from` were the ones whose shards sent it something. */
async function heard(client: TestClient, ...from: TestClient[]): Promise<Element[]> {
  const messages: Element[] = [];
  for (const one of from) {
    // What a shard sends to another stays in order: this comes behind everything from there.
    const id = `marker${++markers}`;
    one.send(`<message to='${client.jid}' type='headline' id='${id}'/>`);
    for (;;) {
      const message = await client.message();
      if (message.attribute('id') === id) break;
      if (message.attribute('id')?.startsWith('marker') !== true) messages.push(message);
    }
  }
  const rest = await messagesUntilNow(client);
  return [...messages, ...rest];
}

/** The message in a copy: checks the wrapper on the way. */
function original(copy: Element, direction: 'sent' | 'received', client: TestClient): Element {
  const bare = client.jid.split('/')[0]!;
  expect([copy.attribute('from'), copy.attribute('to')]).toEqual([bare, client.jid]);
  const inner = copy.child(direction, NS)!.child('forwarded', FORWARD)!.elements()[0]!;
  expect([inner.name, inner.ns]).toEqual(['message', 'jabber:client']);
  expect(copy.attribute('type')).toBe(inner.attribute('type'));
  return inner;
}

function bodies(messages: readonly Element[]): (string | undefined)[] {
  return messages.map((message) => message.childText('body') ?? innermost(message)?.childText('body'));
}

function innermost(copy: Element): Element | undefined {
  const wrapper = copy.childOf(NS);
  return wrapper?.child('forwarded', FORWARD)?.elements()[0];
}

describe('carbons', () => {
  it('are announced', async () => {
    const romeo = await device('romeo@localhost/a', { carbons: false });
    const info = 'http://jabber.org/protocol/disco#info';
    const answer = await romeo.iq('get', 'localhost', `<query xmlns='${info}'/>`);
    const features = answer
      .child('query', info)!
      .elements()
      .map((one) => one.attribute('var'));
    expect(features).toEqual(expect.arrayContaining([NS, OLD, 'urn:xmpp:carbons:rules:0']));
  });

  it('are switched on and off any number of times (§10.1)', async () => {
    const romeo = await device('romeo@localhost/a');
    await enable(romeo);
    for (let i = 0; i < 2; i++) {
      const answer = await romeo.iq('set', 'romeo@localhost', `<disable xmlns='${NS}'/>`);
      expect([answer.attribute('type'), answer.elements()]).toEqual(['result', []]);
    }
  });

  it.each([
    ['get', "<enable xmlns='urn:xmpp:carbons:2'/>", 'bad-request'],
    ['set', "<enable xmlns='urn:xmpp:carbons:2'><x xmlns='y'/></enable>", 'bad-request'],
    ['set', "<perhaps xmlns='urn:xmpp:carbons:2'/>", 'bad-request'],
    ['set', "<enable xmlns='urn:xmpp:carbons:1'><x xmlns='y'/></enable>", 'bad-request'],
  ] as const)('%s %s is %s', async (type, payload, expected) => {
    const romeo = await device('romeo@localhost/a', { carbons: false });
    expect(condition(await romeo.iq(type, undefined, payload))).toBe(expected);
  });

  it('are not switched on for another account', async () => {
    const romeo = await device('romeo@localhost/a', { carbons: false });
    const answer = await romeo.iq('set', 'juliet@localhost', `<enable xmlns='${NS}'/>`);
    expect(condition(answer)).toBe('not-allowed');
  });
});

describe.each(['near', 'far'] as const)('with a second device on the same or another shard (%s)', (place) => {
  async function two(options: LoginOptions = {}): Promise<[TestClient, TestClient]> {
    const desk = await device('romeo@localhost/desk');
    return [desk, await device('romeo@localhost/phone', { [place]: desk, ...options })];
  }

  it('what one sends is seen by the other, with both addresses, and by nobody twice', async () => {
    const [desk, phone] = await two();
    const juliet = await device('juliet@localhost/balcony', { carbons: false });
    desk.send(
      "<message to='juliet@localhost' type='chat' id='m1'><body>Neither, fair saint &amp; so on</body></message>",
    );
    const copy = original(await phone.message(), 'sent', phone);
    expect([copy.attribute('from'), copy.attribute('to'), copy.attribute('id')]).toEqual([
      desk.jid,
      'juliet@localhost',
      'm1',
    ]);
    expect(copy.childText('body')).toBe('Neither, fair saint & so on');
    expect((await juliet.message()).childText('body')).toBe('Neither, fair saint & so on');
    expect(await heard(phone, desk)).toEqual([]);
    expect(await heard(desk, phone, juliet)).toEqual([]);
  });

  it('what one receives at its own address is seen by the other', async () => {
    const [desk, phone] = await two();
    const juliet = await device('juliet@localhost/balcony', { carbons: false });
    juliet.send(`<message to='${desk.jid}' type='chat'><body>What man art thou</body></message>`);
    const copy = original(await phone.message(), 'received', phone);
    expect([copy.attribute('from'), copy.attribute('to')]).toEqual([juliet.jid, desk.jid]);
    expect((await desk.message()).childText('body')).toBe('What man art thou');
    expect(await heard(phone, desk, juliet)).toEqual([]);
  });

  it('whoever did not ask for copies gets none, nor whoever gave them up', async () => {
    const [desk, phone] = await two({ carbons: false });
    const juliet = await device('juliet@localhost/balcony', { carbons: false });
    const send = async (): Promise<void> => {
      juliet.send(`<message to='${desk.jid}' type='chat'><body>1</body></message>`);
      await desk.message();
      desk.send("<message to='juliet@localhost' type='chat'><body>2</body></message>");
      await juliet.message();
    };
    await send();
    expect(await heard(phone, desk, juliet)).toEqual([]);
    await enable(phone);
    await send();
    expect(bodies(await heard(phone, desk, juliet))).toEqual(['1', '2']);
    await phone.iq('set', undefined, `<disable xmlns='${NS}'/>`);
    await send();
    expect(await heard(phone, desk, juliet)).toEqual([]);
  });

  it('an unavailable device gets none until it asks again', async () => {
    const [desk, phone] = await two();
    const juliet = await device('juliet@localhost/balcony', { carbons: false });
    phone.send("<presence type='unavailable'/>");
    await phone.until((element) => element.attribute('type') === 'unavailable');
    await phone.available();
    desk.send("<message to='juliet@localhost' type='chat'><body>1</body></message>");
    await juliet.message();
    expect(await heard(phone, desk)).toEqual([]);
    await enable(phone);
    desk.send("<message to='juliet@localhost' type='chat'><body>2</body></message>");
    expect(bodies([await phone.message()])).toEqual(['2']);
  });

  it('a replaced session takes its wish with it', async () => {
    const [desk, phone] = await two();
    const again = await device(phone.jid, { [place]: desk, carbons: false });
    expect(await phone.streamError()).toBe('conflict');
    open = open.filter((client) => client !== phone);
    const juliet = await device('juliet@localhost/balcony', { carbons: false });
    desk.send("<message to='juliet@localhost' type='chat'><body>1</body></message>");
    await juliet.message();
    expect(await heard(again, desk)).toEqual([]);
    await enable(again);
    desk.send("<message to='juliet@localhost' type='chat'><body>2</body></message>");
    expect(bodies([await again.message()])).toEqual(['2']);
  });

  it('a device that is cut off leaves no copies to others, nor stored ones', async () => {
    const [desk, phone] = await two();
    const juliet = await device('juliet@localhost/balcony', { carbons: false });
    phone.cut();
    open = open.filter((client) => client !== phone);
    for (let i = 0; i < 5; i++) {
      desk.send(`<message to='juliet@localhost' type='chat'><body>${i}</body></message>`);
      await juliet.message();
    }
    expect(await heard(desk, juliet)).toEqual([]);
    const back = await device(phone.jid, { carbons: false });
    expect(await heard(back, desk)).toEqual([]);
  });

  it('a note to oneself comes once to everybody else', async () => {
    const [desk, phone] = await two({ priority: -1 });
    desk.send("<message to='romeo@localhost' type='chat'><body>remember</body></message>");
    expect(bodies([await desk.message()])).toEqual(['remember']);
    expect(bodies(await heard(phone, desk))).toEqual(['remember']);
    expect(await heard(desk, phone)).toEqual([]);
    desk.send(`<message to='${phone.jid}' type='chat'><body>for you</body></message>`);
    expect((await phone.message()).childText('body')).toBe('for you');
    expect(await heard(desk, phone)).toEqual([]);
    expect(await heard(phone, desk)).toEqual([]);
  });

  it.each([
    ['private', `<private xmlns='${NS}'/>`],
    ['the old private', `<private xmlns='${OLD}'/>`],
    ['private with a prefix', `<c:private xmlns:c='${NS}'/>`],
    ['private with an escaped namespace', "<private xmlns='urn:xmpp:&#99;arbons:2'/>"],
    ['no-copy', "<no-copy xmlns='urn:xmpp:hints'/>"],
    [
      'a copy of a stranger',
      `<received xmlns='${NS}'><forwarded xmlns='${FORWARD}'><message xmlns='jabber:client'/></forwarded></received>`,
    ],
    ['a copy as if sent', `<sent xmlns='${NS}'/>`],
  ])('nothing with %s is copied, and all of it is delivered', async (_name, payload) => {
    const [desk, phone] = await two();
    const juliet = await device('juliet@localhost/balcony', { carbons: false });
    const message = (to: string): string =>
      `<message to='${to}' type='chat'><body>!</body>${payload}</message>`;
    desk.send(message('juliet@localhost'));
    const atJuliet = await juliet.message();
    expect([atJuliet.attribute('from'), atJuliet.elements().length]).toEqual([desk.jid, 2]);
    juliet.send(message(desk.jid));
    const atDesk = await desk.message();
    expect([atDesk.attribute('from'), atDesk.elements().length]).toEqual([juliet.jid, 2]);
    expect(await heard(phone, desk, juliet)).toEqual([]);
  });

  it('copies of what names its own namespace, or has a prefix, are well-formed', async () => {
    const [desk, phone] = await two();
    const juliet = await device('juliet@localhost/balcony', { carbons: false });
    for (const text of [
      "<message xmlns='jabber:client' to='juliet@localhost' type='chat'><body>1</body></message>",
      "<message type='chat' xmlns='jabber:client' xmlns:x='urn:x' x:y='&gt;' to='juliet@localhost'><body>2</body></message>",
      "<c:message xmlns:c='jabber:client' to='juliet@localhost' type='chat'><c:body>3</c:body></c:message>",
      "<message to='juliet@localhost' type='chat' id=\"a>b' xmlns='q\"><body>4</body></message>",
      "<message to='juliet@localhost' type='chat'><body>5</body><x xmlns='urn:x'><y xmlns=''/></x></message>",
    ]) {
      desk.send(text);
      const inner = original(await phone.message(), 'sent', phone);
      const direct = await juliet.message();
      expect([inner.childText('body'), inner.attribute('id')]).toEqual([
        direct.childText('body'),
        direct.attribute('id'),
      ]);
    }
  });
});

describe('which messages are copied (§6.1)', () => {
  it.each([
    ['normal with a body', "type='normal'", '<body>!</body>', true],
    ['no type with a body', '', '<body>!</body>', true],
    ['an unknown type with a body', "type='odd'", '<body>!</body>', true],
    ['normal without anything', "type='normal'", "<x xmlns='urn:x'/>", false],
    ['a receipt', '', "<received xmlns='urn:xmpp:receipts' id='1'/>", true],
    ['a receipt in a chat', "type='chat'", "<received xmlns='urn:xmpp:receipts' id='1'/>", true],
    ['a chat state', "type='normal'", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", true],
    ['a chat marker', '', "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", true],
    ['a direct invitation', '', "<x xmlns='jabber:x:conference' jid='r@c'/>", true],
    ['an invitation of a room', '', `<x xmlns='${MUC_USER}'><invite from='nurse@localhost'/></x>`, true],
    ['a headline with a body', "type='headline'", '<body>!</body>', false],
    ['an error about a chat', "type='error'", "<body>!</body><error type='cancel'/>", true],
    ['an error about something else', "type='error'", "<x xmlns='urn:x'/><error type='cancel'/>", false],
    ['a private message of a room', "type='chat'", `<body>!</body><x xmlns='${MUC_USER}'/>`, false],
  ])('%s', async (_name, attributes, payload, isCopied) => {
    const desk = await device('romeo@localhost/desk');
    const phone = await device('romeo@localhost/phone', { far: desk });
    const juliet = await device('juliet@localhost/balcony', { carbons: false });
    juliet.send(`<message to='${desk.jid}' id='m' ${attributes}>${payload}</message>`);
    expect((await desk.message()).attribute('id')).toBe('m');
    const copies = await heard(phone, desk, juliet);
    expect(copies.map((copy) => innermost(copy)?.attribute('id'))).toEqual(isCopied ? ['m'] : []);
  });

  it('what a user sends privately to an occupant of a room is, and a message to the room is not', async () => {
    const desk = await device('romeo@localhost/desk');
    const phone = await device('romeo@localhost/phone', { far: desk });
    const room = await device('nurse@localhost/nick', { carbons: false });
    desk.send(`<message to='${room.jid}' type='groupchat' id='g'><body>!</body></message>`);
    desk.send(
      `<message to='${room.jid}' type='chat' id='p'><body>!</body><x xmlns='${MUC_USER}'/></message>`,
    );
    expect((await room.message()).attribute('id')).toBe('g');
    expect((await room.message()).attribute('id')).toBe('p');
    expect((await heard(phone, desk)).map((copy) => innermost(copy)?.attribute('id'))).toEqual(['p']);
  });
});

describe('with several devices on several shards', () => {
  it('a message to the account comes to each exactly once, whoever is addressed', async () => {
    const first = await device('romeo@localhost/one', { priority: 5 });
    const second = await device('romeo@localhost/two', { far: first, priority: 5 });
    const third = await device('romeo@localhost/three', { near: first, priority: 5, carbons: false });
    const lower = await device('romeo@localhost/lower', { far: first, priority: 1 });
    const negative = await device('romeo@localhost/negative', { near: first, priority: -1 });
    const deaf = await device('romeo@localhost/deaf', { near: first, priority: 1, carbons: false });
    const juliet = await device('juliet@localhost/balcony', { carbons: false });
    const all = [first, second, third, lower, negative];
    const count = 20;
    for (let i = 0; i < count; i++)
      juliet.send(`<message to='romeo@localhost' type='chat'><body>${i}</body></message>`);
    const wanted = Array.from({ length: count }, (_, i) => `${i}`);
    for (const client of all) {
      const others = all.filter((other) => other !== client);
      expect(bodies(await heard(client, juliet, ...others))).toEqual(wanted);
    }
    expect(await heard(deaf, juliet, ...all)).toEqual([]);
  });

  it('each is given its copy in the namespace that it asked for', async () => {
    const desk = await device('romeo@localhost/desk', { carbons: false });
    const old = await device('romeo@localhost/old', { far: desk, carbons: OLD });
    const modern = await device('romeo@localhost/modern', { near: desk });
    desk.send("<message to='juliet@localhost' type='headline'/>");
    desk.send("<message to='nurse@localhost' type='chat'><body>!</body></message>");
    original(await modern.message(), 'sent', modern);
    const copy = await old.message();
    expect(copy.child('sent', OLD)?.elements()).toEqual([]);
    expect(copy.child('forwarded', FORWARD)?.elements()[0]?.childText('body')).toBe('!');
    expect(copy.elements().length).toBe(2);
  });

  it('a device with a very long address gets its copies, too, in order', async () => {
    const desk = await device('romeo@localhost/desk', { carbons: false });
    const long = await device(`romeo@localhost/${'x'.repeat(900)}`, { far: desk });
    const juliet = await device('juliet@localhost/balcony', { carbons: false });
    for (let i = 0; i < 5; i++)
      desk.send(`<message to='juliet@localhost' type='chat'><body>${i}</body></message>`);
    for (let i = 0; i < 5; i++) expect(bodies([await long.message()])).toEqual([`${i}`]);
    expect(bodies(await heard(juliet, desk))).toEqual(['0', '1', '2', '3', '4']);
  });

  it('what was stored comes once to each that is there', async () => {
    const juliet = await device('juliet@localhost/balcony', { carbons: false });
    const phone = await device('romeo@localhost/phone', { far: juliet, priority: -1 });
    juliet.send("<message to='romeo@localhost' type='chat'><body>stored</body></message>");
    expect(await heard(phone, juliet)).toEqual([]);
    const desk = await device('romeo@localhost/desk', { far: phone, carbons: false });
    expect(bodies([await desk.message()])).toEqual(['stored']);
    expect(bodies(await heard(phone, desk))).toEqual(['stored']);
    expect(await heard(desk, phone)).toEqual([]);
  });
});
