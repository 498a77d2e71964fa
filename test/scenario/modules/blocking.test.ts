import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AdminClient } from '../../../src/cli/client.ts';
import { type Element, TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import {
  condition,
  crash,
  errorType,
  fixture,
  LAB,
  loginOn,
  messagesUntilNow,
  presence,
  shardOf,
} from './support.ts';

/** mod_blocking (XEP-0191), on the lists of mod_privacy. */

const NS = 'urn:xmpp:blocking';
const ROSTER = fixture(
  'mod_roster',
  'mod-roster-groups.ts',
  `entries = [
    { user = "juliet@localhost", contact = "tybalt@localhost", subscription = "both" },
    { user = "tybalt@localhost", contact = "juliet@localhost", subscription = "both" },
    { user = "juliet@localhost", contact = "nurse@localhost", subscription = "both" },
    { user = "nurse@localhost", contact = "juliet@localhost", subscription = "both" },
  ]`,
);
const MODULES = `[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_disco]\n[modules.mod_time]
[modules.mod_privacy]\n[modules.mod_blocking]\n${ROSTER}\n${LAB}`;

describe.each([1, 2])('the blocking command on %i shards', (shards) => {
  let server: TestServer;
  let romeo: TestClient;
  let juliet: TestClient;
  const open: TestClient[] = [];
  let count = 0;

  beforeAll(async () => {
    server = await TestServer.start({
      shards,
      users: ['romeo', 'juliet', 'nurse', 'paris', 'tybalt'],
      toml: MODULES,
    });
    romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    juliet =
      shards === 1
        ? await TestClient.login(server.port(), 'juliet@localhost/balcony')
        : await loginOn(server, 'juliet@localhost/balcony', 'other', romeo);
    await settle();
  });

  afterAll(() => server.stop());

  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()));
    await unblock();
    await settle();
  });

  async function login(jid: string, options = {}): Promise<TestClient> {
    const client = await TestClient.login(server.port(), jid, options);
    open.push(client);
    return client;
  }

  /** Everything that was under way has arrived, and is forgotten. */
  async function settle(): Promise<void> {
    for (let round = 0; round < 2; round++) for (const one of [romeo, juliet]) await messagesUntilNow(one);
  }

  async function block(...jids: string[]): Promise<Element> {
    return await juliet.iq('set', undefined, `<block xmlns='${NS}'>${items(jids)}</block>`);
  }

  async function unblock(...jids: string[]): Promise<Element> {
    return await juliet.iq('set', undefined, `<unblock xmlns='${NS}'>${items(jids)}</unblock>`);
  }

  async function blocked(client = juliet): Promise<(string | undefined)[]> {
    const answer = await client.iq('get', undefined, `<blocklist xmlns='${NS}'/>`);
    return jidsOf(answer.child('blocklist', NS)!);
  }

  const message = (to: string, type = 'chat'): string =>
    `<message to='${to}' type='${type}' id='m${++count}'><body>Hello?</body></message>`;

  it('is announced', async () => {
    const query = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    const answer = await juliet.iq('get', 'localhost', query);
    const features = answer
      .elements()[0]!
      .elements()
      .map((e) => e.attribute('var'));
    expect(features).toContain(NS);
    expect(features).toContain('jabber:iq:privacy');
  });

  it('does not let others push, not even the user’s other devices (threat T36)', async () => {
    const phone = await login('juliet@localhost/phone', { isAvailable: false });
    for (const forger of [romeo, phone]) {
      for (const push of [
        `<block xmlns='${NS}'><item jid='nurse@localhost'/></block>`,
        `<unblock xmlns='${NS}'/>`,
        "<query xmlns='jabber:iq:privacy'><list name='x'/></query>",
      ]) {
        const answer = await forger.iq('set', 'juliet@localhost/balcony', push);
        expect(condition(answer)).toBe('service-unavailable');
      }
    }
    await juliet.nothingElse();
  });

  it('gives the block list: empty, with one, with more, with white space trimmed, without repetitions', async () => {
    expect(await blocked()).toEqual([]);
    expect((await block('romeo@localhost')).attribute('type')).toBe('result');
    expect(await blocked()).toEqual(['romeo@localhost']);
    await block(' paris@localhost ', 'Romeo@Localhost', 'paris@localhost');
    expect(await blocked()).toEqual(['paris@localhost', 'romeo@localhost']);
    await block('a.example', 'a.example/x', 'b@a.example/x');
    expect(await blocked()).toEqual([
      'a.example',
      'a.example/x',
      'b@a.example/x',
      'paris@localhost',
      'romeo@localhost',
    ]);
    await unblock('a.example', 'paris@localhost');
    expect(await blocked()).toEqual(['a.example/x', 'b@a.example/x', 'romeo@localhost']);
    expect((await unblock()).attribute('type')).toBe('result');
    expect(await blocked()).toEqual([]);
  });

  it.each([
    ['a block without items', `<block xmlns='${NS}'/>`, 'bad-request'],
    ['an item without address', `<block xmlns='${NS}'><item/></block>`, 'bad-request'],
    ['something else than an item', `<block xmlns='${NS}'><thing jid='a@b'/></block>`, 'bad-request'],
    [
      'an item of another namespace',
      `<block xmlns='${NS}'><item xmlns='x' jid='a@b'/></block>`,
      'bad-request',
    ],
    ['no address', `<block xmlns='${NS}'><item jid='a@b'/><item jid='@'/></block>`, 'jid-malformed'],
    ['no address to unblock', `<unblock xmlns='${NS}'><item jid='/'/></unblock>`, 'jid-malformed'],
    ['an unknown command', `<bloc xmlns='${NS}'><item jid='a@b'/></bloc>`, 'bad-request'],
    ['__proto__', `<__proto__ xmlns='${NS}'><item jid='a@b'/></__proto__>`, 'bad-request'],
  ])('refuses %s, and nothing is blocked', async (_what, payload, expected) => {
    const answer = await juliet.iq('set', undefined, payload);
    expect(condition(answer)).toBe(expected);
    expect(await blocked()).toEqual([]);
  });

  it('refuses to get anything but the block list', async () => {
    expect(condition(await juliet.iq('get', undefined, `<block xmlns='${NS}'/>`))).toBe('bad-request');
  });

  it('refuses more items than a list may have, and changes nothing', async () => {
    const many = Array.from({ length: 1_000 }, (_unused, i) => `u${i}@x.example`);
    expect((await block(...many)).attribute('type')).toBe('result');
    const answer = await block('romeo@localhost');
    expect(condition(answer)).toBe('resource-constraint');
    expect(await blocked()).toHaveLength(1_000);
    await unblock();
    expect(condition(await block(...many, 'one@more.example'))).toBe('resource-constraint');
    expect(await blocked()).toEqual([]);
  });

  it.each(['localhost', 'juliet@localhost', 'romeo@localhost'])(
    'is a request like any other to %s',
    async (to) => {
      const answer = await juliet.iq('get', to, `<blocklist xmlns='${NS}'/>`);
      expect(condition(answer)).toBe('service-unavailable');
    },
  );

  it.each(['juliet@localhost', 'juliet@localhost/balcony'])(
    'keeps messages to %s away, and tells their sender that nobody is there',
    async (to) => {
      await block('romeo@localhost');
      for (const type of ['chat', 'normal', 'headline']) {
        romeo.send(message(to, type));
        const error = await romeo.message();
        expect(condition(error)).toBe('service-unavailable');
        expect(errorType(error)).toBe('cancel');
        expect(error.attribute('from')).toBe(to);
      }
      await juliet.nothingElse();
      await unblock('romeo@localhost');
      await settle();
      romeo.send(message(to));
      expect((await juliet.message()).childText('body')).toBe('Hello?');
    },
  );

  it('drops group chat, errors, answers and presence without a word', async () => {
    await block('romeo@localhost');
    await settle();
    romeo.send("<message to='juliet@localhost/balcony' type='groupchat'><body>x</body></message>");
    romeo.send("<message to='juliet@localhost/balcony' type='error'><body>x</body></message>");
    romeo.send("<iq to='juliet@localhost/balcony' type='result' id='r1'/>");
    romeo.send("<iq to='juliet@localhost/balcony' type='error' id='r2'/>");
    for (const type of [
      'unavailable',
      'subscribe',
      'subscribed',
      'unsubscribe',
      'unsubscribed',
      'probe',
      'error',
    ]) {
      romeo.send(`<presence to='juliet@localhost' type='${type}'/>`);
      romeo.send(`<presence to='juliet@localhost/balcony' type='${type}'/>`);
    }
    romeo.send("<presence to='juliet@localhost/balcony'/><presence><show>away</show></presence>");
    await romeo.until((e) => e.childText('show') === 'away');
    await romeo.nothingElse();
    await juliet.nothingElse();
    expect(server.log).not.toContain('subscription_came');
  });

  it.each(['juliet@localhost', 'juliet@localhost/balcony'])(
    'refuses requests to %s, as if nobody were there',
    async (to) => {
      const time = "<time xmlns='urn:xmpp:time'/>";
      await block('romeo@localhost');
      const nobody = await romeo.iq('get', to.replace('juliet', 'nobody'), time);
      const answer = await romeo.iq('get', to, time);
      expect(condition(answer)).toBe('service-unavailable');
      expect(answer.child('error')!.elements()).toEqual(nobody.child('error')!.elements());
      const info = await romeo.iq('get', to, "<query xmlns='http://jabber.org/protocol/disco#info'/>");
      expect(condition(info)).toBe('service-unavailable');
      await juliet.nothingElse();
    },
  );

  it('keeps the blocker from writing, and says why', async () => {
    await block('romeo@localhost');
    await settle();
    const stanzas = [
      message('romeo@localhost'),
      message('romeo@localhost/orchard'),
      "<iq to='romeo@localhost/orchard' type='get' id='i1'><q xmlns='x'/></iq>",
      "<presence to='romeo@localhost'/>",
      "<presence to='romeo@localhost' type='subscribe'/>",
    ];
    for (const stanza of stanzas) {
      juliet.send(stanza);
      const error = await juliet.element();
      expect(error.attribute('type')).toBe('error');
      expect(error.attribute('from')).toMatch(/^romeo@localhost/);
      expect(condition(error)).toBe('not-acceptable');
      expect(errorType(error)).toBe('cancel');
      expect(error.child('error')!.child('blocked', 'urn:xmpp:blocking:errors')).toBeDefined();
    }
    juliet.send("<iq to='romeo@localhost/orchard' type='result' id='late'/>");
    juliet.send("<message to='romeo@localhost' type='error'><body>x</body></message>");
    await juliet.nothingElse();
    await romeo.nothingElse();
  });

  it('leaves everybody else alone, and the own resources, and the server', async () => {
    const paris = await login('paris@localhost/hall');
    const phone = await login('juliet@localhost/phone');
    await block('romeo@localhost', 'juliet@localhost', 'localhost/x');
    await settle();
    paris.send(message('juliet@localhost/balcony'));
    expect((await juliet.message()).attribute('from')).toBe('paris@localhost/hall');
    phone.send(message('juliet@localhost/balcony'));
    expect((await juliet.message()).attribute('from')).toBe('juliet@localhost/phone');
    await block('localhost');
    const answer = await juliet.iq('get', 'localhost', "<time xmlns='urn:xmpp:time'/>");
    expect(answer.attribute('type')).toBe('result');
    paris.send(message('juliet@localhost/balcony'));
    expect(condition(await paris.message())).toBe('service-unavailable');
  });

  it('blocks by resource, by account and by domain', async () => {
    const other = await login('romeo@localhost/tomb', { isAvailable: false });
    await block('romeo@localhost/orchard');
    await settle();
    other.send(message('juliet@localhost/balcony'));
    expect((await juliet.message()).attribute('from')).toBe('romeo@localhost/tomb');
    romeo.send(message('juliet@localhost/balcony'));
    expect(condition(await romeo.message())).toBe('service-unavailable');
    await unblock();
    await block('localhost/tomb');
    await settle();
    other.send(message('juliet@localhost/balcony'));
    expect(condition(await other.message())).toBe('service-unavailable');
    romeo.send(message('juliet@localhost/balcony'));
    await juliet.message();
  });

  it('answers once where several resources would have got the message', async () => {
    await login('juliet@localhost/phone');
    await login('juliet@localhost/tablet');
    await block('romeo@localhost');
    await settle();
    romeo.send(message('juliet@localhost'));
    expect(condition(await romeo.message())).toBe('service-unavailable');
    await settle();
    await romeo.nothingElse();
  });

  it('tells resources that know the block list, on every shard, and no other', async () => {
    const phone = await login('juliet@localhost/phone');
    const quiet = await login('juliet@localhost/quiet', { isAvailable: false });
    expect(await blocked(phone)).toEqual([]);
    await messagesUntilNow(quiet);
    await messagesUntilNow(phone);
    await block('romeo@localhost', 'paris@localhost');
    const push = await phone.until((e) => e.name === 'iq');
    expect(push.attribute('type')).toBe('set');
    expect(push.attribute('from')).toBe('juliet@localhost');
    expect(push.attribute('id')).toMatch(/^push/);
    expect(jidsOf(push.child('block', NS)!)).toEqual(['romeo@localhost', 'paris@localhost']);
    phone.send(`<iq type='result' id='${push.attribute('id')}' to='juliet@localhost'/>`);
    await unblock('paris@localhost');
    const freed = await phone.until((e) => e.name === 'iq');
    expect(jidsOf(freed.child('unblock', NS)!)).toEqual(['paris@localhost']);
    await unblock();
    const all = await phone.until((e) => e.name === 'iq');
    expect(all.child('unblock', NS)!.elements()).toEqual([]);
    await quiet.nothingElse();
  });

  it('tells the resource that changed it, too', async () => {
    juliet.send(`<iq type='set' id='own'><block xmlns='${NS}'><item jid='romeo@localhost'/></block></iq>`);
    const push = await juliet.until((e) => e.name === 'iq' && e.attribute('type') === 'set');
    expect(jidsOf(push.child('block', NS)!)).toEqual(['romeo@localhost']);
    await juliet.until((e) => e.attribute('id') === 'own');
  });

  /** A contact of Juliet's comes and sees her. */
  async function contact(jid: string): Promise<TestClient> {
    const client = await login(jid, { isAvailable: false });
    client.send('<presence/>');
    await client.until((e) => e.attribute('from') === 'juliet@localhost/balcony');
    await messagesUntilNow(client);
    await settle();
    return client;
  }

  it('makes the user unavailable to whom he blocks, and available again', async () => {
    const nurse = await contact('nurse@localhost/room');
    const tybalt = await contact('tybalt@localhost/street');
    await block('tybalt@localhost', 'paris@localhost');
    const gone = await presence(tybalt);
    expect([gone.attribute('from'), gone.attribute('type')]).toEqual([
      'juliet@localhost/balcony',
      'unavailable',
    ]);
    juliet.send('<presence><show>dnd</show></presence>');
    expect((await nurse.until((e) => e.name === 'presence')).childText('show')).toBe('dnd');
    await tybalt.nothingElse();
    await unblock('tybalt@localhost');
    const back = await presence(tybalt);
    expect(back.attribute('from')).toBe('juliet@localhost/balcony');
    expect(back.childText('show')).toBe('dnd');
    await nurse.nothingElse();
    juliet.send('<presence/>');
    await presence(tybalt);
  });

  it('tells a single resource of a contact, too', async () => {
    const tybalt = await contact('tybalt@localhost/street');
    await block('tybalt@localhost/street');
    const gone = await presence(tybalt);
    expect([gone.attribute('to'), gone.attribute('type')]).toEqual([
      'tybalt@localhost/street',
      'unavailable',
    ]);
    await unblock('tybalt@localhost/street');
    expect((await presence(tybalt)).attribute('type')).toBeUndefined();
  });

  it('keeps presence, probes and their answers away from whom a user had blocked before', async () => {
    const tybalt = await contact('tybalt@localhost/street');
    await block('tybalt@localhost');
    await presence(tybalt);
    await settle();
    const phone = await login('juliet@localhost/phone');
    tybalt.send("<presence type='probe' to='juliet@localhost'/>");
    await phone.close();
    await settle();
    await tybalt.nothingElse();
    await messagesUntilNow(juliet);
    tybalt.send('<presence><show>away</show></presence>');
    await tybalt.until((e) => e.childText('show') === 'away');
    await settle();
    await juliet.nothingElse();
  });

  it('ends directed presence, too', async () => {
    const paris = await login('paris@localhost/hall');
    juliet.send("<presence to='paris@localhost/hall'/>");
    await presence(paris);
    await block('paris@localhost');
    expect(
      (await paris.until((e) => e.attribute('from') === 'juliet@localhost/balcony')).attribute('type'),
    ).toBe('unavailable');
    await unblock();
    await settle();
    await paris.nothingElse();
  });

  it('holds for a user who is away: nothing is stored, and its sender is told the same', async () => {
    const nurse = await login('nurse@localhost/room', { isAvailable: false });
    await nurse.iq('set', undefined, `<block xmlns='${NS}'><item jid='romeo@localhost'/></block>`);
    await nurse.close();
    romeo.send(message('nurse@localhost'));
    expect(condition(await romeo.message())).toBe('service-unavailable');
    expect(condition(await romeo.iq('get', 'nurse@localhost', "<query xmlns='jabber:iq:last'/>"))).toBe(
      'service-unavailable',
    );
    const again = await login('nurse@localhost/room');
    expect(await messagesUntilNow(again)).toEqual([]);
    expect(await blocked(again)).toEqual(['romeo@localhost']);
    await again.iq('set', undefined, `<unblock xmlns='${NS}'/>`);
    await again.close();
    romeo.send(message('nurse@localhost'));
    await romeo.nothingElse();
    await romeo.iq('get', `nobody${++count}@localhost`, "<q xmlns='urn:test:nobody'/>");
    const last = await login('nurse@localhost/room');
    expect((await last.message()).attribute('from')).toBe('romeo@localhost/orchard');
  });

  it('keeps what was stored before away, and does not tell its sender when', async () => {
    romeo.send(message('nurse@localhost'));
    await romeo.iq('get', `nobody${++count}@localhost`, "<q xmlns='urn:test:nobody'/>");
    const nurse = await login('nurse@localhost/room', { isAvailable: false });
    await nurse.iq('set', undefined, `<block xmlns='${NS}'><item jid='romeo@localhost'/></block>`);
    nurse.send('<presence/>');
    await nurse.until((e) => e.name === 'presence');
    expect(await messagesUntilNow(nurse)).toEqual([]);
    await nurse.iq('set', undefined, `<unblock xmlns='${NS}'/>`);
    await settle();
    await romeo.nothingElse();
  });

  it('lets nothing pass once it is answered, on any shard and whoever writes meanwhile', async () => {
    const phone = await login('juliet@localhost/phone');
    const tomb = await login('romeo@localhost/tomb', { isAvailable: false });
    const senders = [romeo, tomb];
    for (let round = 0; round < 10; round++) {
      await settle();
      await messagesUntilNow(phone);
      let sent = 0;
      const burst = (): void => {
        for (const sender of senders) {
          for (const to of ['balcony', 'phone']) {
            sender.send(`<message to='juliet@localhost/${to}' type='headline' id='b${sent++}'/>`);
          }
        }
      };
      for (let i = 0; i < 20; i++) burst();
      const answering = block('romeo@localhost');
      for (let i = 0; i < 20; i++) burst();
      await answering;
      // What has come to the other resource by now was delivered before; what follows this must not be a message of Romeo's.
      const before = await messagesUntilNow(phone);
      for (let i = 0; i < 20; i++) burst();
      for (const sender of senders) {
        await sender.until(
          (e) =>
            e.attribute('type') === 'error' &&
            e.attribute('id') === `b${sent - 1 - (sender === romeo ? 2 : 0)}`,
        );
      }
      expect(await messagesUntilNow(phone), `round ${round}, ${before.length} before`).toEqual([]);
      expect(await messagesUntilNow(juliet)).toEqual([]);
      await unblock();
    }
  });

  it('loses nothing when two resources block at once', async () => {
    const phone = await login('juliet@localhost/phone');
    for (let i = 0; i < 20; i++) {
      for (const [client, name] of [
        [juliet, 'a'],
        [phone, 'b'],
      ] as const) {
        client.send(
          `<iq type='set' id='${name}${i}'><block xmlns='${NS}'><item jid='${name}${i}@x'/></block></iq>`,
        );
      }
    }
    await juliet.until((e) => e.attribute('id') === 'a19');
    await phone.until((e) => e.attribute('id') === 'b19');
    expect(await blocked()).toHaveLength(40);
  });

  it('is the part of the default privacy list that denies everything to a JID', async () => {
    const list = (name: string, inside: string): string =>
      `<query xmlns='jabber:iq:privacy'><list name='${name}'>${inside}</list></query>`;
    await block('romeo@localhost');
    const names = await juliet.iq('get', undefined, "<query xmlns='jabber:iq:privacy'/>");
    expect(names.elements()[0]!.child('default')!.attribute('name')).toBe('blocking');
    const inside = `<item type='jid' value='paris@localhost' action='deny' order='5'/>
      <item type='jid' value='nurse@localhost' action='deny' order='6'><message/></item>`;
    await juliet.iq('set', undefined, list('blocking', inside));
    expect(await blocked()).toEqual(['paris@localhost']);
    await block('romeo@localhost');
    const answer = await juliet.iq('get', undefined, list('blocking', ''));
    const found = answer.elements()[0]!.elements()[0]!.elements();
    expect(found.map((e) => [e.attribute('value'), e.attribute('action'), e.attribute('order')])).toEqual([
      ['romeo@localhost', 'deny', '4'],
      ['paris@localhost', 'deny', '5'],
      ['nurse@localhost', 'deny', '6'],
    ]);
    await unblock();
    expect(await blocked()).toEqual([]);
    await juliet.iq('set', undefined, list('blocking', ''));
  });

  it('is explained, and nothing happens', async () => {
    const admin = await AdminClient.connect(join(server.directory, 'data', 'meerkat.sock'));
    const explain = async (from: string, to: string, stanza: string): Promise<unknown> =>
      ((await admin.request('route', { from, to, stanza })) as { decision: unknown }).decision;
    const body = "<message type='chat'><body>x</body></message>";
    await block('romeo@localhost');
    expect(await explain('juliet@localhost/balcony', 'romeo@localhost', body)).toMatchObject({
      outcome: 'taken',
      by: 'mod_privacy',
    });
    const nurse = await login('nurse@localhost/room', { isAvailable: false });
    await nurse.iq('set', undefined, `<block xmlns='${NS}'><item jid='romeo@localhost'/></block>`);
    await nurse.close();
    const bounced = { outcome: 'bounced', error: 'service-unavailable' };
    expect(await explain('romeo@localhost/orchard', 'nurse@localhost', body)).toMatchObject(bounced);
    const last = "<iq type='get' id='l'><query xmlns='jabber:iq:last'/></iq>";
    expect(await explain('romeo@localhost/orchard', 'nurse@localhost', last)).toMatchObject(bounced);
    expect(await explain('paris@localhost/hall', 'nurse@localhost', body)).toMatchObject({
      outcome: 'stored',
    });
    admin.close();
    const again = await login('nurse@localhost/room', { isAvailable: false });
    await again.iq('set', undefined, `<unblock xmlns='${NS}'/>`);
    await settle();
    await juliet.nothingElse();
    await romeo.nothingElse();
  });

  it('is part of a user’s data, and goes with the account', async () => {
    await block('romeo@localhost');
    const answer = await romeo.iq(
      'get',
      'localhost',
      "<export xmlns='urn:test:lab'>juliet@localhost</export>",
    );
    const tables = JSON.parse(answer.elements()[0]!.text()) as { name: string; rows: string[][] }[];
    const rows = tables.find(({ name }) => name === 'privacy')!.rows;
    expect(rows).toEqual([
      ['blocking', 'default', 'jid', 'romeo@localhost', 'block', String(2 ** 31 - 1), ''],
    ]);
  });
});

