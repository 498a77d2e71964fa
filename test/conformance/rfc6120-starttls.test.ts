import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Element } from '../../src/xml/element.ts';
import { TestCertificates } from '../helpers/certificates.ts';
import { TestClient } from '../helpers/client.ts';
import { TestServer } from '../helpers/server.ts';
import { auth, header, NS_TLS, plain } from '../helpers/xml.ts';

/** RFC 6120 §5: STARTTLS; XEP-0368: direct TLS. */

const STARTTLS = `<starttls xmlns='${NS_TLS}'/>`;
const Port = { OPTIONAL: 0, REQUIRED: 1, DIRECT: 2, PLAIN: 3 } as const;

const certificates = new TestCertificates();
let server: TestServer;

beforeAll(async () => {
  const [fallback, montague, capulet, idn] = await Promise.all([
    certificates.make('localhost'),
    certificates.make('montague.example'),
    certificates.make('any.capulet.example', ['*.capulet.example']),
    certificates.make('xn--mnchen-3ya.example'),
  ]);
  const listener = (mode: string | undefined): string => `
    [[listen.c2s]]
      port = 0
      ip_address = "127.0.0.1"
      shaper = "none"
      ${mode === undefined ? '' : tls(mode)}`;
  const tls = (mode: string): string => `
      [listen.c2s.tls]
        mode = "${mode}"
        certfile = "${fallback.certfile}"
        keyfile = "${fallback.keyfile}"
        [[listen.c2s.tls.certificate]]
          domain = "montague.example"
          certfile = "${montague.certfile}"
          keyfile = "${montague.keyfile}"
        [[listen.c2s.tls.certificate]]
          domain = "*.capulet.example"
          certfile = "${capulet.certfile}"
          keyfile = "${capulet.keyfile}"
        [[listen.c2s.tls.certificate]]
          domain = "münchen.example"
          certfile = "${idn.certfile}"
          keyfile = "${idn.keyfile}"`;
  server = await TestServer.start({
    users: ['romeo', 'romeo@montague.example', 'juliet@home.capulet.example'],
    config: `
      [general]
        hosts = ["localhost", "montague.example", "home.capulet.example", "münchen.example"]
        loglevel = "warning"
        shards = 2
      ${listener('starttls')}
      ${listener('starttls_required')}
      ${listener('tls')}
      ${listener(undefined)}
      [storage]
        directory = "./data"
      [modules.mod_presence]`,
  });
});

afterAll(async () => {
  await server.stop();
  certificates.remove();
});

function names(features: Element): string[] {
  return features.elements().map(({ name }) => name);
}

function mechanisms(features: Element): string[] {
  const list = features.elements().find(({ name }) => name === 'mechanisms');
  return list?.elements().map((element) => element.text()) ?? [];
}

async function opened(port: number, to = 'localhost'): Promise<{ client: TestClient; features: Element }> {
  const client = await TestClient.connect(server.port('c2s', port));
  client.send(header({ to }));
  await client.expect('open');
  return { client, features: await client.element() };
}

async function encrypted(port: number, to = 'localhost', options: object = {}): Promise<TestClient> {
  const { client } = await opened(port, to);
  client.send(STARTTLS);
  const proceed = await client.element();
  expect([proceed.ns, proceed.name]).toEqual([NS_TLS, 'proceed']);
  await client.startTls(options);
  return client;
}

