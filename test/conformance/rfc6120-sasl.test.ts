import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Element } from '../../src/xml/element.ts';
import { TestClient } from '../helpers/client.ts';
import { base64, plusOptions, Scram, type ScramOptions, scram } from '../helpers/scram.ts';
import { TestServer } from '../helpers/server.ts';
import { auth, header, NS_SASL, NS_TLS, plain } from '../helpers/xml.ts';

/** RFC 6120 §6: SASL; threats T22, T25, T26, T34 over the wire. */

const Port = { PLAIN: 0, STARTTLS: 1 } as const;
const SHAS = ['1', '224', '256', '384', '512'];
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    users: ['romeo', 'juliet', 'a,b=c', 'romeo@montague.example'],
    hosts: ['localhost', 'montague.example'],
    moreC2s: ['[listen.c2s.tls]\n mode = "starttls"'],
    toml: '[modules.mod_presence]',
  });
});

afterAll(() => server.stop());

async function opened(port: number = Port.PLAIN, changes = {}): Promise<TestClient> {
  const client = await TestClient.connect(server.port('c2s', port));
  client.send(header(changes));
  await client.expect('open');
  await client.element();
  return client;
}

/** A stream inside TLS, and its features. */
async function encrypted(options = {}): Promise<{ client: TestClient; features: Element }> {
  const client = await opened(Port.STARTTLS);
  client.send(`<starttls xmlns='${NS_TLS}'/>`);
  await client.element();
  await client.startTls(options);
  client.send(header());
  await client.expect('open');
  return { client, features: await client.element() };
}

function condition(failure: Element): string {
  expect([failure.ns, failure.name]).toEqual([NS_SASL, 'failure']);
  return failure.elements()[0]!.name;
}

/** Goes on after success and binds: what was authenticated is what counts. */
async function boundJid(client: TestClient, to = 'localhost'): Promise<string> {
  client.send(header({ to }));
  await client.expect('open');
  await client.element();
  return await client.bind('r');
}

describe('mechanisms', () => {
  it.each(SHAS)('SCRAM-SHA-%s lets in who knows the password, and nobody else', async (bits) => {
    const mechanism = `SCRAM-SHA-${bits}`;
    const client = await opened();
    expect(condition(await scram(client, 'romeo', 'wrong', { mechanism }))).toBe('not-authorized');
    expect((await scram(client, 'romeo', 'secret', { mechanism })).name).toBe('success');
    expect(await boundJid(client)).toBe('romeo@localhost/r');
    client.cut();
  });

  it.each(
    SHAS.flatMap((bits) => [
      [`SCRAM-SHA-${bits}-PLUS`, 'tls-exporter'] as const,
      [`SCRAM-SHA-${bits}-PLUS`, 'tls-server-end-point'] as const,
    ]),
  )('%s binds to the channel by %s', async (mechanism, type) => {
    const { client } = await encrypted();
    const options = plusOptions(client, mechanism, type);
    const wrong = { ...options, binding: Buffer.alloc(32) };
    expect(condition(await scram(client, 'romeo', 'secret', wrong))).toBe('not-authorized');
    expect((await scram(client, 'romeo', 'secret', options)).name).toBe('success');
    expect(await boundJid(client)).toBe('romeo@localhost/r');
    client.cut();
  });

  it('PLAIN lets in who knows the password', async () => {
    const client = await opened();
    client.send(plain('romeo'));
    expect((await client.element()).name).toBe('success');
    expect(await boundJid(client)).toBe('romeo@localhost/r');
    client.cut();
  });

  it('may ask for the response that <auth/> did not bring (§6.4.2)', async () => {
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-1']) {
      const client = await opened();
      client.send(auth(mechanism));
      const challenge = await client.element();
      expect([challenge.name, challenge.text()]).toEqual(['challenge', '']);
      const exchange = new Scram('romeo', 'secret');
      const data = mechanism === 'PLAIN' ? '\0romeo\0secret' : exchange.first;
      client.send(`<response xmlns='${NS_SASL}'>${base64(data)}</response>`);
      const answer = await client.element();
      if (mechanism === 'PLAIN') expect(answer.name).toBe('success');
      else {
        const final = exchange.final(Buffer.from(answer.text(), 'base64').toString());
        client.send(`<response xmlns='${NS_SASL}'>${base64(final)}</response>`);
        expect((await client.element()).name).toBe('success');
      }
      client.cut();
    }
  });

  it('takes user names with commas and equals signs (RFC 5802 §5.1)', async () => {
    const client = await opened();
    expect((await scram(client, 'a,b=c')).name).toBe('success');
    client.cut();
  });

  it('logs in to the domain that the stream was opened to', async () => {
    const client = await opened(Port.PLAIN, { to: 'montague.example' });
    client.send(plain('romeo'));
    await client.element();
    expect(await boundJid(client, 'montague.example')).toBe('romeo@montague.example/r');
    const juliet = await opened(Port.PLAIN, { to: 'montague.example' });
    juliet.send(plain('juliet'));
    expect(condition(await juliet.element())).toBe('not-authorized');
    client.cut();
    juliet.cut();
  });
});

