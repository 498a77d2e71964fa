import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Element } from '../../../src/xml/element.ts';
import { TestClient } from '../../helpers/client.ts';
import { Gate } from '../../helpers/gate.ts';
import { Scrape } from '../../helpers/http.ts';
import { eventually } from '../../helpers/process.ts';
import {
  AGENT,
  agent,
  authenticate,
  bind2,
  condition2,
  NS_SASL2,
  plain2,
  scram2,
  secureStream,
  tlsConfig,
} from '../../helpers/sasl2.ts';
import { base64, plusOptions, type ScramOptions } from '../../helpers/scram.ts';
import { TestServer } from '../../helpers/server.ts';
import { auth, bind, header, NS_SASL, plain } from '../../helpers/xml.ts';
import { fixture } from './support.ts';

/** XEP-0388 over the wire: the profile itself, and threats T22 to T34 in it. */

const NS_INLINE = 'urn:test:inline';
const gate = new Gate();
let server: TestServer;

beforeAll(async () => {
  const modules = `
    [modules.mod_presence]
    [modules.mod_register]
    [modules.mod_sasl2]
    ${fixture('mod_inline', 'mod-inline.ts')}
    ${gate.toml}`;
  server = await TestServer.start({
    users: ['romeo', 'juliet', 'romeo@montague.example'],
    config: tlsConfig(modules, '"localhost", "montague.example"'),
  });
});

afterAll(() => server.stop());

function feature(features: Element): Element | undefined {
  return features.child('authentication', NS_SASL2);
}

function names(list: Element | undefined): string[] {
  return (list?.elements() ?? []).filter(({ name }) => name === 'mechanism').map((one) => one.text());
}

describe('the stream feature (§2.1)', () => {
  it('has the mechanisms of the classic profile, and what can be done inline', async () => {
    const { client, features } = await secureStream(server);
    const classic = features.child('mechanisms', NS_SASL);
    expect(names(feature(features))).toEqual(names(classic));
    expect(names(classic)).toContain('SCRAM-SHA-256-PLUS');
    const inline = feature(features)!.child('inline')!;
    expect(inline.elements().map(({ name, ns }) => [name, ns])).toEqual([['ask', NS_INLINE]]);
    // XEP-0440 stands beside it, and serves both profiles.
    const bindings = features.child('sasl-channel-binding', 'urn:xmpp:sasl-cb:0')!;
    expect(bindings.elements().map((one) => one.attribute('type'))).toEqual([
      'tls-exporter',
      'tls-server-end-point',
    ]);
    client.cut();
  });

  it('is not there without TLS, whether the listener has it or not', async () => {
    for (const index of [1, 2]) {
      const client = await TestClient.connect(server.port('c2s', index));
      expect(feature(await client.openStream('localhost'))).toBeUndefined();
      client.send(plain2('romeo'));
      expect(await client.streamError()).toBe('policy-violation');
    }
  });

  it('is there after STARTTLS, and not any more after the login', async () => {
    const client = await TestClient.connect(server.port('c2s', 1));
    await client.openStream('localhost');
    client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    await client.element();
    await client.startTls();
    expect(feature(await client.openStream('localhost'))).toBeDefined();
    client.send(plain2('romeo'));
    expect((await client.element()).name).toBe('success');
    const features = await client.element();
    expect([
      features.name,
      feature(features),
      features.child('bind', 'urn:ietf:params:xml:ns:xmpp-bind')?.name,
    ]).toEqual(['features', undefined, 'bind']);
    client.cut();
  });
});

