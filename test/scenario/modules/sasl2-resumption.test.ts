import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Element, TestClient } from '../../helpers/client.ts';
import { NS_FAST, newToken, requestToken, TokenProof, tokenLogin, tokenOf } from '../../helpers/fast.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { eventually } from '../../helpers/process.ts';
import {
  agent,
  authenticate,
  bind2,
  login2,
  NS_BIND2,
  NS_SASL2,
  plain2,
  scram2,
  secureStream,
  tlsConfig,
} from '../../helpers/sasl2.ts';
import { TestServer } from '../../helpers/server.ts';
import { acknowledge, bodyOf, handled, NS_SM } from '../../helpers/stream-management.ts';
import { header, NS_BIND } from '../../helpers/xml.ts';
import { fixture, LAB, shardOf } from './support.ts';

/** XEP-0198 §9 over the wire: stream management inside SASL2 (XEP-0388) and Bind 2 (XEP-0386); threat T42. */

const NS_CSI = 'urn:xmpp:csi:0';
const NS_CARBONS = 'urn:xmpp:carbons:2';
const ENABLE = `<enable xmlns='${NS_SM}' resume='true'/>`;
/** Logins until one came to a shard: how connections are shared out is the server's business. */
const TRIES_MAX = 60;
const idle: TestClient[] = [];
let server: TestServer;

beforeAll(async () => {
  const modules = `
    [modules.mod_presence]
    [modules.mod_offline]
    [modules.mod_carboncopy]
    [modules.mod_csi]
    [modules.mod_stream_management]
    [modules.mod_sasl2]
    [modules.mod_bind2]
    [modules.mod_fast_auth_token]
    ${fixture('mod_brake', 'mod-brake.ts')}
    ${LAB}`;
  server = await TestServer.start({
    users: ['romeo', 'juliet', 'mercutio', 'benvolio', 'nurse', 'tybalt'],
    config: tlsConfig(modules, '"localhost"', '[auth.internal]', 'hook_timeout = 1500'),
  });
});

afterAll(async () => {
  for (const client of idle) client.cut();
  await server.stop();
});

/** Before a login that may come to the same shard as the one before: connections may go round in turns, and one that stays changes whose turn it is. */
async function anotherTry(i: number): Promise<void> {
  expect(i).toBeLessThan(TRIES_MAX);
  if (i % 2 === 1) idle.push(await TestClient.connect(server.port()));
}

interface Managed {
  readonly client: TestClient;
  readonly jid: string;
  readonly id: string;
}

/** A session that can be resumed, opened in one round trip. */
async function managed(user: string, inside = '', bind = ''): Promise<Managed> {
  const { client, success, jid } = await login2(server, user, { inside, bind: ENABLE + bind });
  const id = success.child('bound', NS_BIND2)!.child('enabled', NS_SM)!.attribute('id')!;
  return { client, jid, id };
}

function resume(id: string, h: number | string): string {
  return `<resume xmlns='${NS_SM}' previd='${id}' h='${h}'/>`;
}

function chat(to: string, body: string): string {
  return `<message to='${to}' type='chat' id='${body}'><body>${body}</body></message>`;
}

function names(element: Element): string[] {
  return element.elements().map(({ name }) => name);
}

/** What comes next but requests for acknowledgements. */
function next(client: TestClient): Promise<Element> {
  return client.until((element) => element.name !== 'r');
}

/** The condition for which a resumption failed. */
function failure(success: Element): string | undefined {
  return success.child('failed', NS_SM)?.elements()[0]?.name;
}

/** One login: returns the stream and the answer. */
type Login = (user: string, inside: string) => Promise<{ client: TestClient; success: Element }>;

const byPlain: Login = async (user, inside) => {
  const { client } = await secureStream(server);
  client.send(plain2(user, inside));
  return { client, success: await client.element() };
};

const byScram: Login = async (user, inside) => {
  const { client } = await secureStream(server);
  return { client, success: await scram2(client, user, 'secret', { inside }) };
};

/** With a token, and for another one. */
const byToken: Login = async (user, inside) => {
  const mechanism = 'HT-SHA-256-EXPR';
  const token = await newToken(server, user, { mechanism });
  const { client } = await secureStream(server);
  const proof = new TokenProof(client, mechanism, token);
  const fast = `${agent()}<fast xmlns='${NS_FAST}'/>${requestToken(mechanism)}`;
  client.send(authenticate(mechanism, proof.initial(user), fast + inside));
  const success = await client.element();
  if (!proof.isServer(success)) throw new Error('the server has not proven that it has the token');
  return { client, success };
};