describe('failures (§6.5)', () => {
  const FIRST = 'n,,n=romeo,r=abc';
  it.each<[string, string, string]>([
    ['a mechanism that does not exist', auth('X-NONE', '='), 'invalid-mechanism'],
    ['no mechanism', `<auth xmlns='${NS_SASL}'>=</auth>`, 'invalid-mechanism'],
    ['a mechanism in lower case', auth('plain', base64('\0romeo\0secret')), 'invalid-mechanism'],
    ['a -PLUS mechanism without TLS', auth('SCRAM-SHA-1-PLUS', base64(FIRST)), 'invalid-mechanism'],
    ['EXTERNAL, which is not offered', auth('EXTERNAL', '='), 'invalid-mechanism'],
    ['ANONYMOUS, which is not configured', auth('ANONYMOUS'), 'invalid-mechanism'],
    ['what is no base64 (T34)', auth('PLAIN', '@@@@'), 'incorrect-encoding'],
    ['base64 with white space', auth('PLAIN', ` ${base64('\0romeo\0secret')} `), 'incorrect-encoding'],
    ['base64 without its padding', auth('PLAIN', 'AHI'), 'incorrect-encoding'],
    ['base64 with too much padding', auth('PLAIN', 'AHI=='), 'incorrect-encoding'],
    ['base64url', auth('PLAIN', '-_-_'), 'incorrect-encoding'],
    ['base64 in UTF-16', auth('PLAIN', 'A\u0410\u0410='), 'incorrect-encoding'],
    ['an element in place of data', auth('PLAIN', '<a/>'), 'malformed-request'],
    ['one = for data of no length', auth('PLAIN', '='), 'malformed-request'],
    ['PLAIN of one part', auth('PLAIN', base64('romeo')), 'malformed-request'],
    ['PLAIN of four parts', auth('PLAIN', base64('\0romeo\0secret\0')), 'malformed-request'],
    ['PLAIN without a user', auth('PLAIN', base64('\0\0secret')), 'malformed-request'],
    [
      'PLAIN in UTF-16',
      auth('PLAIN', Buffer.from('\0romeo\0secret', 'utf16le').toString('base64')),
      'malformed-request',
    ],
    [
      'PLAIN in broken UTF-8',
      auth('PLAIN', Buffer.from([0, 0xff, 0xfe, 0, 65]).toString('base64')),
      'malformed-request',
    ],
    ['PLAIN with an empty password', plain('romeo', ''), 'not-authorized'],
    ['PLAIN with a wrong password', plain('romeo', 'wrong'), 'not-authorized'],
    ['PLAIN of an unknown user', plain('tybalt'), 'not-authorized'],
    ['PLAIN of a name that is none', plain(' romeo'), 'not-authorized'],
    ['PLAIN of a user of another domain', plain('romeo@montague.example'), 'not-authorized'],
    ['SCRAM that is none', auth('SCRAM-SHA-1', base64('hello')), 'malformed-request'],
    ['SCRAM without a nonce', auth('SCRAM-SHA-1', base64('n,,n=romeo')), 'malformed-request'],
    ['SCRAM with an empty nonce', auth('SCRAM-SHA-1', base64('n,,n=romeo,r=')), 'malformed-request'],
    ['SCRAM without a name', auth('SCRAM-SHA-1', base64('n,,n=,r=abc')), 'malformed-request'],
    ['SCRAM with a bad escape', auth('SCRAM-SHA-1', base64('n,,n=a=2b,r=abc')), 'malformed-request'],
    ['SCRAM with NUL', auth('SCRAM-SHA-1', base64('n,,n=ro\0meo,r=abc')), 'malformed-request'],
    [
      'SCRAM with an unknown mandatory extension (T26)',
      auth('SCRAM-SHA-1', base64('n,,m=1,n=romeo,r=abc')),
      'not-authorized',
    ],
    ['SCRAM of a name that is none', auth('SCRAM-SHA-1', base64('n,,n= romeo,r=abc')), 'not-authorized'],
    [
      'SCRAM that binds without -PLUS (T26)',
      auth('SCRAM-SHA-1', base64('p=tls-exporter,,n=romeo,r=abc')),
      'not-authorized',
    ],
    ['an abort (§6.4.4)', `<abort xmlns='${NS_SASL}'/>`, 'aborted'],
  ])('%s', async (_what, text, expected) => {
    const client = await opened();
    client.send(text);
    expect(condition(await client.element())).toBe(expected);
    // The failure concerns this attempt alone.
    client.send(plain('romeo'));
    expect((await client.element()).name).toBe('success');
    client.cut();
  });

  it('an abort in the middle of an exchange (§6.4.4)', async () => {
    const client = await opened();
    client.send(auth('SCRAM-SHA-1', base64(FIRST)));
    expect((await client.element()).name).toBe('challenge');
    client.send(`<abort xmlns='${NS_SASL}'/>`);
    expect(condition(await client.element())).toBe('aborted');
    expect((await scram(client, 'romeo')).name).toBe('success');
    client.cut();
  });

  it('a response that is no base64, or none, in the middle of an exchange', async () => {
    const client = await opened();
    for (const [text, expected] of [
      ['!', 'incorrect-encoding'],
      ['', 'malformed-request'],
      [base64('nothing'), 'malformed-request'],
    ] as const) {
      client.send(auth('SCRAM-SHA-1', base64(FIRST)));
      expect((await client.element()).name).toBe('challenge');
      client.send(`<response xmlns='${NS_SASL}'>${text}</response>`);
      expect(condition(await client.element())).toBe(expected);
    }
    client.cut();
  });

  it('more than 8 KiB of data end the stream (T34)', async () => {
    const client = await opened();
    client.send(auth('PLAIN', 'A'.repeat(1_000_000)));
    expect(await client.streamError()).toBe('policy-violation');
  });

  it('other SASL elements end the stream', async () => {
    for (const text of ['<response/>', '<success/>', '<challenge/>', '<hello/>']) {
      const client = await opened();
      client.send(text.replace('/', ` xmlns='${NS_SASL}'/`));
      expect(await client.streamError()).toBe('policy-violation');
    }
    const client = await opened();
    client.send(auth('SCRAM-SHA-1', base64(FIRST)));
    await client.element();
    client.send(plain('romeo'));
    expect(await client.streamError()).toBe('policy-violation');
  });

  it('three are answered, and the fourth closes the stream with policy-violation (§6.4.5)', async () => {
    const client = await opened();
    for (let i = 0; i < 3; i++) {
      client.send(plain('romeo', 'wrong'));
      expect(condition(await client.element())).toBe('not-authorized');
    }
    client.send(plain('romeo', 'wrong'));
    expect(condition(await client.element())).toBe('not-authorized');
    expect(await client.streamError()).toBe('policy-violation');
  });

  it('after three, the right password still counts', async () => {
    const client = await opened();
    for (let i = 0; i < 3; i++) {
      client.send(`<abort xmlns='${NS_SASL}'/>`);
      await client.element();
    }
    client.send(plain('romeo'));
    expect((await client.element()).name).toBe('success');
    client.cut();
  });
});

