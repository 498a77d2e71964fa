import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import {
  acknowledge,
  askToResume,
  bodyOf,
  enable,
  enableResumption,
  handled,
  NS_SM,
  resume,
  unbound,
} from '../../helpers/stream-management.ts';
import { condition, LAB, loginOn, messagesUntilNow, nobodyThere, presence } from './support.ts';

const MODULES = `[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_stream_management]\n${LAB}`;

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo', 'juliet', 'nurse', 'mercutio', 'benvolio', 'tybalt', 'rosaline'],
    toml: MODULES,
  });
});

afterAll(() => server.stop());

function chat(to: string, body: string): string {
  return `<message to='${to}' type='chat' id='${body}'><body>${body}</body></message>`;
}

/** Requests for acknowledgements are dropped. */
async function next(client: TestClient): ReturnType<TestClient['element']> {
  return await client.until((element) => element.name !== 'r');
}

describe('switching it on', () => {
  it('is offered after login', async () => {
    const client = await TestClient.connect(server.port());
    const before = await client.openStream('localhost');
    expect(before.child('sm', NS_SM)).toBeUndefined();
    client.cut();
    const after = await TestClient.connect(server.port());
    await after.openStream('localhost');
    after.send(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${Buffer.from('\0romeo\0secret').toString('base64')}</auth>`,
    );
    await after.element();
    after.restart();
    expect((await after.openStream('localhost')).child('sm', NS_SM)).toBeDefined();
    after.cut();
  });

  it('is answered, with an id for whoever wants to resume', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/plain', { isAvailable: false });
    const plain = await enable(romeo, '');
    expect([plain.name, plain.attribute('id'), plain.attribute('resume')]).toEqual([
      'enabled',
      undefined,
      undefined,
    ]);
    await romeo.close();
    const ids = new Set<string>();
    for (const wish of [
      "resume='true'",
      "resume='1'",
      "resume='true' max='30'",
      "resume='true' max='9999'",
    ]) {
      const client = await TestClient.login(server.port(), 'romeo@localhost/orchard', { isAvailable: false });
      const enabled = await enable(client, wish);
      expect(enabled.attribute('resume')).toBe('true');
      expect(enabled.attribute('id')).toMatch(/^[\w-]{32}$/);
      expect(enabled.attribute('max')).toBe(wish.includes("'30'") ? '30' : '600');
      ids.add(enabled.attribute('id')!);
      await client.close();
    }
    expect(ids.size).toBe(4);
  });

  it.each(["resume='true'", "resume='maybe'"])('twice, or wrongly (%s), ends the stream', async (wish) => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard', { isAvailable: false });
    if (wish === "resume='true'") await enable(romeo);
    const failed = await enable(romeo, wish);
    expect(failed.name).toBe('failed');
    expect(failed.elements()[0]!.name).toBe('unexpected-request');
    expect(await romeo.streamError()).toBe('policy-violation');
  });

  it('is refused before login and before binding', async () => {
    const stranger = await TestClient.connect(server.port());
    await stranger.openStream('localhost');
    expect((await enable(stranger)).elements()[0]!.name).toBe('unexpected-request');
    stranger.cut();
    const client = await unbound(server, 'romeo@localhost');
    expect((await enable(client)).elements()[0]!.name).toBe('unexpected-request');
    for (const name of ['a', 'r']) {
      client.send(`<${name} xmlns='${NS_SM}' h='0'/>`);
      expect((await client.element()).elements()[0]!.name).toBe('unexpected-request');
    }
    await client.bind('late');
    expect((await enable(client)).name).toBe('enabled');
    await client.close();
  });

  it('is tried a few times only', async () => {
    const client = await unbound(server, 'romeo@localhost');
    for (let i = 0; i < 5; i++) {
      expect((await askToResume(client, 'unknown', 0)).elements()[0]!.name).toBe('item-not-found');
    }
    client.send(`<resume xmlns='${NS_SM}' previd='unknown' h='0'/>`);
    expect(await client.streamError()).toBe('policy-violation');
  });
});

describe('counting', () => {
  it('covers messages, presence and requests, not elements that are no stanzas', async () => {
    const tybalt = await TestClient.login(server.port(), 'tybalt@localhost/street', { isAvailable: false });
    await enable(tybalt);
    expect(await handled(tybalt)).toBe(0);
    tybalt.send('<presence/>');
    expect(await handled(tybalt)).toBe(1);
    tybalt.send(chat('tybalt@localhost/street', 'to myself'));
    expect(await handled(tybalt)).toBe(2);
    tybalt.send("<iq type='get' id='x'><nothing xmlns='urn:test:nothing'/></iq>");
    tybalt.send(
      "<iq type='set' id='y' to='localhost'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
    );
    expect(await handled(tybalt)).toBe(4);
    expect(await handled(tybalt)).toBe(4);
    await tybalt.close();
  });

  it('does not begin before it is switched on; requests then are ignored', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    romeo.send(`<r xmlns='${NS_SM}'/><a xmlns='${NS_SM}' h='5'/>`);
    await romeo.nothingElse();
    await enable(romeo);
    expect(await handled(romeo)).toBe(0);
    await romeo.close();
  });

  it.each([
    ['missing', ''],
    ['empty', "h=''"],
    ['with a space', "h=' 5'"],
    ['with a sign', "h='+1'"],
    ['negative', "h='-1'"],
    ['hexadecimal', "h='0x1'"],
    ['with an exponent', "h='1e0'"],
    ['with a tail', "h='0abc'"],
    ['in other digits', "h='٣'"],
    ['of 2^32', "h='4294967296'"],
    ['of 2^53', "h='9007199254740992'"],
    ['of 400 digits', `h='${'9'.repeat(400)}'`],
  ])('an acknowledgement whose count is %s ends the stream (threat T44)', async (_what, h) => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard', { isAvailable: false });
    await enable(romeo);
    romeo.send(`<a xmlns='${NS_SM}' ${h}/>`);
    expect(await romeo.streamError()).toBe('policy-violation');
  });

  it('more than was sent, or less than before, ends the stream and says so (threat T44)', async () => {
    for (const [first, second, send] of [
      [undefined, 3, 1],
      [1, 0, 1],
      [undefined, 4_294_967_295, 1],
    ] as const) {
      const romeo = await TestClient.login(server.port(), 'tybalt@localhost/street', { isAvailable: false });
      await enable(romeo);
      romeo.send(chat('tybalt@localhost/street', 'once'));
      await romeo.message();
      if (first !== undefined) acknowledge(romeo, first);
      acknowledge(romeo, second);
      const error = await romeo.until((element) => element.name === 'error');
      expect(error.elements().map(({ name }) => name)).toEqual([
        'undefined-condition',
        'text',
        'handled-count-too-high',
      ]);
      const details = error.child('handled-count-too-high', NS_SM)!;
      expect([details.attribute('h'), details.attribute('send-count')]).toEqual([
        String(second),
        String(send),
      ]);
      await romeo.expect('close');
    }
  });
});

describe('asking for acknowledgements', () => {
  it('comes behind each stanza, and not again while it is unanswered', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard', { isAvailable: false });
    await enable(romeo);
    romeo.send(chat('romeo@localhost/orchard', 'one'));
    expect(bodyOf(await romeo.element())).toBe('one');
    expect((await romeo.element()).name).toBe('r');
    romeo.send(chat('romeo@localhost/orchard', 'two'));
    expect(bodyOf(await romeo.element())).toBe('two');
    // What was sent since is asked about as soon as the answer is there.
    acknowledge(romeo, 1);
    expect((await romeo.element()).name).toBe('r');
    acknowledge(romeo, 2);
    await romeo.nothingElse();
    await romeo.close();
  });
});

describe.each(['same', 'other'] as const)('coming back on the %s shard', (place) => {
  let romeo: TestClient;

  beforeAll(async () => {
    romeo = await TestClient.login(server.port(), `romeo@localhost/${place}`);
  });

  afterAll(() => romeo.close());

  async function juliet(isAvailable = true): Promise<TestClient> {
    return await loginOn(server, 'juliet@localhost/balcony', place, romeo, { isAvailable });
  }

  it('what was not acknowledged comes again, in order and with its time; then what came meanwhile', async () => {
    const first = await juliet();
    const id = await enableResumption(first);
    for (let i = 0; i < 10; i++) romeo.send(chat('juliet@localhost/balcony', `line ${i}`));
    for (let i = 0; i < 10; i++) await first.message();
    acknowledge(first, 4);
    expect(await handled(first)).toBe(0);
    first.cut();
    for (let i = 10; i < 20; i++) romeo.send(chat('juliet@localhost/balcony', `line ${i}`));
    const second = await resume(server, 'juliet@localhost', id, 6);
    for (let i = 6; i < 20; i++) {
      const message = await second.message();
      expect(bodyOf(message)).toBe(`line ${i}`);
      if (i < 10) expect(message.child('delay', 'urn:xmpp:delay')?.text()).toBe('SM Storage');
    }
    romeo.send(chat('juliet@localhost/balcony', 'fresh'));
    const fresh = await second.message();
    expect([bodyOf(fresh), fresh.child('delay', 'urn:xmpp:delay')]).toEqual(['fresh', undefined]);
    acknowledge(second, 21);
    second.send(chat('romeo@localhost', 'thanks'));
    expect(bodyOf(await romeo.message())).toBe('thanks');
    expect(await handled(second)).toBe(1);
    await second.close();
  });

  it('the session is the same: presence, priority, requests under way', async () => {
    const first = await juliet();
    first.send(`<presence to='romeo@localhost/${place}'/>`);
    expect((await presence(romeo)).attribute('type')).toBeUndefined();
    const id = await enableResumption(first);
    romeo.send(
      `<iq type='get' id='ask' to='juliet@localhost/balcony'><query xmlns='jabber:iq:version'/></iq>`,
    );
    await first.until((element) => element.name === 'iq');
    first.cut();
    const second = await resume(server, 'juliet@localhost', id, 1);
    second.send(`<iq type='result' id='ask' to='romeo@localhost/${place}'/>`);
    expect((await romeo.until((element) => element.name === 'iq')).attribute('id')).toBe('ask');
    romeo.send(chat('juliet@localhost', 'by priority'));
    expect(bodyOf(await second.message())).toBe('by priority');
    // Nobody was told of the break; of the end everybody is, also whoever had directed presence.
    await romeo.nothingElse();
    await second.close();
    expect((await presence(romeo)).attribute('type')).toBe('unavailable');
  });

  it('the old connection, if it is still there, ends with a conflict', async () => {
    const first = await juliet();
    const id = await enableResumption(first);
    const second = await resume(server, 'juliet@localhost', id, 0);
    expect(await first.streamError()).toBe('conflict');
    romeo.send(chat('juliet@localhost/balcony', 'to the new one'));
    expect(bodyOf(await second.message())).toBe('to the new one');
    const third = await resume(server, 'juliet@localhost', id, 1);
    expect(await second.streamError()).toBe('conflict');
    await third.close();
  });

  it('stanzas sent in one go with the request are handled after it', async () => {
    const first = await juliet();
    const id = await enableResumption(first);
    first.cut();
    const second = await unbound(server, 'juliet@localhost');
    second.send(
      `<resume xmlns='${NS_SM}' previd='${id}' h='0'/>${chat('romeo@localhost', 'at once')}<r xmlns='${NS_SM}'/>`,
    );
    expect((await second.element()).name).toBe('resumed');
    expect((await next(second)).attribute('h')).toBe('1');
    expect(bodyOf(await romeo.message())).toBe('at once');
    await second.close();
  });

  it('a count that cannot be ends both; what was unacknowledged is stored, and comes once', async () => {
    const first = await juliet();
    const id = await enableResumption(first);
    romeo.send(chat('juliet@localhost', 'kept'));
    await first.message();
    first.cut();
    const second = await unbound(server, 'juliet@localhost');
    second.send(`<resume xmlns='${NS_SM}' previd='${id}' h='2'/>`);
    expect(await second.streamError()).toBe('undefined-condition');
    await nobodyThere(romeo, 'juliet@localhost');
    const third = await juliet();
    const message = await third.message();
    expect([bodyOf(message), message.elements().filter(({ name }) => name === 'delay').length]).toEqual([
      'kept',
      1,
    ]);
    await third.nothingElse();
    await third.close();
  });

  it('nobody else can resume it (threat T42), and whoever cannot may still bind', async () => {
    const first = await juliet();
    const id = await enableResumption(first);
    romeo.send(chat('juliet@localhost/balcony', 'private'));
    await first.message();
    first.cut();
    const thief = await unbound(server, 'nurse@localhost');
    const answer = await askToResume(thief, id, 0);
    expect([answer.name, answer.attribute('h'), answer.elements()[0]!.name]).toEqual([
      'failed',
      undefined,
      'item-not-found',
    ]);
    expect(await thief.bind('x')).toBe('nurse@localhost/x');
    await thief.close();
    const second = await resume(server, 'juliet@localhost', id, 0);
    expect(bodyOf(await second.message())).toBe('private');
    await second.close();
  });

  it('of many who resume it at once one has it in the end, and everything in it', async () => {
    const first = await juliet();
    const id = await enableResumption(first);
    for (let i = 0; i < 5; i++) romeo.send(chat('juliet@localhost/balcony', `line ${i}`));
    for (let i = 0; i < 5; i++) await first.message();
    first.cut();
    const streams = await Promise.all(Array.from({ length: 4 }, () => unbound(server, 'juliet@localhost')));
    for (const one of streams) one.send(`<resume xmlns='${NS_SM}' previd='${id}' h='0'/>`);
    const winners: TestClient[] = [];
    for (const one of streams) {
      const answer = await one.element();
      if (answer.name === 'resumed') winners.push(one);
      else expect(answer.elements()[0]!.name).toBe('item-not-found');
    }
    expect(winners.length).toBeGreaterThan(0);
    const ends = await Promise.all(
      winners.map(async (one) => {
        for (let i = 0; i < 5; i++) expect(bodyOf(await one.message())).toBe(`line ${i}`);
        one.send(`<r xmlns='${NS_SM}'/>`);
        const end = await one.until(({ name }) => name === 'a' || name === 'error');
        return end.name;
      }),
    );
    expect(ends.filter((name) => name === 'a')).toHaveLength(1);
    const winner = winners[ends.indexOf('a')]!;
    romeo.send(chat('juliet@localhost/balcony', 'one for one'));
    expect(bodyOf(await winner.message())).toBe('one for one');
    acknowledge(winner, 6);
    await winner.close();
    for (const one of streams) one.cut();
  });

  it('after the closing tag there is nothing to resume', async () => {
    const first = await juliet();
    const id = await enableResumption(first);
    await first.close();
    const second = await unbound(server, 'juliet@localhost');
    expect((await askToResume(second, id, 0)).elements()[0]!.name).toBe('item-not-found');
    for (const wrong of [`previd='${id}'`, "h='0'", `previd='${id}' h='x'`]) {
      second.send(`<resume xmlns='${NS_SM}' ${wrong}/>`);
      expect((await second.element()).elements()[0]!.name).toBe('bad-request');
    }
    second.cut();
  });

  it('messages from storage are deleted when they are acknowledged, and not before', async () => {
    for (let i = 0; i < 250; i++) romeo.send(chat('juliet@localhost', `stored ${i}`));
    await romeo.iq('get', 'localhost', "<ping xmlns='urn:xmpp:ping'/>");
    const first = await juliet(false);
    const id = await enableResumption(first);
    first.send('<presence/>');
    // No more of them at a time than may be unacknowledged.
    for (let i = 0; i < 100; i++) expect(bodyOf(await first.message())).toBe(`stored ${i}`);
    first.cut();
    let client = await resume(server, 'juliet@localhost', id, 50);
    let got = 50;
    let h = 50;
    while (got < 250) {
      const element = await client.element();
      if (element.name === 'r') acknowledge(client, h);
      else {
        h++;
        if (element.name === 'message') expect(bodyOf(element)).toBe(`stored ${got++}`);
        if (got === 120) {
          client.cut();
          client = await resume(server, 'juliet@localhost', id, h);
        }
      }
    }
    acknowledge(client, h);
    await client.close();
    await nobodyThere(romeo, 'juliet@localhost');
    const later = await juliet();
    romeo.send(chat('juliet@localhost', 'none left'));
    expect(bodyOf(await later.message())).toBe('none left');
    await later.close();
  });

  // New connections take turns with the shards.
  it.each([1, 2, 3])(
    'of messages from storage those that were acknowledged do not come to a later session (%i)',
    async () => {
      for (let i = 0; i < 30; i++) romeo.send(chat('juliet@localhost', `partly ${i}`));
      await romeo.iq('get', 'localhost', "<ping xmlns='urn:xmpp:ping'/>");
      const first = await juliet(false);
      const id = await enableResumption(first);
      first.send('<presence/>');
      let h = 0;
      for (let got = 0; got < 30; ) {
        const element = await first.element();
        if (element.name !== 'r') h++;
        if (element.name === 'message') expect(bodyOf(element)).toBe(`partly ${got++}`);
      }
      // Its own presence came before.
      acknowledge(first, h - 23);
      first.cut();
      const again = await resume(server, 'juliet@localhost', id, h - 20);
      await again.message();
      await again.close();
      await nobodyThere(romeo, 'juliet@localhost');
      const later = await juliet(false);
      later.send('<presence/>');
      for (let i = 10; i < 30; i++) expect(bodyOf(await later.message())).toBe(`partly ${i}`);
      later.send(`</stream:stream>`);
    },
  );
});

describe('ending without coming back', () => {
  // New connections take turns with the shards.
  it.each([1, 2, 3, 4])('a new session of the resource gets what was not acknowledged (%i)', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const first = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    await enableResumption(first);
    romeo.send(chat('juliet@localhost/balcony', 'one'));
    romeo.send(chat('juliet@localhost', 'two'));
    await first.message();
    await first.message();
    acknowledge(first, 1);
    romeo.send(
      "<iq type='get' id='lost' to='juliet@localhost/balcony'><query xmlns='jabber:iq:version'/></iq>",
    );
    await first.until((element) => element.name === 'iq');
    first.cut();
    const second = await TestClient.login(server.port(), 'juliet@localhost/balcony', { isAvailable: false });
    const message = await second.message();
    expect([bodyOf(message), message.child('delay', 'urn:xmpp:delay')?.text()]).toEqual([
      'two',
      'SM Storage',
    ]);
    expect(condition(await romeo.until((element) => element.name === 'iq'))).toBe('service-unavailable');
    romeo.send(chat('juliet@localhost/balcony', 'three'));
    expect(bodyOf(await second.message())).toBe('three');
    await second.close();
    await romeo.close();
  });

  it('a message to several resources is not repeated to those that have it', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const [one, two] = await Promise.all(
      ['one', 'two'].map((resource) => TestClient.login(server.port(), `mercutio@localhost/${resource}`)),
    );
    await enable(one!, '');
    await messagesUntilNow(two!);
    romeo.send(chat('mercutio@localhost', 'to both'));
    expect(bodyOf(await one!.message())).toBe('to both');
    expect(bodyOf(await two!.message())).toBe('to both');
    one!.cut();
    // They came at the same time: what one of them heard of the other's coming may come twice, and late.
    await two!.until(
      ({ name, attributes }) => name === 'presence' && attributes.get('type') === 'unavailable',
    );
    await two!.nothingElse();
    // The last one that has it passes it on.
    await enable(two!, '');
    romeo.send(chat('mercutio@localhost', 'to one'));
    await two!.message();
    two!.cut();
    await nobodyThere(romeo, 'mercutio@localhost');
    const later = await TestClient.login(server.port(), 'mercutio@localhost/three');
    expect(bodyOf(await later.message())).toBe('to one');
    await later.nothingElse();
    await later.close();
    await romeo.close();
  });

  it('a session that cannot be resumed does not wait', async () => {
    const romeo = await TestClient.login(server.port(), 'romeo@localhost/orchard');
    const benvolio = await TestClient.login(server.port(), 'benvolio@localhost/square');
    await enable(benvolio, '');
    benvolio.send("<presence to='romeo@localhost/orchard'/>");
    await presence(romeo);
    romeo.send(chat('benvolio@localhost', 'unread'));
    await benvolio.message();
    benvolio.cut();
    expect((await presence(romeo)).attribute('type')).toBe('unavailable');
    const later = await TestClient.login(server.port(), 'benvolio@localhost/square');
    expect(bodyOf(await later.message())).toBe('unread');
    await later.close();
    await romeo.close();
  });
});