describe('success (§2.6.1)', () => {
  it.each(['', agent(), '<user-agent/>', agent(AGENT.toUpperCase())])(
    'names the account, then features follow and the stream goes on: %s',
    async (inside) => {
      const { client } = await secureStream(server);
      client.send(plain2('romeo', inside));
      const success = await client.element();
      expect(success.elements().map((one) => [one.name, one.text()])).toEqual([
        ['authorization-identifier', 'romeo@localhost'],
      ]);
      expect((await client.element()).name).toBe('features');
      client.send(bind('orchard'));
      expect((await client.element()).attribute('type')).toBe('result');
      await client.nothingElse();
      client.cut();
    },
  );

  it('needs one round trip: everything may be sent before the first answer', async () => {
    const client = await TestClient.connectTls(server.port('c2s', 0));
    client.send(`${header()}${plain2('romeo')}${bind('garden')}<presence/>`);
    await client.expect('open');
    for (const name of ['features', 'success', 'features', 'iq', 'presence']) {
      expect((await client.element()).name).toBe(name);
    }
    client.cut();
  });

  it.each(['1', '224', '256', '384', '512'])('SCRAM-SHA-%s proves both sides', async (bits) => {
    const mechanism = `SCRAM-SHA-${bits}`;
    const { client } = await secureStream(server);
    expect(condition2(await scram2(client, 'romeo', 'wrong', { mechanism }))).toBe('not-authorized');
    const success = await scram2(client, 'romeo', 'secret', { mechanism });
    expect(success.childText('authorization-identifier')).toBe('romeo@localhost');
    client.cut();
  });

  it.each(['tls-exporter', 'tls-server-end-point'] as const)(
    'SCRAM-SHA-256-PLUS binds by %s',
    async (type) => {
      const { client } = await secureStream(server);
      const options = plusOptions(client, 'SCRAM-SHA-256-PLUS', type);
      const wrong = await scram2(client, 'romeo', 'secret', { ...options, binding: Buffer.alloc(32) });
      expect(condition2(wrong)).toBe('not-authorized');
      expect((await scram2(client, 'romeo', 'secret', options)).name).toBe('success');
      client.cut();
    },
  );

  it('widens the limits of the stream: a stanza may be larger than what a stranger may send', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo') + bind('large'));
    for (let i = 0; i < 3; i++) await client.element();
    const body = 'x'.repeat(20_000);
    client.send(`<presence/><message to='romeo@localhost/large'><body>${body}</body></message>`);
    expect((await client.message()).childText('body')).toBe(body);
    client.cut();
  });
});

describe('other modules join (§2.3)', () => {
  it('they see the request, who the client is, and put their answer into the success', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo', `${agent()}<ask xmlns='${NS_INLINE}' how='late'/>`));
    const success = await client.element();
    const answer = success.child('answer', NS_INLINE)!;
    expect(Object.fromEntries(answer.attributes)).toEqual({
      mechanism: 'PLAIN',
      username: 'romeo',
      authMethod: 'internal',
      agent: AGENT,
    });
    expect(answer.text()).toBe('Verona');
    client.cut();
  });

  it('one may refuse before the mechanism starts', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo', `<ask xmlns='${NS_INLINE}' how='veto'/>`));
    const failure = await client.element();
    expect([condition2(failure), failure.childText('text')]).toEqual(['temporary-auth-failure', 'vetoed']);
    client.send(plain2('romeo'));
    expect((await client.element()).name).toBe('success');
    client.cut();
  });

  it('one that fails harms nobody; one that ends the stream ends it', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo', `<ask xmlns='${NS_INLINE}' how='throw'/>`));
    expect((await client.element()).name).toBe('success');
    client.cut();
    const other = await secureStream(server);
    other.client.send(plain2('romeo', `<ask xmlns='${NS_INLINE}' how='hang up'/>`));
    expect(await other.client.streamError()).toBe('policy-violation');
  });

  it('a failed login asks nobody', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo', `<ask xmlns='${NS_INLINE}'/>`, 'wrong'));
    const failure = await client.element();
    expect([condition2(failure), failure.child('answer', NS_INLINE)]).toEqual(['not-authorized', undefined]);
    client.cut();
  });

  it('one that takes over the session ends the matter: no features follow', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo', `<ask xmlns='${NS_INLINE}' how='resume'/>`));
    const success = await client.element();
    expect(success.childText('authorization-identifier')).toBe('romeo@localhost/resumed');
    expect(success.child('resumed', NS_INLINE)).toBeDefined();
    await client.nothingElse();
    client.cut();
  });
});

