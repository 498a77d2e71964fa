import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Element } from '../../src/xml/element.ts';
import { escapeText } from '../../src/xml/writer.ts';
import { TestClient } from '../helpers/client.ts';
import { Gate } from '../helpers/gate.ts';
import { TestServer } from '../helpers/server.ts';
import { bind, header, NS_BIND, NS_SESSION, NS_STANZAS, plain, SESSION } from '../helpers/xml.ts';

/** RFC 6120 §7: resource binding. */

const gate = new Gate();
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo', 'juliet', 'mercutio', 'tybalt'],
    shards: 3,
    loglevel: 'critical',
    moreC2s: ['access = "c2s"'],
    toml: `
      [acl]
        banned = [ {user = "tybalt"}, {resource = "banned"} ]
      [access]
        c2s = [ {acl = "banned", value = "deny"}, {acl = "all", value = "allow"} ]
        max_user_sessions = [ {acl = "all", value = 3} ]
      [modules.mod_presence]
      ${gate.toml}`,
  });
});

afterAll(() => server.stop());

/** A stream that is authenticated and has no resource yet. */
async function authenticated(user = 'romeo', listener = 0): Promise<TestClient> {
  const client = await TestClient.connect(server.port('c2s', listener));
  client.send(`${header()}${plain(user)}${header()}`);
  await client.expect('open');
  await client.until((element) => element.name === 'success');
  await client.expect('open');
  await client.element();
  return client;
}

function condition(reply: Element): string {
  expect(reply.attribute('type')).toBe('error');
  const error = reply.child('error')!;
  return `${error.elements()[0]!.name} ${error.attribute('type')}`;
}

function jidOf(reply: Element): string | undefined {
  return reply.child('bind', NS_BIND)?.childText('jid');
}

async function ask(client: TestClient, text: string): Promise<Element> {
  client.send(text);
  return await client.element();
}

describe('a resource', () => {
  it.each([
    ['none at all', undefined],
    ['an empty one', ''],
  ])('is made by the server when the client asks for %s, each time another (§7.6)', async (_what, wanted) => {
    const seen = new Set<string>();
    for (let i = 0; i < 5; i++) {
      const client = await authenticated();
      const jid = jidOf(await ask(client, bind(wanted)))!;
      expect(jid).toMatch(/^romeo@localhost\/[\w-]{16,}$/);
      seen.add(jid);
      await client.close();
    }
    expect(seen.size).toBe(5);
  });

  it.each([
    'orchard',
    'a:b:c',
    'with space',
    'a/b@c',
    '<&>\'"',
    'été ☂ 雨',
    '__proto__',
    'x'.repeat(1023),
    'ü'.repeat(511),
    '1234567890',
  ])('may be what the client asks for: %s (§7.7)', async (resource) => {
    const client = await authenticated();
    const reply = await ask(client, bind(escapeText(resource), 'b:1'));
    expect(reply.attribute('id')).toBe('b:1');
    expect(jidOf(reply)).toBe(`romeo@localhost/${resource}`);
    client.send('<presence/>');
    const presence = await client.element();
    expect(presence.attribute('from')).toBe(`romeo@localhost/${resource}`);
    await client.close();
  });

  it.each([
    ['too long, in bytes', 'x'.repeat(1024)],
    ['too long, in bytes of UTF-8', 'ü'.repeat(512)],
    ['a control character', 'a\tb'],
    ['a character that RFC 7613 disallows', 'a\u2028b'],
  ])('is refused with bad-request when it is not acceptable: %s (§7.7.2.1)', async (_what, resource) => {
    const client = await authenticated();
    expect(condition(await ask(client, bind(resource)))).toBe('bad-request modify');
    expect(jidOf(await ask(client, bind('fine')))).toBe('romeo@localhost/fine');
    await client.close();
  });
});