describe('who is authenticated is who gets the session (T22)', () => {
  const AUTHZIDS = [
    'juliet@localhost',
    'juliet',
    'romeo@localhost/orchard',
    'romeo@montague.example',
    'romeo@LOCALHOST/',
    '@localhost',
    'localhost',
    'x'.repeat(5_000),
  ];

  it.each(AUTHZIDS.map((authzid) => [authzid.slice(0, 30), authzid]))(
    'PLAIN as %s',
    async (_short, authzid) => {
      const client = await opened();
      client.send(plain('romeo', 'secret', authzid));
      expect(condition(await client.element())).toBe('invalid-authzid');
      client.cut();
    },
  );

  it.each(AUTHZIDS.map((authzid) => [authzid.slice(0, 30), authzid]))(
    'SCRAM as %s',
    async (_short, authzid) => {
      const client = await opened();
      const result = await scram(client, 'romeo', 'secret', { gs2Header: `n,a=${authzid},` });
      expect(condition(result)).toBe('invalid-authzid');
      client.cut();
    },
  );

  it.each(['', 'romeo@localhost', 'ROMEO@localhost', 'romeo@LocalHost'])(
    'the own account may be named: %j',
    async (authzid) => {
      const client = await opened();
      client.send(plain('romeo', 'secret', authzid));
      expect((await client.element()).name).toBe('success');
      expect(await boundJid(client)).toBe('romeo@localhost/r');
      const other = await opened();
      const gs2Header = authzid === '' ? 'n,,' : `n,a=${authzid},`;
      expect((await scram(other, 'romeo', 'secret', { gs2Header })).name).toBe('success');
      client.cut();
      other.cut();
    },
  );

  it.each([
    ['juliet@localhost', 'invalid-from'],
    ['romeo@montague.example', 'invalid-from'],
    ['not@an@address', 'invalid-from'],
  ])('a stream opened from %s ends with %s when romeo logs in (§6.4.6)', async (from, expected) => {
    const client = await opened(Port.PLAIN, { from });
    client.send(plain('romeo'));
    expect(await client.streamError()).toBe(expected);
  });

  it.each(['romeo@localhost', 'ROMEO@localhost', 'romeo@localhost/orchard'])(
    'a stream opened from %s goes on',
    async (from) => {
      const client = await opened(Port.PLAIN, { from });
      client.send(plain('romeo'));
      expect((await client.element()).name).toBe('success');
      client.send(header({ from }));
      expect((await client.expect('open')).attributes.get('to')).toBe(from.split('/')[0]);
      client.cut();
    },
  );

  it('a new stream from somebody else after login ends with invalid-from', async () => {
    const client = await opened();
    client.send(plain('romeo'));
    await client.element();
    client.send(header({ from: 'juliet@localhost' }));
    await client.expect('open');
    expect(await client.streamError()).toBe('invalid-from');
  });
});