describe('a change of the block list', () => {
  let server: TestServer;

  afterEach(() => server.stop());

  it('is answered only when a shard that is behind has heard of it, too', async () => {
    const users = ['romeo', 'juliet'];
    server = await TestServer.start({ shards: 2, users, toml: MODULES, isFaulty: true });
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    const phone = await loginOn(server, 'juliet@localhost/phone', 'other', juliet);
    const romeo = await loginOn(server, 'romeo@localhost/orchard', 'same', phone);
    await messagesUntilNow(phone);
    await messagesUntilNow(romeo);
    const shard = await shardOf(phone);
    await server.strike(`shard ${shard}`, 'stall', 1_000);
    const answer = await juliet.iq(
      'set',
      undefined,
      `<block xmlns='${NS}'><item jid='romeo@localhost'/></block>`,
    );
    expect(answer.attribute('type')).toBe('result');
    romeo.send("<message to='juliet@localhost/phone' id='after' type='chat'><body>x</body></message>");
    expect(condition(await romeo.message())).toBe('service-unavailable');
    expect(await messagesUntilNow(phone)).toEqual([]);
  });

  it('outlives a shard and a restart', async () => {
    const users = ['romeo', 'juliet'];
    server = await TestServer.start({ shards: 2, users, toml: MODULES });
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    const romeo = await loginOn(server, 'romeo@localhost/orchard', 'other', juliet);
    await juliet.iq('set', undefined, `<block xmlns='${NS}'><item jid='romeo@localhost'/></block>`);
    await crash(juliet);
    let again: TestClient | undefined;
    // A connection may still come to the shard that is ending.
    while (again === undefined) {
      again = await TestClient.login(server.port(), 'juliet@localhost/balcony').catch(() => undefined);
    }
    romeo.send("<message to='juliet@localhost/balcony' type='chat'><body>x</body></message>");
    expect(condition(await romeo.message())).toBe('service-unavailable');
    await again.nothingElse();
    await server.kill();
    await server.launch();
    const late = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    const answer = await late.iq('get', undefined, `<blocklist xmlns='${NS}'/>`);
    expect(jidsOf(answer.child('blocklist', NS)!)).toEqual(['romeo@localhost']);
  });

  it('fails, and changes nothing, while the store is away; what is known goes on', async () => {
    const users = ['romeo', 'juliet', 'paris'];
    server = await TestServer.start({ shards: 2, users, toml: MODULES, isFaulty: true });
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const paris = await TestClient.login(server.port(), 'paris@localhost/hall');
    await juliet.iq('set', undefined, `<block xmlns='${NS}'><item jid='romeo@localhost'/></block>`);
    await messagesUntilNow(juliet);
    await server.strike('store', 'stall-and-exit', 100);
    const answer = await juliet.iq(
      'set',
      undefined,
      `<block xmlns='${NS}'><item jid='paris@localhost'/></block>`,
    );
    expect(condition(answer)).toBe('internal-server-error');
    romeo.send("<message to='juliet@localhost/balcony' type='chat' id='r'><body>x</body></message>");
    expect(condition(await romeo.message())).toBe('service-unavailable');
    paris.send("<message to='juliet@localhost/balcony' type='chat' id='p'><body>x</body></message>");
    expect((await juliet.message()).attribute('id')).toBe('p');
  });

  it('is forgotten with the modules, and comes back with them', async () => {
    const users = ['romeo', 'juliet'];
    server = await TestServer.start({ shards: 2, users, toml: MODULES });
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    await juliet.iq('set', undefined, `<block xmlns='${NS}'><item jid='romeo@localhost'/></block>`);
    const text = readFileSync(server.configFile, 'utf8');
    const admin = await AdminClient.connect(join(server.directory, 'data', 'meerkat.sock'));
    writeFileSync(
      server.configFile,
      text.replace('[modules.mod_blocking]', '').replace('[modules.mod_privacy]', ''),
    );
    await admin.request('reload', {});
    romeo.send("<message to='juliet@localhost/balcony' type='chat' id='free'><body>x</body></message>");
    expect((await juliet.message()).attribute('id')).toBe('free');
    expect(condition(await juliet.iq('get', undefined, `<blocklist xmlns='${NS}'/>`))).toBe(
      'service-unavailable',
    );
    writeFileSync(server.configFile, text);
    await admin.request('reload', {});
    romeo.send("<message to='juliet@localhost/balcony' type='chat' id='again'><body>x</body></message>");
    expect(condition(await romeo.message())).toBe('service-unavailable');
    admin.close();
  });
});

function items(jids: readonly string[]): string {
  return jids.map((jid) => `<item jid='${jid}'/>`).join('');
}

function jidsOf(element: Element): (string | undefined)[] {
  return element.elements().map((item) => item.attribute('jid'));
}