describe('before a resource is bound', () => {
  it.each(['<message to="juliet@localhost"/>', '<presence/>'])(
    '%s ends the stream (§7.1)',
    async (stanza) => {
      const client = await authenticated();
      client.send(stanza);
      expect(await client.streamError()).toBe('not-authorized');
    },
  );

  it.each([
    ['a request for something else', "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>"],
    ['a session before binding', SESSION],
    ['a request of type get', bind('a').replace("'set'", "'get'")],
    ['two payloads', bind('a').replace('</iq>', "<x xmlns='urn:x'/></iq>")],
    ['another element of the namespace', `<iq type='set' id='1'><unbind xmlns='${NS_BIND}'/></iq>`],
    ['nothing', "<iq type='set' id='1'/>"],
    ['no type', `<iq id='1'><bind xmlns='${NS_BIND}'/></iq>`],
  ])('%s is a bad request, and the client may go on', async (_what, iq) => {
    const client = await authenticated();
    const reply = await ask(client, iq);
    expect(condition(reply)).toBe('bad-request modify');
    expect(jidOf(await ask(client, bind('after')))).toBe('romeo@localhost/after');
    await client.close();
  });

  it('results and errors are not answered', async () => {
    const client = await authenticated();
    client.send(`<iq type='result' id='1'/><iq type='error' id='2'/>${bind('silent')}`);
    expect(jidOf(await client.element())).toBe('romeo@localhost/silent');
    await client.close();
  });

  it('five attempts may fail; the sixth closes the stream (§7.7.2)', async () => {
    const client = await authenticated();
    for (let i = 0; i < 5; i++) expect(condition(await ask(client, bind('\t')))).toBe('bad-request modify');
    expect(condition(await ask(client, bind('\t')))).toBe('bad-request modify');
    expect(await client.streamError()).toBe('policy-violation');
  });

  it('after five, the right one still counts', async () => {
    const client = await authenticated();
    for (let i = 0; i < 5; i++) await ask(client, bind('\t'));
    expect(jidOf(await ask(client, bind('sixth')))).toBe('romeo@localhost/sixth');
    await client.close();
  });

  it('unknown elements end the stream, those of a module are its own', async () => {
    const client = await authenticated();
    expect((await ask(client, "<hello xmlns='urn:test:gate'/>")).name).toBe('hello');
    client.send(`<slow xmlns='urn:test:gate'/>${bind('after-slow')}`);
    expect((await client.element()).name).toBe('slow');
    expect(jidOf(await client.element())).toBe('romeo@localhost/after-slow');
    await client.close();
    const other = await authenticated();
    other.send("<hello xmlns='urn:test:nobody'/>");
    expect(await other.streamError()).toBe('unsupported-stanza-type');
  });
});

describe('the session request of RFC 3921', () => {
  it.each([
    ['without an address', ''],
    ['to the domain', 'localhost'],
    ['to the account', 'romeo@localhost'],
  ])('%s is answered, and does nothing (RFC 6121 appendix E)', async (_what, to) => {
    const client = await authenticated();
    await ask(client, bind('session'));
    const address = to === '' ? '' : ` to='${to}'`;
    const reply = await ask(client, `<iq type='set' id='s1'${address}><session xmlns='${NS_SESSION}'/></iq>`);
    expect([reply.attribute('type'), reply.attribute('id')]).toEqual(['result', 's1']);
    expect(reply.attribute('from')).toBe(to === '' ? 'romeo@localhost' : to);
    expect(reply.children).toEqual([]);
    await client.nothingElse();
    await client.close();
  });

  it('of somebody else is an ordinary request', async () => {
    const client = await authenticated();
    await ask(client, bind('session'));
    const reply = await ask(
      client,
      `<iq type='set' id='s2' to='juliet@localhost'><session xmlns='${NS_SESSION}'/></iq>`,
    );
    expect(condition(reply)).toBe('service-unavailable cancel');
    await client.close();
  });

  it('is not needed: a bound session gets messages at once', async () => {
    const client = await authenticated();
    await ask(client, bind('unneeded'));
    const juliet = await TestClient.login(server.port(), 'juliet@localhost/balcony');
    juliet.send("<message to='romeo@localhost/unneeded'><body>Hi</body></message>");
    expect((await client.message()).childText('body')).toBe('Hi');
    await client.close();
    await juliet.close();
  });
});

