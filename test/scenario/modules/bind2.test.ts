import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../../helpers/client.ts';
import { Gate } from '../../helpers/gate.ts';
import {
  AGENT,
  agent,
  authenticate,
  bind2,
  login2,
  NS_BIND2,
  NS_SASL2,
  plain2,
  secureStream,
  tlsConfig,
} from '../../helpers/sasl2.ts';
import { TestServer } from '../../helpers/server.ts';
import { bind, header, NS_BIND } from '../../helpers/xml.ts';
import { fixture, LAB, shardOf } from './support.ts';

/** XEP-0386 over the wire. */

const NS_INLINE = 'urn:test:inline';
const gate = new Gate();
let server: TestServer;

beforeAll(async () => {
  const modules = `
    [modules.mod_presence]
    [modules.mod_offline]
    [modules.mod_sasl2]
    [modules.mod_bind2]
    ${fixture('mod_inline', 'mod-inline.ts')}
    ${LAB}
    ${gate.toml}`;
  server = await TestServer.start({
    users: ['romeo', 'juliet', 'mercutio', 'benvolio', 'paris@closed.example'],
    config: `
      ${tlsConfig(modules, '"localhost", "anon.example", "closed.example"', '[auth.internal]')}
      [[host_config]]
        host = "anon.example"
        [host_config.auth.anonymous]`,
  });
});

afterAll(() => server.stop());

function bindOf(text: string): string {
  return text.split('/').slice(1).join('/');
}

describe('the feature (§3.1)', () => {
  it('stands inline in that of SASL2, with what can be switched on', async () => {
    const { client, features } = await secureStream(server);
    const inline = features.child('authentication', NS_SASL2)!.child('inline')!;
    const feature = inline.child('bind', NS_BIND2)!;
    expect(
      feature
        .child('inline')!
        .elements()
        .map((one) => [one.name, one.attribute('var')]),
    ).toEqual([['feature', NS_INLINE]]);
    client.cut();
  });
});

describe('binding (§3.2)', () => {
  it('gives a session in one round trip, known before the first byte of the answer', async () => {
    const client = await TestClient.connectTls(server.port('c2s', 0));
    client.send(`${header()}${plain2('romeo', bind2('<tag>Balcony</tag>'))}<presence/>`);
    await client.expect('open');
    expect((await client.element()).name).toBe('features');
    const success = await client.element();
    const jid = success.childText('authorization-identifier')!;
    expect(jid).toMatch(/^romeo@localhost\/Balcony\/[\w-]{16}$/);
    expect(success.elements().map(({ name, ns }) => [name, ns])).toEqual([
      ['authorization-identifier', NS_SASL2],
      ['bound', NS_BIND2],
    ]);
    const features = await client.element();
    expect([features.name, features.child('bind', NS_BIND)]).toEqual(['features', undefined]);
    const presence = await client.element();
    expect([presence.name, presence.attribute('from'), presence.attribute('to')]).toEqual([
      'presence',
      jid,
      'romeo@localhost',
    ]);
    client.cut();
  });

  it('the session is one like any other, on every shard', async () => {
    const romeo = await login2(server, 'romeo');
    let juliet = await login2(server, 'juliet');
    while ((await shardOf(juliet.client)) === (await shardOf(romeo.client)))
      juliet = await login2(server, 'juliet');
    juliet.client.send(`<message to='${romeo.jid}' type='chat'><body>Wherefore?</body></message>`);
    const message = await romeo.client.message();
    expect([message.attribute('from'), message.childText('body')]).toEqual([juliet.jid, 'Wherefore?']);
    expect(gate.lines('sm_register_connection')).toContainEqual({
      hook: 'sm_register_connection',
      jid: romeo.jid,
      method: 'internal',
    });
    await romeo.client.close();
    juliet.client.cut();
  });

  it.each<[string, string, RegExp]>([
    ['no tag', '', /^[\w-]{16}$/],
    ['a tag', '<tag>Gajim</tag>', /^Gajim\/[\w-]{16}$/],
    ['a tag of several words', '<tag>My Client 1.0</tag>', /^My Client 1\.0\/[\w-]{16}$/],
    ['an empty tag', '<tag/>', /^[\w-]{16}$/],
    ['a tag that cannot be part of a resource', '<tag>bell\u2028</tag>', /^[\w-]{16}$/],
    ['a tag that is too long', `<tag>${'x'.repeat(1_020)}</tag>`, /^[\w-]{16}$/],
  ])('%s', async (_what, inside, expected) => {
    const { client, jid } = await login2(server, 'romeo', { inside: agent(), bind: inside });
    expect(bindOf(jid)).toMatch(expected);
    // The id of the client is nobody's business.
    expect(jid).not.toContain(AGENT.slice(0, 8));
    client.cut();
  });

  it('each login gets another resource', async () => {
    const [first, second] = [await login2(server, 'romeo'), await login2(server, 'romeo')];
    expect(first.jid).not.toBe(second.jid);
    first.client.cut();
    second.client.cut();
  });

  it('without it nothing is bound, and the classic way remains', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo'));
    expect((await client.element()).child('bound', NS_BIND2)).toBeUndefined();
    expect((await client.element()).child('bind', NS_BIND)).toBeDefined();
    client.send(bind('classic'));
    expect((await client.element()).attribute('type')).toBe('result');
    client.cut();
  });

  it('a failed login binds nothing', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo', bind2(), 'wrong'));
    expect((await client.element()).name).toBe('failure');
    expect((await client.elementWithin(50))?.name).toBeUndefined();
    client.cut();
  });

  it('stored messages come after the session is told', async () => {
    const juliet = await login2(server, 'juliet');
    juliet.client.send("<message to='mercutio@localhost' type='chat'><body>later</body></message>");
    await juliet.client.nothingElse();
    const { client } = await secureStream(server);
    client.send(`${plain2('mercutio', bind2())}<presence/>`);
    expect((await client.element()).name).toBe('success');
    expect((await client.element()).name).toBe('features');
    expect((await client.message()).childText('body')).toBe('later');
    client.cut();
    juliet.client.cut();
  });

  it('what is delivered meanwhile waits until the client knows of its session', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo', `<ask xmlns='${NS_INLINE}' how='deliver'/>${bind2()}`));
    const names = [];
    for (let i = 0; i < 3; i++) names.push((await client.element()).name);
    expect(names).toEqual(['success', 'features', 'message']);
    client.cut();
  });
});

