import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { crash, fixture, LAB, loginOn, presence } from './support.ts';

/** mod_presence (RFC 6121 §4) with contacts: a stub of mod_roster gives the lists. */

const ROSTER = fixture(
  'mod_roster',
  'mod-roster-stub.ts',
  `entries = [
    { user = "alice@localhost", contact = "bob@localhost", subscription = "both" },
    { user = "bob@localhost", contact = "alice@localhost", subscription = "both" },
    { user = "alice@localhost", contact = "carol@localhost", subscription = "from" },
    { user = "carol@localhost", contact = "alice@localhost", subscription = "to" },
  ]
  pending = [{ user = "dave@localhost", from = "erin@localhost" }]`,
);
const MODULES = `[modules.mod_presence]\n[modules.mod_offline]\n${ROSTER}\n${LAB}`;

describe.each([1, 2])('presence and contacts on %i shards', (shards) => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({
      shards,
      users: ['alice', 'bob', 'carol', 'dave', 'erin'],
      toml: MODULES,
    });
  });

  afterAll(() => server.stop());

  it('tells contacts who may see it, each once, and asks those whose presence it sees', async () => {
    const bob = await TestClient.login(server.port(), 'bob@localhost/desk');
    const carol = await TestClient.login(server.port(), 'carol@localhost/desk');
    const alice = await TestClient.login(server.port(), 'alice@localhost/desk', { isAvailable: false });
    alice.send('<presence><show>chat</show></presence>');
    for (const contact of [bob, carol]) {
      const seen = await presence(contact);
      expect(seen.attribute('from')).toBe('alice@localhost/desk');
      expect(seen.childText('show')).toBe('chat');
      await contact.nothingElse();
    }
    // Bob is seen both ways, Carol only sees.
    const seen = await alice.until((e) => e.attribute('from') === 'bob@localhost/desk');
    expect(seen.child('delay', 'urn:xmpp:delay')).toBeDefined();
    await Promise.all([alice, bob, carol].map((client) => client.close()));
  });

  it('answers a probe of somebody who may see it, and no other', async () => {
    const alice = await TestClient.login(server.port(), 'alice@localhost/desk');
    const bob = await TestClient.login(server.port(), 'bob@localhost/desk', { isAvailable: false });
    const erin = await TestClient.login(server.port(), 'erin@localhost/desk');
    bob.send("<presence type='probe' to='alice@localhost'/>");
    expect((await presence(bob)).attribute('from')).toBe('alice@localhost/desk');
    for (const to of ['alice@localhost', 'alice@localhost/desk', 'nobody@localhost']) {
      erin.send(`<presence type='probe' to='${to}'/>`);
    }
    await erin.nothingElse();
    alice.send("<presence to='erin@localhost/desk'/>");
    await presence(erin);
    erin.send("<presence type='probe' to='alice@localhost/desk'/>");
    const bare = await presence(erin);
    expect(bare.attribute('from')).toBe('alice@localhost/desk');
    expect(bare.elements()).toEqual([]);
    await Promise.all([alice, bob, erin].map((client) => client.close()));
  });

  it('tells contacts of changes and of the end, also those who got a directed unavailable presence', async () => {
    const carol = await TestClient.login(server.port(), 'carol@localhost/desk');
    const alice = await TestClient.login(server.port(), 'alice@localhost/desk');
    await presence(carol);
    // RFC 6121 §4.6.3, first rule: the contact's place in broadcasts stays what it is.
    alice.send("<presence to='carol@localhost' type='unavailable'/><presence><show>xa</show></presence>");
    expect((await presence(carol)).attribute('type')).toBe('unavailable');
    expect((await presence(carol)).childText('show')).toBe('xa');
    alice.cut();
    expect((await presence(carol)).attribute('type')).toBe('unavailable');
    await carol.nothingElse();
    await carol.close();
  });

  it('shows itself to a contact who may see it from now on, and vanishes for one who may not any more', async () => {
    const erin = await TestClient.login(server.port(), 'erin@localhost/desk');
    const alice = await TestClient.login(server.port(), 'alice@localhost/desk');
    alice.send("<message to='alice@localhost'><body>erin@localhost from</body></message>");
    expect((await presence(erin)).attribute('from')).toBe('alice@localhost/desk');
    alice.send("<message to='alice@localhost'><body>erin@localhost both</body></message>");
    alice.send("<message to='alice@localhost'><body>erin@localhost none</body></message>");
    expect((await presence(erin)).attribute('type')).toBe('unavailable');
    await alice.close();
    await erin.nothingElse();
    await erin.close();
  });

  it('shows requests that wait for an answer to the resource that comes, and to no other', async () => {
    const desk = await TestClient.login(server.port(), 'dave@localhost/desk', { isAvailable: false });
    desk.send('<presence/>');
    const request = await desk.until((e) => e.attribute('type') === 'subscribe');
    expect(request.attribute('from')).toBe('erin@localhost');
    const phone = await TestClient.login(server.port(), 'dave@localhost/phone', { isAvailable: false });
    phone.send('<presence/>');
    await phone.until((e) => e.attribute('type') === 'subscribe');
    for (;;) {
      const seen = await presence(desk);
      expect(seen.attribute('type')).toBeUndefined();
      if (seen.attribute('from') === phone.jid) break;
    }
    await desk.nothingElse();
    await Promise.all([desk, phone].map((client) => client.close()));
  });

  it('leaves contacts with the presence of the new session when it has replaced one of the same address', async () => {
    const carol = await TestClient.login(server.port(), 'carol@localhost/desk');
    const sessions: TestClient[] = [];
    for (let round = 0; round < 10; round++) {
      const alice = await TestClient.login(server.port(), 'alice@localhost/desk');
      sessions.push(alice);
      alice.send(`<message to='carol@localhost/desk' id='round${round}'><body>here</body></message>`);
      let last: string | undefined;
      for (let heard = await carol.element(); heard.name !== 'message'; heard = await carol.element()) {
        last = heard.attribute('type');
      }
      while (last === 'unavailable') last = (await presence(carol)).attribute('type');
    }
    await sessions.at(-1)!.close();
    await carol.until((e) => e.attribute('type') === 'unavailable');
    await carol.close();
  });
});