describe('whether an account exists stays unknown (T25)', () => {
  async function challengeOf(user: string, mechanism = 'SCRAM-SHA-256'): Promise<Map<string, string>> {
    const client = await opened();
    client.send(auth(mechanism, base64(`n,,n=${user},r=abc`)));
    const challenge = await client.element();
    client.cut();
    const text = Buffer.from(challenge.text(), 'base64').toString();
    return new Map(text.split(',').map((a) => [a[0]!, a.slice(2)]));
  }

  it('an invented user gets a challenge of the same form, with a salt of its own that stays the same', async () => {
    const [real, invented, again, other] = await Promise.all([
      challengeOf('romeo'),
      challengeOf('tybalt'),
      challengeOf('tybalt'),
      challengeOf('paris'),
    ]);
    expect([...invented.keys()]).toEqual([...real.keys()]);
    expect(Buffer.from(invented.get('s')!, 'base64').length).toBe(
      Buffer.from(real.get('s')!, 'base64').length,
    );
    expect(again.get('s')).toBe(invented.get('s'));
    expect(other.get('s')).not.toBe(invented.get('s'));
    expect(invented.get('h')).toBe(real.get('h'));
  });

  it('the failure of an invented user is that of a wrong password, to the byte', async () => {
    const client = await opened();
    const failures: string[] = [];
    client.socket.on('data', (data) => failures.push(data.toString()));
    for (const [user, password] of [
      ['romeo', 'wrong'],
      ['tybalt', 'secret'],
    ] as const) {
      expect(condition(await scram(client, user, password))).toBe('not-authorized');
    }
    const texts = failures.filter((text) => text.includes('<failure'));
    expect(texts[0]).toBe(texts[1]);
    client.cut();
  });
});