describe('features switched on while binding', () => {
  it('see the session to be, and answer in <bound/>', async () => {
    const { client, success, jid } = await login2(server, 'romeo', {
      bind: `<on xmlns='${NS_INLINE}' how='late'/>`,
    });
    const on = success.child('bound', NS_BIND2)!.child('on', NS_INLINE)!;
    expect([on.attribute('jid'), on.attribute('sid')]).toEqual([jid, 'true']);
    // What they asked of the session follows the answer.
    expect((await client.element()).name).toBe('told');
    client.cut();
  });

  it('one that fails does not keep the session from opening', async () => {
    const { client, success } = await login2(server, 'romeo', {
      bind: `<on xmlns='${NS_INLINE}' how='throw'/>`,
    });
    expect(success.child('bound', NS_BIND2)!.elements()).toEqual([]);
    await client.nothingElse();
    client.cut();
  });

  it('a client that leaves in the middle leaves nothing behind', async () => {
    for (let i = 0; i < 3; i++) {
      const { client } = await secureStream(server);
      client.send(plain2('benvolio', bind2(`<on xmlns='${NS_INLINE}' how='late'/>`)));
      client.cut();
    }
    const { client } = await login2(server, 'juliet');
    const count = async (): Promise<string | undefined> => {
      const answer = await client.iq(
        'get',
        'localhost',
        "<sessions xmlns='urn:test:lab'>benvolio@localhost</sessions>",
      );
      return answer.child('sessions', 'urn:test:lab')!.attribute('count');
    };
    await expect.poll(count).toBe('0');
    client.cut();
  });
});