describe('the features', () => {
  it('say what can be asked for with the login, and what with binding', async () => {
    const { client, features } = await secureStream(server);
    const inline = features.child('authentication', NS_SASL2)!.child('inline')!;
    expect(inline.child('sm', NS_SM)).toBeDefined();
    const vars = inline.child('bind', NS_BIND2)!.child('inline')!.elements();
    expect(vars.map((one) => one.attribute('var')).sort()).toEqual([NS_CARBONS, NS_CSI, NS_SM]);
    client.cut();
  });
});

describe('switching it on while binding', () => {
  it.each([
    ["resume='true'", true, '600'],
    ["resume='1' max='30'", true, '30'],
    ["resume='false'", false, undefined],
    ['', false, undefined],
  ])('%s', async (attributes, canResume, max) => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo', bind2(`<enable xmlns='${NS_SM}' ${attributes}/>`)));
    const success = await client.element();
    // What is on already is not offered.
    const features = await client.element();
    const enabled = success.child('bound', NS_BIND2)!.child('enabled', NS_SM)!;
    expect(enabled.attribute('max')).toBe(max);
    if (canResume) expect(enabled.attribute('id')).toMatch(/^[\w-]{32}$/);
    else expect(enabled.attribute('id')).toBeUndefined();
    expect(features.child('sm', NS_SM)).toBeUndefined();
    // Counting has begun with the session.
    client.send('<presence/>');
    expect(await handled(client)).toBe(1);
    client.send(`<enable xmlns='${NS_SM}'/>`);
    expect((await client.until(({ name }) => name === 'failed')).ns).toBe(NS_SM);
    expect(await client.streamError()).toBe('policy-violation');
  });

  it('wrongly fails, and the session opens', async () => {
    const { client, success } = await login2(server, 'romeo', {
      bind: `<enable xmlns='${NS_SM}' resume='maybe'/>`,
    });
    const failed = success.child('bound', NS_BIND2)!.child('failed', NS_SM)!;
    expect(names(failed)).toEqual(['bad-request']);
    client.send(`<enable xmlns='${NS_SM}' resume='true'/>`);
    expect((await client.element()).name).toBe('enabled');
    client.cut();
  });
});