describe('a conflict (§7.7.2.2)', () => {
  it.each(['orchard', 'a:b'])(
    'the newest session gets the resource %s, the old one an error',
    async (resource) => {
      const old = await TestClient.login(server.port(), `romeo@localhost/${resource}`);
      const young = await authenticated();
      expect(jidOf(await ask(young, bind(resource)))).toBe(`romeo@localhost/${resource}`);
      const error = await old.until((element) => element.name === 'error');
      expect(error.elements().map((e) => e.name)).toEqual(['conflict', 'text']);
      expect(error.elements()[1]!.text()).toBe('Replaced by new connection');
      await old.expect('close');
      await old.expect('disconnected');
      await young.nothingElse();
      await young.close();
    },
  );

  it('resources that differ only in case are different (RFC 7622 §3.4)', async () => {
    const lower = await TestClient.login(server.port(), 'romeo@localhost/home');
    const upper = await TestClient.login(server.port(), 'romeo@localhost/HOME');
    await lower.until((e) => e.attribute('from') === 'romeo@localhost/HOME');
    await lower.nothingElse();
    await lower.close();
    await upper.close();
  });

  it('of many who ask at the same moment on several shards exactly one remains', async () => {
    for (let round = 0; round < 5; round++) {
      const clients = await Promise.all(Array.from({ length: 9 }, () => authenticated('mercutio')));
      for (const client of clients) client.send(bind('same'));
      for (const client of clients) expect(jidOf(await client.element())).toBe('mercutio@localhost/same');
      // Everyone but the winner is told to go; the winner answers a request.
      const fates = clients.map((client) => client.until((e) => e.name === 'error').then(() => client));
      const losers = new Set<TestClient>();
      for (let i = 0; i < 8; i++) {
        losers.add(await Promise.race(fates.filter((_f, at) => !losers.has(clients[at]!))));
      }
      const [winner] = clients.filter((client) => !losers.has(client));
      fates[clients.indexOf(winner!)]!.catch(() => {});
      winner!.send('</stream:stream>');
      expect(losers.size).toBe(8);
      await fates[clients.indexOf(winner!)]!.then(
        () => expect.fail('nobody remained'),
        (end: Error) => expect(end.message).toContain('heard close'),
      );
    }
  });

  it('over max_user_sessions the oldest session is replaced', async () => {
    const sessions: TestClient[] = [];
    for (const resource of ['1', '2', '3', '4']) {
      sessions.push(await TestClient.login(server.port(), `juliet@localhost/${resource}`));
    }
    expect(await sessions[0]!.streamError()).toBe('conflict');
    for (const session of sessions.slice(1)) {
      session.heardNow();
      await session.close();
    }
  });

  it('a replaced session does not count against max_user_sessions', async () => {
    const sessions: TestClient[] = [];
    for (const resource of ['1', '2', '3', '3']) {
      sessions.push(await TestClient.login(server.port(), `juliet@localhost/${resource}`));
    }
    expect(await sessions[2]!.streamError()).toBe('conflict');
    for (const i of [0, 1, 3]) {
      sessions[i]!.heardNow();
      await sessions[i]!.close();
    }
  });
});

describe('a session may be refused', () => {
  it.each(['closed', 'slowly-closed', 'denied', 'slowly-denied', 'broken', 'rejected'])(
    'by a module: resource %s gets not-allowed, and the client may try another',
    async (resource) => {
      const client = await authenticated('mercutio');
      const reply = await ask(client, bind(resource));
      expect(condition(reply)).toBe('not-allowed cancel');
      expect(reply.child('error')!.elements()[0]!.ns).toBe(NS_STANZAS);
      expect(jidOf(await ask(client, bind('allowed')))).toBe('mercutio@localhost/allowed');
      expect(gate.lines('forbidden_session')).toContainEqual({
        hook: 'forbidden_session',
        jid: `mercutio@localhost/${resource}`,
      });
      await client.close();
    },
  );

  it('a module may take its time: what follows waits', async () => {
    const client = await authenticated('mercutio');
    client.send(`${bind('slow')}<presence/>`);
    expect(jidOf(await client.element())).toBe('mercutio@localhost/slow');
    expect((await client.element()).name).toBe('presence');
    await client.close();
  });

  it('by the access rule of its listener', async () => {
    const tybalt = await authenticated('tybalt', 1);
    expect(condition(await ask(tybalt, bind('any')))).toBe('not-allowed cancel');
    const romeo = await authenticated('romeo', 1);
    expect(condition(await ask(romeo, bind('banned')))).toBe('not-allowed cancel');
    expect(jidOf(await ask(romeo, bind('other')))).toBe('romeo@localhost/other');
    tybalt.cut();
    await romeo.close();
  });

  it('but the access rule of another listener has no effect', async () => {
    const tybalt = await authenticated('tybalt', 0);
    expect(jidOf(await ask(tybalt, bind('any')))).toBe('tybalt@localhost/any');
    await tybalt.close();
  });
});