describe('a session that is not allowed', () => {
  it('is refused inside the success: the client is logged in, and may bind in the classic way', async () => {
    const { client } = await secureStream(server, { header: { to: 'closed.example' } });
    client.send(plain2('paris', bind2('<tag>Balcony</tag>')));
    const success = await client.element();
    expect(success.childText('authorization-identifier')).toBe('paris@closed.example');
    expect(success.child('failed', NS_BIND2)).toBeDefined();
    expect(success.child('bound', NS_BIND2)).toBeUndefined();
    expect((await client.element()).child('bind', NS_BIND)).toBeDefined();
    const forbidden = gate.lines('forbidden_session').map(({ jid }) => jid);
    expect(forbidden).toContainEqual(expect.stringMatching(/^paris@closed\.example\/Balcony\//));
    client.send(bind('any'));
    expect((await client.element()).attribute('type')).toBe('error');
    client.cut();
  });

  it('an anonymous user gets one, with a name that the server made up', async () => {
    const { client } = await secureStream(server, { header: { to: 'anon.example' } });
    client.send(authenticate('ANONYMOUS', '', bind2()));
    const success = await client.element();
    expect(success.childText('authorization-identifier')).toMatch(/^[0-9a-f]{32}@anon\.example\/[\w-]{16}$/);
    client.cut();
  });
});

describe('resumption comes first (§3.2)', () => {
  it('and leaves nothing to bind', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo', `<ask xmlns='${NS_INLINE}' how='resume'/>${bind2()}`));
    const success = await client.element();
    expect(success.childText('authorization-identifier')).toBe('romeo@localhost/resumed');
    expect(success.child('bound', NS_BIND2)).toBeUndefined();
    await client.nothingElse();
    client.cut();
  });
});

describe('the same client again (§3.2)', () => {
  it('ends its earlier sessions, on whatever shard, and no others', async () => {
    const other = await login2(server, 'romeo', { inside: agent('00000000-0000-4000-8000-000000000001') });
    const unknown = await login2(server, 'romeo');
    const juliet = await login2(server, 'juliet', { inside: agent() });
    const places = new Set<string>();
    const fillers: TestClient[] = [];
    let last = await login2(server, 'romeo', { inside: agent() });
    for (let i = 0; i < 20 && places.size < 2; i++) {
      const old = last;
      const place = await shardOf(old.client);
      // The next connection goes where there are fewest: one more in between changes that.
      if (i % 2 === 1) fillers.push(await TestClient.connect(server.port('c2s', 2)));
      last = await login2(server, 'romeo', { inside: agent() });
      places.add(place === (await shardOf(last.client)) ? 'same' : 'other');
      expect(await old.client.streamError()).toBe('conflict');
    }
    for (const filler of fillers) filler.cut();
    expect(places.size).toBe(2);
    for (const { client } of [other, unknown, juliet, last]) {
      await client.nothingElse();
      client.cut();
    }
  });

  it('of several that come at the same moment the newest remains', async () => {
    const streams = await Promise.all(Array.from({ length: 6 }, () => secureStream(server)));
    for (const { client } of streams) client.send(plain2('benvolio', agent() + bind2()));
    const remaining = new Set<TestClient>();
    await Promise.all(
      streams.map(async ({ client }) => {
        // The answer and the features, unless somebody newer was faster than that.
        for (let i = 0; i < 2; i++) if ((await client.element()).name === 'error') return;
        remaining.add(client);
      }),
    );
    // Word of the newer ones may still be on its way to the others.
    for (let round = 0; remaining.size > 1; round++) {
      for (const client of remaining) if (!(await isThere(client, `${round}`))) remaining.delete(client);
    }
    const [newest] = remaining;
    expect(newest).toBeDefined();
    expect(await isThere(newest!, 'last')).toBe(true);
    for (const { client } of streams) client.cut();
  });
});

/** Whether the session answers to a question; a stream error may come in place of the answer. */
async function isThere(client: TestClient, id: string): Promise<boolean> {
  client.send(`<iq type='get' id='${id}'><nothing xmlns='urn:test:nothing'/></iq>`);
  const next = await client.next();
  return next.kind === 'element' && next.element.attribute('id') === id;
}

describe('a feature that takes longer than hooks are waited for', () => {
  let slow: TestServer;

  beforeAll(async () => {
    const modules = `[modules.mod_sasl2]\n[modules.mod_bind2]\n${fixture('mod_inline', 'mod-inline.ts')}`;
    const config = tlsConfig(modules, '"localhost"', '', 'hook_timeout = 1500');
    slow = await TestServer.start({ users: ['romeo'], config });
  });

  afterAll(() => slow.stop());

  it('leaves the client logged in without a session, and free to bind in the classic way', async () => {
    const { client } = await secureStream(slow);
    client.send(plain2('romeo', bind2(`<on xmlns='${NS_INLINE}' how='too late'/>`)));
    const success = await client.element();
    expect(success.childText('authorization-identifier')).toBe('romeo@localhost');
    expect(success.child('bound', NS_BIND2)).toBeUndefined();
    expect((await client.element()).child('bind', NS_BIND)).toBeDefined();
    client.send(bind('after'));
    const result = await client.element();
    expect(result.child('bind', NS_BIND)!.childText('jid')).toBe('romeo@localhost/after');
    client.send("<message to='romeo@localhost/after' id='self'/>");
    expect((await client.message()).attribute('id')).toBe('self');
    client.cut();
  });
});