describe('failures (§2.6.2)', () => {
  it.each<[string, string, string]>([
    ['a mechanism that was not offered', authenticate('X-NONE', ''), 'invalid-mechanism'],
    ['no mechanism', `<authenticate xmlns='${NS_SASL2}'/>`, 'invalid-mechanism'],
    [
      'a token mechanism where there are no tokens',
      authenticate('HT-SHA-256-NONE', base64('romeo\0x')),
      'invalid-mechanism',
    ],
    ['what is no base64 (T34)', authenticate('PLAIN', '@@@@'), 'incorrect-encoding'],
    ['the = of the classic profile (§2.2)', authenticate('PLAIN', '='), 'incorrect-encoding'],
    ['base64 with white space', authenticate('PLAIN', ` ${base64('\0romeo\0secret')}`), 'incorrect-encoding'],
    ['an empty response', authenticate('PLAIN', ''), 'malformed-request'],
    ['an element in place of data', authenticate('PLAIN', '<a/>'), 'malformed-request'],
    ['PLAIN of one part', authenticate('PLAIN', base64('romeo')), 'malformed-request'],
    ['SCRAM that is none', authenticate('SCRAM-SHA-1', base64('hello')), 'malformed-request'],
    ['a wrong password', plain2('romeo', '', 'wrong'), 'not-authorized'],
    ['an unknown user', plain2('tybalt'), 'not-authorized'],
    ['a user of another domain', plain2('romeo@montague.example'), 'not-authorized'],
    ['an abort', `<abort xmlns='${NS_SASL2}'><text>no</text></abort>`, 'aborted'],
  ])('%s', async (_what, text, expected) => {
    const { client } = await secureStream(server);
    client.send(text);
    expect(condition2(await client.element())).toBe(expected);
    // The failure concerns this attempt alone; the other profile may be used as well.
    client.send(plain('romeo'));
    expect((await client.element()).name).toBe('success');
    client.cut();
  });

  it('asks for a response that was not sent along, and takes an abort then', async () => {
    const { client } = await secureStream(server);
    client.send(authenticate('PLAIN'));
    expect((await client.element()).name).toBe('challenge');
    client.send(`<abort xmlns='${NS_SASL2}'/>`);
    expect(condition2(await client.element())).toBe('aborted');
    client.send(authenticate('PLAIN'));
    await client.element();
    client.send(`<response xmlns='${NS_SASL2}'>${base64('\0romeo\0secret')}</response>`);
    expect((await client.element()).name).toBe('success');
    client.cut();
  });

  it('are heard by auth_failed, and counted together with those of the classic profile: the fourth ends the stream', async () => {
    const before = gate.lines('auth_failed').length;
    const { client } = await secureStream(server);
    for (const text of [
      plain2('juliet', '', 'wrong'),
      plain('juliet', 'wrong'),
      plain2('juliet', '', 'wrong'),
    ]) {
      client.send(text);
      expect((await client.element()).name).toBe('failure');
    }
    client.send(plain2('juliet', '', 'wrong'));
    expect(condition2(await client.element())).toBe('not-authorized');
    expect(await client.streamError()).toBe('policy-violation');
    const heard = gate.lines('auth_failed').slice(before);
    expect(heard.map(({ username }) => username)).toEqual(['juliet', 'juliet', 'juliet', 'juliet']);
  });

  it('an unknown user fails like a wrong password, to the byte (T25)', async () => {
    const { client } = await secureStream(server);
    const texts: string[] = [];
    client.socket.on('data', (data) => texts.push(data.toString()));
    await scram2(client, 'romeo', 'wrong');
    await scram2(client, 'tybalt');
    const failures = texts.filter((text) => text.includes('<failure'));
    expect(failures).toHaveLength(2);
    expect(failures[0]).toBe(failures[1]);
    client.cut();
  });
});