describe('a listener with optional STARTTLS', () => {
  it('offers it beside mechanisms that do not show the password (§5.3.1, §13.8.3)', async () => {
    const { client, features } = await opened(Port.OPTIONAL);
    expect(names(features)).toEqual(['starttls', 'mechanisms', 'limits']);
    expect(features.elements()[0]!.children).toEqual([]);
    expect(mechanisms(features)).toEqual([
      'SCRAM-SHA-512',
      'SCRAM-SHA-384',
      'SCRAM-SHA-256',
      'SCRAM-SHA-224',
      'SCRAM-SHA-1',
    ]);
    client.cut();
  });

  it('refuses PLAIN until then', async () => {
    const { client } = await opened(Port.OPTIONAL);
    client.send(plain('romeo'));
    const failure = await client.element();
    expect(failure.elements()[0]!.name).toBe('encryption-required');
    client.cut();
  });

  it('starts a new stream after TLS, with a new id and all mechanisms (§5.4.3.3)', async () => {
    const client = await TestClient.connect(server.port('c2s', Port.OPTIONAL));
    client.send(header());
    const before = (await client.expect('open')).attributes.get('id');
    await client.element();
    client.send(STARTTLS);
    await client.element();
    await client.startTls();
    client.send(header());
    const after = (await client.expect('open')).attributes.get('id');
    expect(after).not.toBe(before);
    const features = await client.element();
    expect(names(features)).toEqual(['sasl-channel-binding', 'mechanisms', 'limits']);
    expect(mechanisms(features)).toContain('PLAIN');
    expect(mechanisms(features)).toContain('SCRAM-SHA-1-PLUS');
    client.send(plain('romeo'));
    expect((await client.element()).name).toBe('success');
    client.send(header());
    await client.expect('open');
    await client.element();
    expect(await client.bind('tls')).toBe('romeo@localhost/tls');
    await client.close();
  });

  it('refuses it once TLS is there, and counts the attempt like a failed login', async () => {
    const client = await encrypted(Port.OPTIONAL);
    client.send(header());
    await client.expect('open');
    await client.element();
    for (let i = 0; i < 3; i++) {
      client.send(STARTTLS);
      const answer = await client.element();
      expect([answer.name, answer.attribute('type')]).toEqual(['starttls', 'error']);
      const error = answer.elements()[0]!;
      expect(error.elements().map(({ name }) => name)).toEqual(['bad-request', 'text']);
      expect(error.elements()[1]!.text()).toBe('bad_config');
    }
    client.send(plain('romeo', 'wrong'));
    await client.element();
    expect(await client.streamError()).toBe('policy-violation');
  });

  it('ends the stream when the namespace is wrong', async () => {
    const { client } = await opened(Port.OPTIONAL);
    client.send("<starttls xmlns='urn:wrong'/>");
    expect(await client.streamError()).toBe('invalid-namespace');
  });

  it('wants a whole opening tag after TLS, and nothing else', async () => {
    const client = await encrypted(Port.OPTIONAL);
    client.send(plain('romeo'));
    await client.expect('open');
    expect(await client.streamError()).toBe('invalid-namespace');
  });
});

describe('a listener that demands STARTTLS', () => {
  it('offers nothing else (§5.3.1)', async () => {
    const { client, features } = await opened(Port.REQUIRED);
    expect(names(features)).toEqual(['starttls']);
    expect(features.elements()[0]!.child('required')).toBeDefined();
    client.cut();
  });

  it.each([
    ['PLAIN', plain('romeo')],
    ['SCRAM', auth('SCRAM-SHA-1', 'bixhLG49cm9tZW8scj14')],
    ['a mechanism that does not exist', auth('NONE')],
  ])('answers %s with encryption-required (§6.5.4; T15)', async (_what, text) => {
    const { client } = await opened(Port.REQUIRED);
    client.send(text);
    const failure = await client.element();
    expect(failure.name).toBe('failure');
    expect(failure.elements()[0]!.name).toBe('encryption-required');
    expect(failure.childText('text')).toBe('Use of STARTTLS required');
    client.cut();
  });

  it('lets a client in after it', async () => {
    const client = await encrypted(Port.REQUIRED);
    client.send(header());
    await client.expect('open');
    expect(names(await client.element())).not.toContain('starttls');
    client.send(plain('romeo'));
    expect((await client.element()).name).toBe('success');
    client.cut();
  });

  it('closes the stream of a client that registers in the clear (T15)', async () => {
    const { client } = await opened(Port.REQUIRED);
    client.send("<iq type='get' id='r'><query xmlns='jabber:iq:register'/></iq>");
    expect(await client.streamError()).toBe('policy-violation');
  });
});

describe('a listener without TLS', () => {
  it('does not offer it, and answers failure and the end (§5.4.2.2)', async () => {
    const { client, features } = await opened(Port.PLAIN);
    expect(names(features)).not.toContain('starttls');
    client.send(STARTTLS);
    const failure = await client.element();
    expect([failure.ns, failure.name]).toEqual([NS_TLS, 'failure']);
    await client.expect('close');
    await client.expect('disconnected');
  });
});