describe('resuming with the login', () => {
  it.each([
    ['PLAIN', byPlain],
    ['SCRAM', byScram],
    ['a token', byToken],
  ])('by %s is one request, on every shard', async (_method, login) => {
    const romeo = (await login2(server, 'romeo')).client;
    const session = await managed('juliet');
    const { jid, id } = session;
    let { client } = session;
    let shard = await shardOf(client);
    // The presence, and the answers to the questions for the shard.
    client.send('<presence/>');
    expect((await next(client)).name).toBe('presence');
    let [sent, got] = [2, 2];
    const seen = new Set<boolean>();
    for (let i = 0; seen.size < 2; i++) {
      await anotherTry(i);
      // One arrives and is not acknowledged, the others come while nobody is there.
      romeo.send(chat(jid, `unread ${i}`));
      expect(bodyOf(await client.message())).toBe(`unread ${i}`);
      client.cut();
      romeo.send(chat(jid, `missed ${i}`));
      await romeo.nothingElse();
      const { client: again, success } = await login('juliet', resume(id, got) + bind2(ENABLE));
      expect(success.name).toBe('success');
      expect(success.childText('authorization-identifier')).toBe(jid);
      // What is asked for to be bound is ignored (§9.2).
      expect(success.child('bound', NS_BIND2)).toBeUndefined();
      const resumed = success.child('resumed', NS_SM)!;
      expect([resumed.attribute('previd'), resumed.attribute('h')]).toEqual([id, String(sent)]);
      expect(tokenOf(success) !== undefined).toBe(login === byToken);
      // No features: what was not acknowledged follows at once, then what came later.
      const repeated = await next(again);
      expect([bodyOf(repeated), repeated.child('delay', 'urn:xmpp:delay') !== undefined]).toEqual([
        `unread ${i}`,
        true,
      ]);
      expect(bodyOf(await next(again))).toBe(`missed ${i}`);
      const now = await shardOf(again);
      [sent, got] = [sent + 1, got + 3];
      acknowledge(again, got);
      seen.add(now === shard);
      shard = now;
      client = again;
    }
    await client.nothingElse();
    await client.close();
    romeo.cut();
  });

  it('is one round trip behind TLS: header, token and what it was about leave together', async () => {
    const romeo = (await login2(server, 'romeo')).client;
    const mechanism = 'HT-SHA-256-EXPR';
    let { client, success } = await login2(server, 'nurse', {
      inside: agent() + requestToken(mechanism),
      bind: ENABLE,
    });
    const jid = success.childText('authorization-identifier')!;
    const id = success.child('bound', NS_BIND2)!.child('enabled', NS_SM)!.attribute('id')!;
    let token = tokenOf(success)!;
    let shard = await shardOf(client);
    let got = 1;
    const seen = new Set<boolean>();
    for (let i = 0; seen.size < 2; i++) {
      await anotherTry(i);
      client.cut();
      romeo.send(chat(jid, `missed ${i}`));
      await romeo.nothingElse();
      client = await TestClient.connectTls(server.port('c2s', 0));
      const proof = new TokenProof(client, mechanism, token);
      const inside = `${agent()}<fast xmlns='${NS_FAST}' count='${i}'/>${requestToken(mechanism)}`;
      client.send(
        header() +
          authenticate(mechanism, proof.initial('nurse'), inside + resume(id, got) + bind2(ENABLE)) +
          `<iq type='get' id='now' to='localhost'><where xmlns='urn:test:lab'/></iq>`,
      );
      await client.expect('open');
      expect((await client.element()).name).toBe('features');
      success = await client.element();
      expect(success.childText('authorization-identifier')).toBe(jid);
      expect([proof.isServer(success), success.child('resumed', NS_SM) !== undefined]).toEqual([true, true]);
      token = tokenOf(success)!;
      expect(bodyOf(await next(client))).toBe(`missed ${i}`);
      const answer = await next(client);
      expect(answer.attribute('id')).toBe('now');
      const now = answer.child('where', 'urn:test:lab')!.attribute('shard')!;
      seen.add(now === shard);
      shard = now;
      got += 2;
    }
    // Nothing is left for her next session.
    acknowledge(client, got);
    await client.close();
    romeo.cut();
  });

  it('needs no answer before it goes on: what follows the request is handled after the success', async () => {
    const { client, id } = await managed('juliet');
    client.cut();
    const again = (await secureStream(server)).client;
    again.send(
      `${plain2('juliet', resume(id, 0))}<iq type='get' id='first'><nothing xmlns='urn:test:nothing'/></iq>`,
    );
    const success = await again.element();
    expect(names(success)).toEqual(['authorization-identifier', 'resumed']);
    expect((await next(again)).attribute('id')).toBe('first');
    expect(await handled(again)).toBe(1);
    again.cut();
  });

  it('takes the session from a connection that is still there', async () => {
    const { client, id, jid } = await managed('juliet');
    const { client: again, success } = await byPlain('juliet', resume(id, 0));
    expect(success.childText('authorization-identifier')).toBe(jid);
    expect(await client.streamError()).toBe('conflict');
    again.cut();
  });

  it('keeps carbons, wherever the session goes', async () => {
    const other = await login2(server, 'mercutio');
    const first = await managed('mercutio', '', `<enable xmlns='${NS_CARBONS}'/>`);
    let { client } = first;
    let shard = await shardOf(client);
    let got = 1;
    const seen = new Set<boolean>();
    for (let i = 0; seen.size < 2; i++) {
      await anotherTry(i);
      other.client.send(chat('benvolio@localhost', `part me ${i}`));
      const carbon = await client.message();
      expect(carbon.child('sent', NS_CARBONS)).toBeDefined();
      client.cut();
      const { client: again, success } = await byPlain('mercutio', resume(first.id, got + 1));
      expect(success.child('resumed', NS_SM)).toBeDefined();
      const now = await shardOf(again);
      seen.add(now === shard);
      [shard, client, got] = [now, again, got + 2];
    }
    client.cut();
    other.client.cut();
  });
});