describe('what must not be sent ends the stream (§2.4)', () => {
  it.each<[string, string]>([
    ['a response to nothing', `<response xmlns='${NS_SASL2}'/>`],
    ['what only servers say', `<success xmlns='${NS_SASL2}'/>`],
    ['a task that nobody gave', `<next xmlns='${NS_SASL2}' task='TOTP'/>`],
    ['a user agent whose id is no UUID', plain2('romeo', agent('garden'))],
    ['a UUID of another version', plain2('romeo', agent('d4565fa7-4d72-1749-b3d3-740edbf87770'))],
    ['a UUID of another variant', plain2('romeo', agent('d4565fa7-4d72-4749-73d3-740edbf87770'))],
  ])('%s', async (_what, text) => {
    const { client } = await secureStream(server);
    client.send(text);
    expect(await client.streamError()).toBe('policy-violation');
  });

  it.each<[string, string, string]>([
    ['an abort of the classic profile', `<abort xmlns='${NS_SASL}'/>`, 'invalid-namespace'],
    ['a response of the classic profile', `<response xmlns='${NS_SASL}'/>`, 'invalid-namespace'],
    ['a login of the classic profile', auth('PLAIN', base64('\0romeo\0secret')), 'policy-violation'],
    ['a second request', plain2('romeo'), 'policy-violation'],
    ['a stanza', '<presence/>', 'policy-violation'],
    ['a registration', "<iq type='get' id='r'><query xmlns='jabber:iq:register'/></iq>", 'policy-violation'],
    ['STARTTLS', "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", 'policy-violation'],
  ])('%s during an exchange', async (_what, text, expected) => {
    const { client } = await secureStream(server);
    client.send(authenticate('SCRAM-SHA-1', base64('n,,n=romeo,r=abc')));
    expect((await client.element()).name).toBe('challenge');
    client.send(text);
    expect(await client.streamError()).toBe(expected);
  });

  it('a request while an exchange of the classic profile goes on', async () => {
    for (const text of [plain2('romeo'), `<abort xmlns='${NS_SASL2}'/>`]) {
      const { client } = await secureStream(server);
      client.send(auth('SCRAM-SHA-1', base64('n,,n=romeo,r=abc')));
      expect((await client.element()).name).toBe('challenge');
      client.send(text);
      expect(await client.streamError()).toBe('policy-violation');
    }
  });

  it('a second request after success, before and after binding, and after a classic login', async () => {
    const first = await secureStream(server);
    first.client.send(plain2('romeo'));
    for (let i = 0; i < 2; i++) await first.client.element();
    first.client.send(plain2('romeo'));
    expect(await first.client.streamError()).toBe('policy-violation');

    const bound = await secureStream(server);
    bound.client.send(plain2('romeo') + bind('twice'));
    for (let i = 0; i < 3; i++) await bound.client.element();
    bound.client.send(plain2('juliet'));
    expect(await bound.client.streamError()).toBe('policy-violation');

    const classic = await secureStream(server);
    classic.client.send(plain('romeo'));
    await classic.client.element();
    await classic.client.openStream('localhost');
    classic.client.send(plain2('juliet'));
    expect(await classic.client.streamError()).toBe('policy-violation');
  });

  it('more data than a stranger may send', async () => {
    const { client } = await secureStream(server);
    client.send(authenticate('PLAIN', 'A'.repeat(9_000)));
    expect(await client.streamError()).toBe('policy-violation');
  });
});

describe('who is authenticated is who gets the session (T22)', () => {
  it.each(['juliet@localhost', 'romeo@localhost/orchard', 'romeo@montague.example', 'x'.repeat(3_000)])(
    'nobody acts for somebody else: %.40s',
    async (authzid) => {
      const { client } = await secureStream(server);
      client.send(plain2('romeo', bind2(), 'secret', authzid));
      expect(condition2(await client.element())).toBe('invalid-authzid');
      const scram = await scram2(client, 'romeo', 'secret', { gs2Header: `n,a=${authzid},` });
      expect(condition2(scram)).toBe('invalid-authzid');
      client.cut();
    },
  );

  it('a stream opened for somebody else ends; with an authorization identity the login fails (§4.4)', async () => {
    const { client } = await secureStream(server, { header: { from: 'juliet@localhost' } });
    client.send(plain2('romeo', '', 'secret', 'romeo@localhost'));
    expect(condition2(await client.element())).toBe('invalid-authzid');
    client.send(plain2('romeo'));
    expect(await client.streamError()).toBe('invalid-from');
  });

  it('a stream opened for the account goes on', async () => {
    const { client } = await secureStream(server, { header: { from: 'ROMEO@localhost' } });
    client.send(plain2('romeo', '', 'secret', 'romeo@localhost'));
    expect((await client.element()).childText('authorization-identifier')).toBe('romeo@localhost');
    client.cut();
  });
});