describe('nobody in the middle can make the login weaker (T26)', () => {
  it.each<[string, ScramOptions, string]>([
    ['the flag y while -PLUS was offered', { gs2Header: 'y,,' }, 'not-authorized'],
    [
      'a channel binding that was not offered',
      { mechanism: 'SCRAM-SHA-1-PLUS', gs2Header: 'p=tls-unique,,', binding: Buffer.alloc(32) },
      'not-authorized',
    ],
    ['-PLUS without a binding', { mechanism: 'SCRAM-SHA-1-PLUS', gs2Header: 'n,,' }, 'not-authorized'],
    ['another header in c=', { final: (text) => text.replace(/c=[^,]*/, 'c=eSws') }, 'not-authorized'],
    ['a nonce that is not the server’s', { final: (text) => `${text}x` }, 'not-authorized'],
    [
      'the client’s part of the nonce alone',
      { final: (text) => text.replace(/r=.*/, 'r=fyko+d2lbbFgONRv9qkxdawL') },
      'not-authorized',
    ],
    ['no proof', { message: (text) => text.replace(/,p=.*/, '') }, 'malformed-request'],
    ['a short proof', { message: (text) => text.replace(/,p=.*/, ',p=AAAA') }, 'not-authorized'],
    ['a mandatory extension', { final: (text) => `m=1,${text}` }, 'not-authorized'],
  ])('%s', async (_what, options, expected) => {
    const { client } = await encrypted();
    expect(condition(await scram(client, 'romeo', 'secret', options))).toBe(expected);
    client.cut();
  });

  it('the flag y is right where no -PLUS was offered', async () => {
    const client = await opened();
    expect((await scram(client, 'romeo', 'secret', { gs2Header: 'y,,' })).name).toBe('success');
    client.cut();
  });

  it('a binding that does not fit is no attempt at a password: there are twelve of those, and still all of these', async () => {
    const { client } = await encrypted();
    for (let i = 0; i < 12; i++) {
      const options =
        i % 2 === 0
          ? { mechanism: 'SCRAM-SHA-1-PLUS', gs2Header: 'p=tls-unique,,', binding: Buffer.alloc(32) }
          : { gs2Header: 'y,,' };
      expect(condition(await scram(client, 'romeo', 'secret', options))).toBe('not-authorized');
    }
    for (let i = 0; i < 3; i++)
      expect(condition(await scram(client, 'romeo', 'wrong'))).toBe('not-authorized');
    expect((await scram(client, 'romeo', 'secret')).name).toBe('success');
    client.cut();
  });

  it('the thirteenth closes the stream', async () => {
    const { client } = await encrypted();
    for (let i = 0; i < 13; i++) await scram(client, 'romeo', 'secret', { gs2Header: 'y,,' });
    expect(await client.streamError()).toBe('policy-violation');
  });

  it('a final message cannot be used on another connection', async () => {
    const first = await opened();
    const exchange = new Scram('romeo', 'secret');
    first.send(auth('SCRAM-SHA-1', base64(exchange.first)));
    const final = exchange.final(Buffer.from((await first.element()).text(), 'base64').toString());
    const second = await opened();
    second.send(auth('SCRAM-SHA-1', base64(exchange.first)));
    await second.element();
    second.send(`<response xmlns='${NS_SASL}'>${base64(final)}</response>`);
    expect(condition(await second.element())).toBe('not-authorized');
    first.cut();
    second.cut();
  });

  it('challenges carry the hash of what was offered (XEP-0474)', async () => {
    const { client, features } = await encrypted();
    const list = (name: string, child: (e: Element) => string): string =>
      features
        .elements()
        .find((e) => e.name === name)!
        .elements()
        .map(child)
        .sort()
        .join('\x1e');
    const offered = `${list('mechanisms', (e) => e.text())}\x1f${list('sasl-channel-binding', (e) => e.attribute('type')!)}`;
    client.send(auth('SCRAM-SHA-256', base64('n,,n=romeo,r=abc')));
    const text = Buffer.from((await client.element()).text(), 'base64').toString();
    expect(text.split(',').at(-1)).toBe(`h=${createHash('sha256').update(offered).digest('base64')}`);
    client.cut();
  });
});