describe('whoever is thrown out loses the token of that client (T28)', () => {
  async function kicked(jid: string, token: string): Promise<void> {
    const { status } = await meerkat(['session', 'kick', jid, '--config', server.configFile]);
    expect(status).toBe(0);
    await eventually(async () => {
      const { client, answer } = await tokenLogin(server, 'tybalt', token);
      client.cut();
      return answer.name === 'failure';
    }, 'the token has ended');
  }

  it('also while its session waits for it', async () => {
    const { client, success, jid } = await login2(server, 'tybalt', {
      inside: agent() + requestToken(),
      bind: ENABLE,
    });
    client.cut();
    await kicked(jid, tokenOf(success)!);
  });

  it('also after its session went to another shard without it', async () => {
    const first = await login2(server, 'tybalt', { inside: agent() + requestToken(), bind: ENABLE });
    const id = first.success.child('bound', NS_BIND2)!.child('enabled', NS_SM)!.attribute('id')!;
    const began = await shardOf(first.client);
    let { client } = first;
    let got = 1;
    let shard = began;
    for (let i = 0; shard === began; i++) {
      await anotherTry(i);
      client.cut();
      // Nothing in this login says which client it is.
      const again = await byPlain('tybalt', resume(id, got++));
      expect(again.success.child('resumed', NS_SM)).toBeDefined();
      client = again.client;
      shard = await shardOf(client);
    }
    await kicked(first.jid, tokenOf(first.success)!);
    client.cut();
  });
});