describe('nobody in the middle can make the login weaker (T26)', () => {
  it.each<[string, ScramOptions]>([
    ['the flag y while -PLUS was offered', { gs2Header: 'y,,' }],
    ['a binding without -PLUS', { gs2Header: 'p=tls-exporter,,' }],
    [
      '-PLUS with a type that was not offered',
      { mechanism: 'SCRAM-SHA-1-PLUS', gs2Header: 'p=tls-unique,,' },
    ],
    ['-PLUS without a binding', { mechanism: 'SCRAM-SHA-1-PLUS' }],
  ])('%s', async (_what, options) => {
    const { client } = await secureStream(server);
    expect(condition2(await scram2(client, 'romeo', 'secret', options))).toBe('not-authorized');
    client.cut();
  });

  it('challenges carry the hash of what this profile offered (XEP-0474 §5.1)', async () => {
    const { client, features } = await secureStream(server);
    const types = features.child('sasl-channel-binding', 'urn:xmpp:sasl-cb:0')!.elements();
    const offered = [
      names(feature(features)).toSorted().join('\x1e'),
      types
        .map((one) => one.attribute('type')!)
        .toSorted()
        .join('\x1e'),
    ].join('\x1f');
    let hash = '';
    const challenge = (first: string): void => {
      hash = first
        .split(',')
        .find((part) => part.startsWith('h='))!
        .slice(2);
    };
    const mechanism = 'SCRAM-SHA-256';
    expect((await scram2(client, 'romeo', 'secret', { mechanism, challenge })).name).toBe('success');
    expect(hash).toBe(createHash('sha256').update(offered).digest('base64'));
    client.cut();
  });
});

describe('a client that does not go on', () => {
  const ends = new Gate();
  let hurried: TestServer;

  beforeAll(async () => {
    const c2s = '[listen.c2s.tls]\n    mode = "tls"';
    const toml = `[[listen.http]]\n port = 0\n ip_address = "127.0.0.1"\n [modules.mod_presence]\n [modules.mod_sasl2]\n ${ends.toml}`;
    hurried = await TestServer.start({ users: ['romeo'], c2s: `state_timeout = 3000\n  ${c2s}`, toml });
  });

  afterAll(() => hurried.stop());

  it.each([
    ['in the middle of an exchange', authenticate('SCRAM-SHA-1', base64('n,,n=romeo,r=abc')), ['challenge']],
    ['after a failure', authenticate('X-NONE'), ['failure']],
    ['after the success', authenticate('PLAIN', base64('\0romeo\0secret')), ['success', 'features']],
  ])('%s gets connection-timeout (state_timeout)', async (_when, text, expected) => {
    const { client } = await secureStream(hurried);
    client.send(text);
    for (const name of expected) expect((await client.element()).name).toBe(name);
    expect(await client.streamError()).toBe('connection-timeout');
  });

  const exchange = authenticate('SCRAM-SHA-1', base64('n,,n=romeo,r=abc'));

  it.each<[string, (client: TestClient) => unknown]>([
    ['is cut off', (client) => client.cut()],
    ['closes its stream', (client) => client.close()],
    ['says something else', (client) => client.send('<message/>')],
    ['waits too long', (client) => client.streamError()],
  ])(
    'one that %s in the middle of an exchange leaves nothing, and no session ends (T12)',
    async (_how, end) => {
      const clients = await Promise.all(
        Array.from({ length: 6 }, async () => {
          const { client } = await secureStream(hurried);
          client.send(exchange);
          expect((await client.element()).name).toBe('challenge');
          return client;
        }),
      );
      const strangers = async (): Promise<number> =>
        (await Scrape.of(hurried.port('http'))).sum('meerkat_connections_unauthenticated');
      await Promise.all(clients.map(end));
      await eventually(async () => (await strangers()) === 0, 'nobody is on the way in');
      expect(ends.lines('sm_remove_connection')).toEqual([]);
      expect(hurried.log).not.toContain('"level":"error"');
    },
  );
});