describe('channel bindings (XEP-0440)', () => {
  it.each([
    ['TLSv1.3', ['tls-exporter', 'tls-server-end-point']],
    ['TLSv1.2', ['tls-server-end-point']],
  ] as const)('over %s are announced before the mechanisms', async (version, expected) => {
    const { client, features } = await encrypted({ minVersion: version, maxVersion: version });
    const [binding, mechanisms] = features.elements();
    expect([binding!.ns, binding!.name]).toEqual(['urn:xmpp:sasl-cb:0', 'sasl-channel-binding']);
    expect(binding!.elements().map((e) => e.attribute('type'))).toEqual(expected);
    expect(mechanisms!.elements().map((e) => e.text())).toContain('SCRAM-SHA-512-PLUS');
    const options = plusOptions(client, 'SCRAM-SHA-512-PLUS', 'tls-server-end-point');
    expect((await scram(client, 'romeo', 'secret', options)).name).toBe('success');
    client.cut();
  });

  it('are not announced without TLS', async () => {
    const client = await TestClient.connect(server.port('c2s', Port.STARTTLS));
    const features = await client.openStream('localhost');
    expect(features.elements().map((e) => e.name)).not.toContain('sasl-channel-binding');
    expect(features.elements().flatMap((e) => e.elements().map((m) => m.text()))).not.toContain(
      'SCRAM-SHA-1-PLUS',
    );
    client.cut();
  });
});

describe('what comes before login', () => {
  it.each<[string, string, string]>([
    ['a message', "<message to='juliet@localhost'/>", 'not-authorized'],
    ['presence', '<presence/>', 'not-authorized'],
    ['an IQ', "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>", 'not-authorized'],
    ['a stanza of another namespace (T11)', "<message xmlns='jabber:server'/>", 'invalid-namespace'],
    ['an unknown element', "<hello xmlns='urn:hello'/>", 'unsupported-stanza-type'],
    [
      'compression, which is not offered (T08)',
      "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>",
      'unsupported-stanza-type',
    ],
    ['text', 'hello', 'bad-format'],
  ])('%s ends the stream with the right error (§4.9.3)', async (_what, text, expected) => {
    const client = await opened();
    client.send(text);
    expect(await client.streamError()).toBe(expected);
  });

  it('may be 64 KiB in all, however it is cut (docs/security.md)', async () => {
    const client = await opened();
    for (let i = 0; i < 70; i++) client.send(' '.repeat(1_000));
    expect(await client.streamError()).toBe('policy-violation');
  });
});
