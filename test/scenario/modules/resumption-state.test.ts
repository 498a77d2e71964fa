import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hashOf } from '../../../src/modules/mod-caps/hash.ts';
import { readInfo } from '../../../src/modules/mod-caps/info.ts';
import { inputV1 } from '../../../src/modules/mod-caps/input-v1.ts';
import { parseElementText } from '../../../src/xmpp/trusted-xml.ts';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { acknowledge, bodyOf, enableResumption, resume } from '../../helpers/stream-management.ts';
import { push, setItem } from './roster-support.ts';
import { condition, fixture, LAB, loginOn, messagesUntilNow, nobodyThere, resumeOn } from './support.ts';

/** Whatever a session remembers survives a resumption (XEP-0198), on the same shard and on another. */

const CARBONS = 'urn:xmpp:carbons:2';
const CSI = 'urn:xmpp:csi:0';
const PRIVACY = 'jabber:iq:privacy';
const BLOCKING = 'urn:xmpp:blocking';
const INFO = 'http://jabber.org/protocol/disco#info';
const CAPS = 'http://jabber.org/protocol/caps';
const PHONE = 'juliet@localhost/phone';

const MODULES = `
[modules.mod_roster]
[modules.mod_presence]
[modules.mod_offline]
[modules.mod_disco]
[modules.mod_carboncopy]
[modules.mod_csi]
[modules.mod_privacy]
[modules.mod_blocking]
[modules.mod_caps]
[modules.mod_stream_management]
${fixture('mod_caps_spy', 'mod-caps-spy.ts')}
${LAB}`;

let server: TestServer;
let open: TestClient[] = [];

afterEach(async () => {
  for (const client of open) await client.close();
  open = [];
});

async function login(jid: string, far?: [place: 'same' | 'other', of: TestClient]): Promise<TestClient> {
  const client =
    far === undefined
      ? await TestClient.login(server.port(), jid)
      : await loginOn(server, jid, far[0], far[1]);
  open.push(client);
  return client;
}

/** Resumes the phone's session on the same shard, or on the other. */
async function resumePhone(place: string, nurse: TestClient, id: string, h: number): Promise<TestClient> {
  const client = await resumeOn(server, place, nurse, PHONE, id, h);
  open.push(client);
  return client;
}

let markers = 0;

/** Waits until all that `sender` sent has come to the shard of `witness`: a message behind it has. */
async function arrived(sender: TestClient, witness: TestClient): Promise<void> {
  const id = `marker${++markers}`;
  sender.send(`<message to='${witness.jid}' type='headline' id='${id}'/>`);
  await witness.until((element) => element.attribute('id') === id);
}

function chat(to: string, body: string): string {
  return `<message to='${to}' type='chat' id='${body}'><body>${body}</body></message>`;
}

async function done(client: TestClient, type: 'get' | 'set', payload: string): Promise<Element> {
  const answer = await client.iq(type, undefined, payload);
  expect(answer.attribute('type')).toBe('result');
  return answer;
}

/** Becomes inactive, surely. The answer comes although everything waits: the server does not route it. */
async function becomeInactive(client: TestClient): Promise<void> {
  client.send(`<inactive xmlns='${CSI}'/><unknown xmlns='${CSI}'/>`);
  await client.until((element) => element.name === 'unknown');
}

/** All stanzas that a client hears until the one with that id, without it. */
async function stanzasUntil(client: TestClient, id: string): Promise<Element[]> {
  const all: Element[] = [];
  for (;;) {
    const element = await client.element();
    if (element.attribute('id') === id) return all;
    if (['message', 'presence', 'iq'].includes(element.name)) all.push(element);
  }
}

let softwares = 0;

/** Capabilities that nobody has seen: what a client announces, and what it answers. */
function software(): { c: string; info: string } {
  const info = `<identity category='client' type='phone' name='Test'/><feature var='urn:test:state${++softwares}'/>`;
  const ver = hashOf(
    'sha-1',
    inputV1(readInfo(parseElementText(`<query xmlns='${INFO}'>${info}</query>`))!)!,
  );
  return { c: `<c xmlns='${CAPS}' hash='sha-1' node='urn:test:client' ver='${ver}'/>`, info };
}