describe('contacts when a shard dies', () => {
  it('are told that the contact on it is unavailable', async () => {
    const server = await TestServer.start({ shards: 2, users: ['alice', 'bob', 'carol'], toml: MODULES });
    const alice = await TestClient.login(server.port(), 'alice@localhost/desk');
    const carol = await loginOn(server, 'carol@localhost/desk', 'other', alice, { isAvailable: false });
    carol.send('<presence/>');
    await carol.until((e) => e.attribute('from') === 'alice@localhost/desk');
    await crash(alice);
    const gone = await carol.until((e) => e.attribute('type') === 'unavailable');
    expect(gone.attribute('from')).toBe('alice@localhost/desk');
    await server.stop();
  });
});

describe('many contacts, on two shards', () => {
  const users = Array.from({ length: 10 }, (_, i) => `user${i}`);
  const entries = users.flatMap((user) =>
    users
      .filter((other) => other !== user)
      .map(
        (other) => `{ user = "${user}@localhost", contact = "${other}@localhost", subscription = "both" }`,
      ),
  );
  const roster = fixture(
    'mod_roster',
    'mod-roster-stub.ts',
    `entries = [${entries.join(',')}]\npending = []`,
  );

  it('all hear of whoever comes, and it hears of all, each with what they said', async () => {
    const server = await TestServer.start({
      shards: 2,
      users,
      toml: `[modules.mod_presence]\n[modules.mod_offline]\n${roster}\n${LAB}`,
    });
    const there: TestClient[] = [];
    // They come to one shard and the other in turn.
    for (const user of users) {
      const client = await TestClient.login(server.port(), `${user}@localhost/desk`, { isAvailable: false });
      client.send(`<presence><status>${user}</status></presence>`);
      const heard = new Map<string, string | undefined>();
      while (heard.size <= there.length) {
        const one = await presence(client);
        heard.set(one.attribute('from')!, one.childText('status'));
      }
      there.push(client);
      const expected = users
        .slice(0, there.length)
        .map((other) => [`${other}@localhost/desk`, other] as const);
      expect([...heard].sort()).toEqual(expected);
      for (const other of there.slice(0, -1)) {
        const seen = await presence(other);
        expect([seen.attribute('from'), seen.childText('status')]).toEqual([`${user}@localhost/desk`, user]);
      }
    }
    for (const client of there) await client.nothingElse();
    await server.stop();
  });
});