describe('a resumption that fails', () => {
  it.each([
    ['an unknown id', resume('unknown', 0), 'item-not-found'],
    ['no id', `<resume xmlns='${NS_SM}' h='0'/>`, 'bad-request'],
    ['no count', `<resume xmlns='${NS_SM}' previd='x'/>`, 'bad-request'],
    ['a count that is none', resume('x', '-1'), 'bad-request'],
    ['a count that is too large', resume('x', '4294967296'), 'bad-request'],
  ])('(%s) does not fail the login: a session is bound', async (_what, inside, expected) => {
    const { client, success } = await byPlain('romeo', inside + bind2(ENABLE));
    expect(failure(success)).toBe(expected);
    expect(success.childText('authorization-identifier')).toMatch(/^romeo@localhost\/[\w-]{16}$/);
    const id = success.child('bound', NS_BIND2)!.child('enabled', NS_SM)!.attribute('id')!;
    expect((await client.element()).name).toBe('features');
    // The session is as good as any other.
    client.cut();
    const again = await byPlain('romeo', resume(id, 0));
    expect(again.success.child('resumed', NS_SM)).toBeDefined();
    again.client.cut();
  });

  it('without a request to bind leaves the client to bind, or to resume, in the classic way', async () => {
    const { client: first, id } = await managed('romeo');
    first.cut();
    const { client, success } = await byPlain('romeo', resume('unknown', 0));
    expect(names(success)).toEqual(['authorization-identifier', 'failed']);
    expect(success.childText('authorization-identifier')).toBe('romeo@localhost');
    const features = await client.element();
    expect([features.child('bind', NS_BIND), features.child('sm', NS_SM)]).not.toContain(undefined);
    client.send(resume(id, 0));
    expect((await client.element()).name).toBe('resumed');
    client.cut();
  });

  it('because more is acknowledged than was sent ends the old session, and binds another', async () => {
    const first = await managed('romeo');
    first.client.cut();
    const { client, success } = await byPlain('romeo', resume(first.id, 7) + bind2());
    expect([failure(success), names(success).includes('bound')]).toEqual(['bad-request', true]);
    client.cut();
    const again = await byPlain('romeo', resume(first.id, 0) + bind2());
    expect(failure(again.success)).toBe('item-not-found');
    again.client.cut();
  });

  it('because the session is somebody else’s tells nothing of it, and does not touch it (T42)', async () => {
    const juliet = await managed('juliet');
    for (let i = 0; i < 6; i++) {
      const { client, success } = await byPlain('tybalt', resume(juliet.id, i) + bind2());
      expect(failure(success)).toBe('item-not-found');
      expect(success.child('failed', NS_SM)!.attribute('h')).toBeUndefined();
      expect(success.childText('authorization-identifier')).toMatch(/^tybalt@localhost\//);
      client.cut();
    }
    juliet.client.send('<presence/>');
    expect((await next(juliet.client)).attribute('from')).toBe(juliet.jid);
    juliet.client.cut();
    const { client, success } = await byPlain('juliet', resume(juliet.id, 1));
    expect(success.child('resumed', NS_SM)!.attribute('h')).toBe('1');
    await client.close();
  });

  it('costs nothing that was sent: the session that the client binds instead gets it', async () => {
    const romeo = (await login2(server, 'romeo')).client;
    const first = await managed('nurse', agent());
    first.client.send('<presence/>');
    expect((await next(first.client)).name).toBe('presence');
    first.client.cut();
    romeo.send(chat('nurse@localhost', 'where is she?'));
    await romeo.nothingElse();
    const { client, success } = await byPlain('nurse', agent() + resume('lost', 1) + bind2(ENABLE));
    expect(failure(success)).toBe('item-not-found');
    client.send('<presence/>');
    expect(bodyOf(await client.message())).toBe('where is she?');
    client.cut();
    romeo.cut();
  });
});

/** The first of some streams that gets an answer: it is on a shard that is not held up. */
async function answered(streams: readonly TestClient[]): Promise<TestClient> {
  for (const stream of streams) stream.send(authenticate('NONE'));
  for (;;) {
    for (const stream of streams) if ((await stream.elementWithin(20)) !== undefined) return stream;
  }
}

describe('a shard that does not hand a session over in time', () => {
  it('costs the session, not the login, nor what was sent', async () => {
    const romeo = (await login2(server, 'romeo')).client;
    const { client: first, jid, id } = await managed('nurse');
    first.send('<presence/>');
    expect((await next(first)).name).toBe('presence');
    romeo.send(chat(jid, 'unread'));
    expect(bodyOf(await first.message())).toBe('unread');
    const streams: TestClient[] = [];
    for (let i = 0; i < 8; i++) streams.push((await secureStream(server)).client);
    first.cut();
    const file = join(server.directory, 'go-on');
    romeo.send(chat(jid, `hold ${file}`));
    await eventually(() => existsSync(`${file}.held`), 'its shard is held up');
    const client = await answered(streams);
    client.send(`${plain2('nurse', resume(id, 1) + bind2(ENABLE))}<presence/>`);
    const success = await client.element();
    expect(failure(success)).toBe('internal-server-error');
    expect(success.childText('authorization-identifier')).not.toBe(jid);
    expect(success.child('bound', NS_BIND2)!.child('enabled', NS_SM)).toBeDefined();
    writeFileSync(file, '');
    expect(bodyOf(await client.message())).toBe('unread');
    expect(bodyOf(await client.message())).toBe(`hold ${file}`);
    // The session that came too late is nobody's.
    const again = await byPlain('nurse', resume(id, 1));
    expect(failure(again.success)).toBe('item-not-found');
    for (const one of [...streams, again.client, romeo]) one.cut();
  });
});

describe('a login that fails', () => {
  it('resumes nothing', async () => {
    const { client: first, id } = await managed('romeo');
    const { client } = await secureStream(server);
    client.send(plain2('romeo', resume(id, 0) + bind2(), 'wrong'));
    expect((await client.element()).name).toBe('failure');
    client.cut();
    await first.nothingElse();
    first.cut();
  });
});

describe('client state while binding (XEP-0352)', () => {
  it('is what the client says it is, and a resumed client is active', async () => {
    const romeo = (await login2(server, 'romeo')).client;
    const { client, jid, id } = await managed('benvolio', '', `<inactive xmlns='${NS_CSI}'/>`);
    romeo.send(chat(jid, 'nobody looks'));
    await romeo.nothingElse();
    // Nothing but the answer, for acknowledgements do not wait.
    expect(await handled(client)).toBe(0);
    client.send(`<active xmlns='${NS_CSI}'/>`);
    expect(bodyOf(await client.message())).toBe('nobody looks');
    client.send(`<inactive xmlns='${NS_CSI}'/>`);
    romeo.send(chat(jid, 'nobody looks again'));
    await romeo.nothingElse();
    expect(await handled(client)).toBe(0);
    client.cut();
    const { client: again, success } = await byPlain('benvolio', resume(id, 1));
    expect(success.child('resumed', NS_SM)).toBeDefined();
    expect(bodyOf(await next(again))).toBe('nobody looks again');
    romeo.send(chat(jid, 'at once'));
    expect(bodyOf(await next(again))).toBe('at once');
    again.cut();
    romeo.cut();
  });
});