const isQuestion = (element: Element): boolean => element.child('query', INFO) !== undefined;
const isRecognised = (element: Element): boolean => element.child('presence') !== undefined;

function answerCaps(client: TestClient, asked: Element, info: string): void {
  const node = asked.child('query', INFO)!.attribute('node');
  const id = asked.attribute('id');
  client.send(
    `<iq type='result' id='${id}' to='localhost'><query xmlns='${INFO}' node='${node}'>${info}</query></iq>`,
  );
}

describe.each([
  ['same', 'lost'],
  ['other', 'lost'],
  ['same', 'open'],
  ['other', 'open'],
])('resuming on the %s shard when the old connection is %s', (place, before) => {
  let nurse: TestClient;
  let romeo: TestClient;
  let phone: TestClient;
  let id: string;

  beforeAll(async () => {
    server = await TestServer.start({
      shards: 2,
      users: ['juliet', 'romeo', 'nurse', 'tybalt', 'paris'],
      toml: MODULES,
    });
  });

  afterAll(() => server.stop());

  /** Juliet's phone, the nurse on its shard, Romeo on the other. */
  async function meet(): Promise<void> {
    phone = await login(PHONE);
    nurse = await login('nurse@localhost/house', ['same', phone]);
    romeo = await login('romeo@localhost/orchard', ['other', phone]);
  }

  /** The connection is lost, if that is what this is about; the phone comes back, having handled `h` stanzas. */
  async function comeBack(h = 0): Promise<void> {
    if (before === 'lost') phone.cut();
    phone = await resumePhone(place, nurse, id, h);
  }

  it('what waits for an inactive client comes once, in order; the client is active, and may become inactive again', async () => {
    await meet();
    id = await enableResumption(phone);
    await becomeInactive(phone);
    romeo.send(`${chat(PHONE, 'one')}<presence to='${PHONE}' id='two'/>`);
    romeo.send(chat('juliet@localhost', 'three'));
    await arrived(romeo, nurse);
    if (before === 'lost') {
      phone.cut();
      romeo.send(chat(PHONE, 'four'));
    }
    await comeBack();
    if (before === 'open') romeo.send(chat(PHONE, 'four'));
    romeo.send(chat(PHONE, 'end'));
    const heard = await stanzasUntil(phone, 'end');
    expect(heard.map((stanza) => stanza.attribute('id'))).toEqual(['one', 'two', 'three', 'four']);
    acknowledge(phone, 5);
    await becomeInactive(phone);
    romeo.send(chat(PHONE, 'five'));
    await romeo.nothingElse();
    phone.send(`<unknown xmlns='${CSI}'/>`);
    expect((await phone.until((element) => element.name !== 'r')).name).toBe('unknown');
    phone.send(`<active xmlns='${CSI}'/>`);
    expect(bodyOf(await phone.message())).toBe('five');
    acknowledge(phone, 6);
    expect(await messagesUntilNow(phone)).toEqual([]);
  });

  it('what waits when the session ends finds another way, once', async () => {
    await meet();
    id = await enableResumption(phone);
    await becomeInactive(phone);
    romeo.send(chat('juliet@localhost', 'unread'));
    await arrived(romeo, nurse);
    await comeBack();
    romeo.send(chat('juliet@localhost', 'unread, too'));
    await arrived(romeo, nurse);
    await phone.close();
    await nobodyThere(nurse, 'juliet@localhost');
    const later = await login('juliet@localhost/later');
    // They may still be on their way into storage.
    for (const body of ['unread', 'unread, too']) expect(bodyOf(await later.message())).toBe(body);
    expect(await messagesUntilNow(later)).toEqual([]);
  });

  it('messages from storage do not wait for an inactive client', async () => {
    nurse = await login('nurse@localhost/house');
    nurse.send(chat('juliet@localhost', 'stored'));
    phone = await TestClient.login(server.port(), PHONE, { isAvailable: false });
    open.push(phone);
    id = await enableResumption(phone);
    await becomeInactive(phone);
    phone.send('<presence/>');
    expect(bodyOf(await phone.message())).toBe('stored');
    await comeBack();
    expect(bodyOf(await phone.message())).toBe('stored');
    await phone.close();
    await nobodyThere(nurse, 'juliet@localhost');
    const later = await login('juliet@localhost/later');
    expect(bodyOf(await later.message())).toBe('stored');
    expect(await messagesUntilNow(later)).toEqual([]);
  });

  it('messages from storage that are more than may be unacknowledged keep nobody from coming back, and newer ones stay behind them', async () => {
    nurse = await login('nurse@localhost/house');
    for (let i = 0; i < 150; i++) nurse.send(chat('juliet@localhost', `${i}`));
    await nurse.nothingElse();
    phone = await TestClient.login(server.port(), PHONE, { isAvailable: false });
    open.push(phone);
    const witness = await login('romeo@localhost/witness', ['same', phone]);
    id = await enableResumption(phone);
    phone.send('<presence/>');
    for (let i = 0; i < 100; i++) expect(bodyOf(await phone.message())).toBe(`${i}`);
    nurse.send(chat(PHONE, 'live'));
    await arrived(nurse, witness);
    // Handing the session over takes no longer than its client has patience, whatever waits in it.
    await comeBack();
    nurse.send(chat(PHONE, 'end'));
    const heard: (string | undefined)[] = [];
    // Its own presence is among what it has handled.
    for (let h = 0; heard.at(-1) !== 'end'; ) {
      const element = await phone.element();
      if (element.name === 'r') acknowledge(phone, h);
      else h++;
      if (element.name === 'message') heard.push(bodyOf(element));
    }
    expect(heard).toEqual([...Array.from({ length: 150 }, (_, i) => `${i}`), 'live', 'end']);
  });

  it('roster pushes come, in order', async () => {
    await meet();
    const desk = await login('juliet@localhost/desk', ['other', phone]);
    await done(phone, 'get', "<query xmlns='jabber:iq:roster'/>");
    id = await enableResumption(phone);
    await comeBack();
    for (let i = 0; i < 20; i++) await setItem(desk, `<item jid='nurse@localhost' name='${i}'/>`);
    for (let i = 0; i < 20; i++) expect(await push(phone)).toBe(`nurse@localhost "${i}" none`);
  });

  it('the active privacy list stays active; the client hears of changed lists and blocked contacts', async () => {
    await meet();
    const desk = await login('juliet@localhost/desk', ['other', phone]);
    const tybalt = await login('tybalt@localhost/street');
    const list = "<item type='jid' value='tybalt@localhost' action='deny' order='1'/>";
    await done(phone, 'set', `<query xmlns='${PRIVACY}'><list name='quiet'>${list}</list></query>`);
    await done(phone, 'set', `<query xmlns='${PRIVACY}'><active name='quiet'/></query>`);
    await done(phone, 'get', `<blocklist xmlns='${BLOCKING}'/>`);
    id = await enableResumption(phone);
    await comeBack();
    tybalt.send(chat(PHONE, 'insult'));
    expect(condition(await tybalt.message())).toBe('service-unavailable');
    const lists = await done(phone, 'get', `<query xmlns='${PRIVACY}'/>`);
    expect(lists.child('query', PRIVACY)!.child('active')!.attribute('name')).toBe('quiet');
    // In use by another session (XEP-0016 §2.2, rule 11).
    const removal = await desk.iq('set', undefined, `<query xmlns='${PRIVACY}'><list name='quiet'/></query>`);
    expect(condition(removal)).toBe('conflict');
    await done(desk, 'set', `<block xmlns='${BLOCKING}'><item jid='paris@localhost'/></block>`);
    const heard = new Set<string>();
    while (heard.size < 2) {
      const element = await phone.element();
      if (element.child('block', BLOCKING) !== undefined) heard.add('block');
      if (element.child('query', PRIVACY)?.child('list') !== undefined) heard.add('list');
    }
    await done(desk, 'set', `<unblock xmlns='${BLOCKING}'/>`);
    await done(phone, 'set', `<query xmlns='${PRIVACY}'><active/></query>`);
    await done(phone, 'set', `<query xmlns='${PRIVACY}'><list name='quiet'/></query>`);
  });

  it('copies of messages go on, and end when they are switched off', async () => {
    await meet();
    const desk = await login('juliet@localhost/desk', ['other', phone]);
    await done(phone, 'set', `<enable xmlns='${CARBONS}'/>`);
    id = await enableResumption(phone);
    await comeBack();
    romeo.send(chat(desk.jid, 'received'));
    expect(bodyOf(await desk.message())).toBe('received');
    expect((await phone.message()).child('received', CARBONS)).toBeDefined();
    desk.send(chat(romeo.jid, 'sent'));
    expect((await phone.message()).child('sent', CARBONS)).toBeDefined();
    await done(phone, 'set', `<disable xmlns='${CARBONS}'/>`);
    romeo.send(chat(desk.jid, 'for the desk alone'));
    expect(bodyOf(await desk.message())).toBe('for the desk alone');
    await arrived(desk, phone);
    expect(await messagesUntilNow(phone)).toEqual([]);
  });

  it('a copy that was not acknowledged goes nowhere else, not even to who takes the resource', async () => {
    await meet();
    const desk = await login('juliet@localhost/desk', ['other', phone]);
    await done(phone, 'set', `<enable xmlns='${CARBONS}'/>`);
    id = await enableResumption(phone);
    romeo.send(chat(desk.jid, 'copied'));
    expect(bodyOf(await desk.message())).toBe('copied');
    expect((await phone.message()).child('received', CARBONS)).toBeDefined();
    await comeBack();
    expect((await phone.message()).child('received', CARBONS)).toBeDefined();
    await done(desk, 'set', `<enable xmlns='${CARBONS}'/>`);
    const replacing = await login(PHONE);
    await phone.streamError();
    expect(await messagesUntilNow(replacing)).toEqual([]);
    expect(await messagesUntilNow(desk)).toEqual([]);
  });

  it('capabilities that are known stay known', async () => {
    await meet();
    const { c, info } = software();
    phone.send(`<presence>${c}</presence>`);
    answerCaps(phone, await phone.until(isQuestion), info);
    await phone.until(isRecognised);
    id = await enableResumption(phone);
    await comeBack();
    phone.send(`<presence>${c}</presence>`);
    const heard = [
      phone.until(
        (element) => element.attribute('id') === 'stop' || isQuestion(element) || isRecognised(element),
      ),
    ];
    phone.send("<iq type='get' id='stop'><nothing xmlns='urn:test:nothing'/></iq>");
    expect((await heard[0])!.attribute('id')).toBe('stop');
  });

  it('a client that was asked for its capabilities is recognised after it has come back', async () => {
    await meet();
    const { c, info } = software();
    id = await enableResumption(phone);
    phone.send(`<presence>${c}</presence>`);
    await phone.until(isQuestion);
    if (before === 'lost') phone.cut();
    phone = await resumePhone(place, nurse, id, 0);
    // The question comes again: as what was not acknowledged, and on another shard as a new one. Either answer will do.
    for (;;) {
      const element = await phone.until((one) => isQuestion(one) || isRecognised(one));
      if (!isQuestion(element)) break;
      answerCaps(phone, element, info);
    }
  });
});

