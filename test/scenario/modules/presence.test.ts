import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { TestServer } from '../../helpers/server.ts';
import { condition, crash, errorType, LAB, loginOn, presence, stopSession } from './support.ts';

/** mod_presence (RFC 6121 §4) without rosters: own resources, and directed presence. */

const MODULES = `[modules.mod_presence]\n[modules.mod_offline]\n[modules.mod_register]\n${LAB}`;

describe.each([1, 2])('presence on %i shards', (shards) => {
  let server: TestServer;
  const open: TestClient[] = [];

  beforeAll(async () => {
    server = await TestServer.start({ shards, users: ['alice', 'bob', 'carol'], toml: MODULES });
  });

  afterAll(() => server.stop());

  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()));
  });

  async function login(
    jid: string,
    options: Parameters<typeof TestClient.login>[2] = {},
  ): Promise<TestClient> {
    const client = await TestClient.login(server.port(), jid, options);
    open.push(client);
    return client;
  }

  const connected = (jid: string): Promise<TestClient> => login(jid, { isAvailable: false });

  /** Two resources of Alice that have seen each other. */
  async function twoResources(priority = ''): Promise<[desk: TestClient, phone: TestClient]> {
    const desk = await login('alice@localhost/desk', { priority: 0 });
    const phone = await connected('alice@localhost/phone');
    phone.send(`<presence>${priority}</presence>`);
    await presence(phone);
    await presence(phone);
    await desk.until((e) => e.attribute('from') === phone.jid);
    return [desk, phone];
  }

  it.each(['<presence/>', "<presence type='available'/>", "<presence to='alice@localhost'/>"])(
    'sends a client its own presence: %s',
    async (sent) => {
      const alice = await connected('alice@localhost/desk');
      alice.send(sent);
      const own = await presence(alice);
      expect(own.attribute('from')).toBe('alice@localhost/desk');
      expect(own.attribute('to')).toBe('alice@localhost');
    },
  );

  it('keeps show, status, priority and everything else of a presence', async () => {
    const alice = await connected('alice@localhost/desk');
    const children =
      "<show>away</show><status xml:lang='en'>at &lt;lunch&gt;</status><priority>5</priority><c xmlns='urn:x' v='1'/>";
    alice.send(`<presence id='p1'>${children}</presence>`);
    const own = await presence(alice);
    expect(own.attribute('id')).toBe('p1');
    expect(own.childText('show')).toBe('away');
    expect(own.childText('status')).toBe('at <lunch>');
    expect(own.childText('priority')).toBe('5');
    expect(own.child('c', 'urn:x')?.attribute('v')).toBe('1');
  });

  it('shows a second resource the first one’s presence with the time it is from, and the first one the second', async () => {
    const desk = await connected('alice@localhost/desk');
    desk.send('<presence><show>dnd</show></presence>');
    await presence(desk);
    const phone = await connected('alice@localhost/phone');
    phone.send('<presence><show>chat</show></presence>');
    const seen = [await presence(phone), await presence(phone)];
    const other = seen.find((one) => one.attribute('from') === 'alice@localhost/desk')!;
    expect(other.childText('show')).toBe('dnd');
    expect(other.child('delay', 'urn:xmpp:delay')?.attribute('stamp')).toMatch(/^20\d\d-\d\d-\d\dT.*Z$/);
    expect(seen.some((one) => one.attribute('from') === 'alice@localhost/phone')).toBe(true);
    expect((await presence(desk)).childText('show')).toBe('chat');
  });

  it('shows the last presence, not the first, to a resource that comes later', async () => {
    const desk = await login('alice@localhost/desk');
    desk.send('<presence><show>xa</show></presence>');
    await presence(desk);
    const phone = await connected('alice@localhost/phone');
    phone.send('<presence/>');
    const seen = [await presence(phone), await presence(phone)];
    expect(seen.find((one) => one.attribute('from') === desk.jid)?.childText('show')).toBe('xa');
  });

  it('sends an update to the own resources, and asks nobody again', async () => {
    const [desk, phone] = await twoResources();
    phone.send('<presence><show>away</show></presence>');
    expect((await presence(desk)).childText('show')).toBe('away');
    expect((await presence(phone)).childText('show')).toBe('away');
    await desk.nothingElse();
    await phone.nothingElse();
  });

  it('tells the own resources, the leaving one too, that a client became unavailable', async () => {
    const [desk, phone] = await twoResources();
    phone.send("<presence type='unavailable'><status>bye</status></presence>");
    for (const client of [desk, phone]) {
      const gone = await client.until((e) => e.attribute('type') === 'unavailable');
      expect(gone.attribute('from')).toBe('alice@localhost/phone');
      expect(gone.childText('status')).toBe('bye');
    }
    await phone.nothingElse();
  });

  it('treats presence after unavailable presence as the first one again', async () => {
    const [desk, phone] = await twoResources();
    phone.send("<presence type='unavailable'/><presence/>");
    const asked = await phone.until((e) => e.attribute('from') === desk.jid);
    expect(asked.child('delay', 'urn:xmpp:delay')).toBeDefined();
  });

  it.each(['normal', 'Unavailable', 'invisible', '__proto__'])(
    'refuses presence of type %s',
    async (type) => {
      const alice = await login('alice@localhost/desk');
      alice.send(`<presence type='${type}' id='p'/>`);
      const error = await presence(alice);
      expect(error.attribute('type')).toBe('error');
      expect(condition(error)).toBe('bad-request');
      expect(errorType(error)).toBe('modify');
      await alice.nothingElse();
    },
  );

  it('answers an unknown type to somebody else in his name, and does not pass it on', async () => {
    const alice = await login('alice@localhost/desk');
    const bob = await login('bob@localhost/desk');
    alice.send("<presence type='wrong' to='bob@localhost/desk'/>");
    expect((await presence(alice)).attribute('from')).toBe('bob@localhost/desk');
    await bob.nothingElse();
  });

  it('shows negative priority to others, and delivers no messages to the bare JID there', async () => {
    const desk = await login('alice@localhost/desk', { priority: 0 });
    const phone = await connected('alice@localhost/phone');
    phone.send('<presence><priority>-1</priority></presence>');
    const seen = await desk.until((e) => e.attribute('from') === phone.jid);
    expect(seen.childText('priority')).toBe('-1');
    await presence(phone);
    await presence(phone);
    const bob = await login('bob@localhost/desk');
    bob.send("<message to='alice@localhost' type='chat' id='m1'><body>to whom?</body></message>");
    expect((await desk.message()).attribute('id')).toBe('m1');
    await phone.nothingElse();
  });

  it('delivers a message to a full JID whatever its priority', async () => {
    const phone = await login('alice@localhost/phone', { priority: -128 });
    const bob = await login('bob@localhost/desk');
    bob.send("<message to='alice@localhost/phone' type='chat' id='m2'><body>x</body></message>");
    expect((await phone.message()).attribute('id')).toBe('m2');
  });

  describe('a priority (threat T44)', () => {
    /** Whether a resource with this priority beats one of priority 1. */
    async function beatsOne(priority: string): Promise<boolean> {
      const one = await login('alice@localhost/one', { priority: 1 });
      const two = await connected('alice@localhost/two');
      two.send(`<presence><priority>${priority}</priority></presence>`);
      await presence(two);
      const bob = await login('bob@localhost/asker');
      bob.send("<message to='alice@localhost' type='chat'><body>who?</body></message>");
      const first = await Promise.race([one.message().then(() => 'one'), two.message().then(() => 'two')]);
      return first === 'two';
    }

    it.each(['2', '127', '+2', ' 2 ', '002'])('that is an integer counts: "%s"', async (priority) => {
      expect(await beatsOne(priority)).toBe(true);
    });

    it.each([
      '',
      '128',
      '99999999999',
      '1e3',
      '0x10',
      '5abc',
      '٣',
      '2 2',
      '2.5',
      'NaN',
      'Infinity',
      `${'9'.repeat(400)}`,
      '<x/>',
    ])('that is none counts as 0: "%s"', async (priority) => {
      expect(await beatsOne(priority)).toBe(false);
    });

    it.each(['-129', '-99999999999'])(
      'below the range counts as 0, so that messages come: %s',
      async (priority) => {
        const alice = await connected('alice@localhost/desk');
        alice.send(`<presence><priority>${priority}</priority></presence>`);
        await presence(alice);
        const bob = await login('bob@localhost/asker');
        bob.send("<message to='alice@localhost' type='chat' id='m'><body>x</body></message>");
        expect((await alice.message()).attribute('id')).toBe('m');
      },
    );
  });

  describe('directed presence', () => {
    it('goes to a full JID and to a bare JID, and is not repeated with later presence', async () => {
      const bob = await login('bob@localhost/desk');
      const carol = await login('carol@localhost/desk');
      const alice = await login('alice@localhost/desk');
      alice.send(
        "<presence to='bob@localhost/desk'><show>chat</show></presence><presence to='carol@localhost'/>",
      );
      const seen = await presence(bob);
      expect(seen.attribute('from')).toBe('alice@localhost/desk');
      expect(seen.attribute('to')).toBe('bob@localhost/desk');
      expect(seen.childText('show')).toBe('chat');
      expect((await presence(carol)).attribute('from')).toBe('alice@localhost/desk');
      alice.send('<presence><show>away</show></presence>');
      await presence(alice);
      await bob.nothingElse();
      await carol.nothingElse();
    });

    it('reaches a client that has not sent presence at all, at its full JID', async () => {
      const bob = await connected('bob@localhost/desk');
      const alice = await login('alice@localhost/desk');
      alice.send("<presence to='bob@localhost/desk'/><presence to='bob@localhost'/>");
      expect((await presence(bob)).attribute('to')).toBe('bob@localhost/desk');
      await alice.nothingElse();
      await bob.nothingElse();
    });

    it('is followed by unavailable presence when the sender becomes unavailable', async () => {
      const bob = await login('bob@localhost/desk');
      const alice = await login('alice@localhost/desk');
      alice.send(
        "<presence to='bob@localhost/desk'/><presence type='unavailable'><status>lunch</status></presence>",
      );
      expect((await presence(bob)).attribute('type')).toBeUndefined();
      const gone = await presence(bob);
      expect(gone.attribute('type')).toBe('unavailable');
      expect(gone.childText('status')).toBe('lunch');
    });

    it('is followed by unavailable presence, too, when the sender was never available', async () => {
      const bob = await login('bob@localhost/desk');
      const alice = await connected('alice@localhost/desk');
      alice.send("<presence to='bob@localhost/desk'/>");
      await presence(bob);
      alice.send("<presence type='unavailable'/>");
      expect((await presence(bob)).attribute('type')).toBe('unavailable');
      alice.send("<presence to='bob@localhost/desk'/>");
      await presence(bob);
      await alice.close();
      expect((await presence(bob)).attribute('type')).toBe('unavailable');
    });

    it('that was taken back by directed unavailable presence is not followed by another', async () => {
      const bob = await login('bob@localhost/desk');
      const alice = await login('alice@localhost/desk');
      alice.send("<presence to='bob@localhost/desk'/><presence to='bob@localhost/desk' type='unavailable'/>");
      await presence(bob);
      expect((await presence(bob)).attribute('type')).toBe('unavailable');
      await alice.close();
      await bob.nothingElse();
    });

    it('is forgotten when the receiver becomes unavailable himself', async () => {
      const bob = await login('bob@localhost/desk');
      const alice = await login('alice@localhost/desk');
      alice.send("<presence to='bob@localhost/desk'/>");
      await presence(bob);
      bob.send("<presence to='alice@localhost/desk' type='unavailable'/>");
      expect((await presence(alice)).attribute('from')).toBe('bob@localhost/desk');
      await alice.close();
      await bob.nothingElse();
    });

    describe('and the end of its sender', () => {
      /** Alice sends Bob directed presence, then ends; what Bob is told. */
      async function farewell(end: (alice: TestClient) => unknown): Promise<string | undefined> {
        const bob = await login('bob@localhost/desk');
        const alice = await TestClient.login(server.port(), 'alice@localhost/desk');
        alice.send("<presence to='bob@localhost/desk'/>");
        await presence(bob);
        await end(alice);
        const gone = await presence(bob);
        expect(gone.attribute('from')).toBe('alice@localhost/desk');
        expect(gone.attribute('type')).toBe('unavailable');
        await bob.nothingElse();
        return gone.childText('status');
      }

      it('by closing the stream: unavailable without a status', async () => {
        expect(await farewell((alice) => alice.close())).toBeUndefined();
      });

      it('by a cut connection: unavailable with the reason', async () => {
        expect(await farewell((alice) => alice.cut())).toMatch(/^Shutdown by reason: socket_/);
      });

      it('by a stream error: unavailable with the reason', async () => {
        const status = await farewell((alice) => alice.send('<presence></wrong>'));
        expect(status).toMatch(/^Shutdown by reason: /);
      });

      it('by a conflict: unavailable, "Replaced by new connection"', async () => {
        const status = await farewell(async (alice) => {
          await login('alice@localhost/desk', { isAvailable: false });
          expect(await alice.streamError()).toBe('conflict');
        });
        expect(status).toBe('Replaced by new connection');
      });

      it('by the server’s wish: unavailable with the reason', async () => {
        expect(await farewell(stopSession)).toBe('Shutdown by reason: asked');
      });

      it('by the removal of his account: unavailable', async () => {
        const status = await farewell(async (alice) => {
          alice.send(
            "<iq type='set' id='r' to='localhost'><query xmlns='jabber:iq:register'><remove/></query></iq>",
          );
          expect(await alice.streamError()).toBe('conflict');
          const again = await TestClient.connect(server.port());
          await again.openStream('localhost');
          await again.iq(
            'set',
            undefined,
            "<query xmlns='jabber:iq:register'><username>alice</username><password>secret</password></query>",
          );
          await again.close();
        });
        expect(status).toBe('Shutdown by reason: kicked');
      });
    });
  });

  it('does not tell a client that its own address is unavailable when it has just replaced the session there', async () => {
    const phone = await login('alice@localhost/phone');
    for (let round = 0; round < 10; round++) {
      const desk = await login('alice@localhost/desk');
      desk.send(`<message to='${phone.jid}' id='round${round}'><body>here</body></message>`);
      let last: string | undefined;
      for (let heard = await phone.element(); heard.name !== 'message'; heard = await phone.element()) {
        last = heard.attribute('type');
      }
      while (last === 'unavailable') last = (await presence(phone)).attribute('type');
    }
  });
});

describe('presence when a shard dies', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start({ shards: 2, users: ['alice', 'bob', 'carol'], toml: MODULES });
  });

  afterAll(() => server.stop());

  it('tells the own resources and the receivers of directed presence on the other shard', async () => {
    const alice = await TestClient.login(server.port(), 'alice@localhost/desk');
    const bob = await loginOn(server, 'bob@localhost/desk', 'other', alice);
    const phone = await loginOn(server, 'alice@localhost/phone', 'same', bob);
    const carol = await loginOn(server, 'carol@localhost/desk', 'same', bob);
    alice.send("<presence to='bob@localhost/desk'/><presence to='carol@localhost/desk'/>");
    await presence(bob);
    await presence(carol);
    alice.send("<presence to='carol@localhost/desk' type='unavailable'/>");
    expect((await presence(carol)).attribute('type')).toBe('unavailable');
    await crash(alice);
    for (const client of [bob, phone]) {
      const gone = await client.until((e) => e.attribute('type') === 'unavailable');
      expect(gone.attribute('from')).toBe('alice@localhost/desk');
      expect(gone.childText('status')).toBe('Unknown condition');
    }
    await carol.nothingElse();
    await bob.nothingElse();
  });
});