describe('a listener with direct TLS (XEP-0368)', () => {
  it('speaks xmpp-client by ALPN, and offers no STARTTLS', async () => {
    const client = await TestClient.connect(server.port('c2s', Port.DIRECT));
    const secure = await client.startTls({ ALPNProtocols: ['xmpp-client'] });
    expect(secure.alpnProtocol).toBe('xmpp-client');
    client.send(header());
    await client.expect('open');
    expect(names(await client.element())).toEqual(['sasl-channel-binding', 'mechanisms', 'limits']);
    client.send(plain('romeo'));
    expect((await client.element()).name).toBe('success');
    client.cut();
  });

  it('takes clients that say nothing of ALPN', async () => {
    const client = await TestClient.connectTls(server.port('c2s', Port.DIRECT));
    client.send(header());
    await client.expect('open');
    client.cut();
  });

  it('refuses other protocols with an alert (RFC 7301 §3.2)', async () => {
    const client = await TestClient.connect(server.port('c2s', Port.DIRECT));
    await expect(client.startTls({ ALPNProtocols: ['http/1.1', 'xmpp-server'] })).rejects.toThrow(
      /no.application.protocol/i,
    );
  });

  it('closes a plain client without a word, and logs no error', async () => {
    const before = server.log;
    const client = await TestClient.connect(server.port('c2s', Port.DIRECT));
    client.send(header());
    let heard = '';
    client.socket.removeAllListeners('data');
    client.socket.on('data', (data) => {
      heard += data.toString('latin1');
    });
    await client.expect('disconnected');
    // An alert record at most (0x15), no XMPP.
    expect(heard).not.toContain('stream');
    expect(server.log).toBe(before);
  });
});

describe('versions of TLS (RFC 8996)', () => {
  it.each([
    ['TLSv1.2', Port.OPTIONAL],
    ['TLSv1.3', Port.OPTIONAL],
  ] as const)('%s works by STARTTLS', async (version, port) => {
    const client = await encrypted(port, 'localhost', { minVersion: version, maxVersion: version });
    client.send(header());
    await client.expect('open');
    client.cut();
  });

  it.each([
    ['TLSv1.2', Port.DIRECT],
    ['TLSv1.3', Port.DIRECT],
  ] as const)('%s works directly', async (version, port) => {
    const client = await TestClient.connectTls(server.port('c2s', port), {
      minVersion: version,
      maxVersion: version,
    });
    client.send(header());
    await client.expect('open');
    client.cut();
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('%s fails', async (version) => {
    const socket = connectTls({
      port: server.port('c2s', Port.DIRECT),
      rejectUnauthorized: false,
      minVersion: version,
      maxVersion: version,
      ciphers: 'DEFAULT:@SECLEVEL=0',
    });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toMatch(/protocol version|unsupported protocol|alert/i);
  });
});

describe('the certificate (RFC 6120 §13.7.1.2)', () => {
  async function subject(port: number, options: object, to?: string): Promise<string> {
    const client =
      port === Port.DIRECT
        ? await TestClient.connectTls(server.port('c2s', port), options)
        : await encrypted(port, to, options);
    const secure = client.socket as import('node:tls').TLSSocket;
    const { CN } = secure.getPeerCertificate().subject;
    client.cut();
    return String(CN);
  }

  it.each([
    ['montague.example', 'montague.example'],
    ['MONTAGUE.example', 'montague.example'],
    ['home.capulet.example', 'any.capulet.example'],
    ['deep.home.capulet.example', 'localhost'],
    ['xn--mnchen-3ya.example', 'xn--mnchen-3ya.example'],
    ['localhost', 'localhost'],
    ['unknown.example', 'localhost'],
  ])('for the name %s is that of %s', async (servername, expected) => {
    expect(await subject(Port.DIRECT, { servername })).toBe(expected);
    expect(await subject(Port.OPTIONAL, { servername })).toBe(expected);
  });

  it('for a client that names none is the one of the domain that its stream was opened to', async () => {
    const servername = '';
    expect(await subject(Port.DIRECT, { servername })).toBe('localhost');
    expect(await subject(Port.OPTIONAL, { servername }, 'montague.example')).toBe('montague.example');
    expect(await subject(Port.OPTIONAL, { servername }, 'home.capulet.example')).toBe('any.capulet.example');
  });
});