describe.each(['same', 'other'])('a client that has resumed on the %s shard', (place) => {
  beforeAll(async () => {
    server = await TestServer.start({
      shards: 2,
      users: ['juliet', 'nurse'],
      toml: `[modules.mod_presence]\n[modules.mod_stream_management]
[modules.mod_ping]\n  send_pings = true\n  ping_interval = 1\n  ping_req_timeout = 5\n  timeout_action = "kill"\n${LAB}`,
    });
  });

  afterAll(() => server.stop());

  it('and is silent then is pinged; without an answer its session waits once more', async () => {
    const phone = await login(PHONE);
    const nurse = await loginOn(server, 'nurse@localhost/house', 'same', phone);
    const id = await enableResumption(phone);
    phone.cut();
    const again = await resumePhone(place, nurse, id, 0);
    nurse.cut();
    const ping = await again.until((element) => element.child('ping', 'urn:xmpp:ping') !== undefined);
    expect(ping.attribute('type')).toBe('get');
    // Nobody answers: the connection ends, and the session waits for its client.
    while ((await again.next()).kind !== 'disconnected');
    const back = await resume(server, 'juliet@localhost', id, 0);
    expect((await back.element()).child('ping', 'urn:xmpp:ping')).toBeDefined();
    await back.close();
    open = [];
  });
});
