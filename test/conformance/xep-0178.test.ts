import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccountService } from '../helpers/account-service.ts';
import { Authority, stamp } from '../helpers/authority.ts';
import { type TestCertificate, TestCertificates } from '../helpers/certificates.ts';
import { TestClient } from '../helpers/client.ts';
import { requestToken, tokenOf } from '../helpers/fast.ts';
import { answerTo, opened, tryExternal } from '../helpers/login.ts';
import { agent, authenticate, bind2, condition2, NS_SASL2, secureStream } from '../helpers/sasl2.ts';
import { TestServer } from '../helpers/server.ts';
import { auth, header, NS_SASL, NS_TLS, plain } from '../helpers/xml.ts';

/** XEP-0178: SASL EXTERNAL with certificates of clients, made by an authority of the test's own. */

const HOST = 'pki.example';
const STRICT = 0;
const LENIENT = 1;
const SELF_SIGNED = 2;
const STARTTLS = 3;
const UNASKED = 4;
const REVOKING = 5;

let authority: Authority;
let stranger: Authority;
let service: AccountService;
let server: TestServer;
const certificates = new TestCertificates();

/** By what they are for. */
const issued = new Map<string, TestCertificate>();

function tlsOf(name: string): ConnectionOptions {
  const { cert, key } = issued.get(name)!;
  return { cert, key, ALPNProtocols: ['xmpp-client'] };
}

function login(name: string, authzid?: string, listener = STRICT, host = HOST): Promise<string> {
  return tryExternal(server.port('c2s', listener), host, tlsOf(name), authzid);
}

beforeAll(async () => {
  authority = new Authority();
  stranger = new Authority('Another CA');
  service = await AccountService.start();
  const make = (name: string, subject: Parameters<Authority['issue']>[0], by = authority): void => {
    issued.set(name, by.issue(subject));
  };
  make('romeo', { xmppAddresses: [`romeo@${HOST}`], subject: '/CN=somebody' });
  make('capitals', { xmppAddresses: [`Juliet@PKI.example`] });
  make('two', { xmppAddresses: [`romeo@${HOST}`, `juliet@${HOST}`] });
  make('foreign', { xmppAddresses: ['romeo@other.example'] });
  make('resource', { xmppAddresses: [`romeo@${HOST}/orchard`] });
  make('domain', { xmppAddresses: [HOST] });
  make('common name', { subject: '/O=Verona/CN=romeo' });
  make('two common names', { subject: '/CN=romeo/CN=juliet' });
  make('hidden common name', { subject: '/OU=CN=admin\\/CN=admin, CN=admin' });
  make('other names', {
    subject: '/O=Verona',
    altNames: [
      `DNS.1 = romeo.${HOST}`,
      `email.1 = romeo@${HOST}`,
      `URI.1 = xmpp:romeo@${HOST}`,
      `otherName.1 = 1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-client.${HOST}`,
    ],
  });
  make('expired', { xmppAddresses: [`romeo@${HOST}`], from: stamp(-9), until: stamp(-2) });
  make('future', { xmppAddresses: [`romeo@${HOST}`], from: stamp(2), until: stamp(9) });
  make('critical', {
    xmppAddresses: [`romeo@${HOST}`],
    extensions: ['1.2.3.4.5.6.7 = critical,ASN1:UTF8String:what is this'],
  });
  make('server only', { xmppAddresses: [`romeo@${HOST}`], extensions: ['extendedKeyUsage = serverAuth'] });
  make('self-signed', { xmppAddresses: [`romeo@${HOST}`], isSelfSigned: true });
  make('self-signed and expired', {
    xmppAddresses: [`romeo@${HOST}`],
    isSelfSigned: true,
    from: stamp(-9),
    until: stamp(-2),
  });
  make('self-signed and critical', {
    xmppAddresses: [`romeo@${HOST}`],
    isSelfSigned: true,
    extensions: ['1.2.3.4.5.6.7 = critical,ASN1:UTF8String:what is this'],
  });
  make('of another authority', { xmppAddresses: [`romeo@${HOST}`] }, stranger);
  make('revoked', { xmppAddresses: [`romeo@${HOST}`] });
  authority.revoke(issued.get('revoked')!);
  const crl = authority.revocations();
  const own = await certificates.make(HOST);
  service.passwords.set('romeo@http.example', 'x');
  service.certificates.set(
    'known@http.example',
    `some text\n${issued.get('two')!.cert}\n${issued.get('common name')!.cert}`,
  );
  service.certificates.set('romeo@http.example', issued.get('two')!.cert);

  const listener = (mode: string, options: string): string => `
    [[listen.c2s]]
      port = 0
      ip_address = "127.0.0.1"
      shaper = "none"
      connections_per_second_per_address = "infinity"
      [listen.c2s.tls]
        mode = "${mode}"
        certfile = "${own.certfile}"
        keyfile = "${own.keyfile}"
        cacertfile = "${authority.certfile}"
        ${options}`;
  const host = (name: string, options: string): string => `
    [[host_config]]
      host = "${name}"
      [host_config.auth]
        sasl_mechanisms = ["external", "scram_sha1", "plain"]
        ${options}`;
  server = await TestServer.start({
    users: [`romeo@${HOST}`, 'romeo@internal.example'],
    config: `
      [general]
        hosts = ["${HOST}", "cn.example", "authid.example", "several.example", "internal.example", "http.example", "default.example", "badges.example"]
        loglevel = "debug"
        shards = 2
      ${listener('tls', 'verify_mode = "peer"')}
      ${listener('tls', 'verify_mode = "peer"\n disconnect_on_failure = false')}
      ${listener('tls', 'verify_mode = "selfsigned_peer"\n disconnect_on_failure = false')}
      ${listener('starttls', 'verify_mode = "peer"\n disconnect_on_failure = false')}
      ${listener('tls', '')}
      ${listener('tls', `verify_mode = "peer"\n crl_files = ["${crl}"]`)}
      [storage]
        directory = "./data"
      [outgoing_pools.http.auth]
        connection.host = "http://127.0.0.1:${service.port}"
      [modules.mod_presence]
      [modules.mod_sasl2]
      [modules.mod_bind2]
      [modules.mod_fast_auth_token]
      ${host(HOST, 'methods = ["pki", "internal"]')}
      ${host('cn.example', 'methods = ["pki"]\n sasl_external = ["common_name"]\n sasl_external_common_name.prefix = "m."\n sasl_external_common_name.suffix = ".v"')}
      ${host('authid.example', 'methods = ["pki"]\n sasl_external = ["auth_id"]')}
      ${host('several.example', 'methods = ["pki"]\n sasl_external = ["standard", "common_name"]')}
      ${host('internal.example', 'methods = ["internal"]')}
      ${host('http.example', 'methods = ["http"]\n password.format = "plain"\n sasl_external = ["auth_id"]')}
      ${host('badges.example', 'methods = ["pki"]\n sasl_external = ["standard", "module"]')}
        [host_config.modules.mod_badges]
          path = "${new URL('../fixtures/modules/mod-badges.ts', import.meta.url).pathname}"
      [[host_config]]
        host = "default.example"
        [host_config.auth]
          methods = ["pki", "internal"]`,
  });
});

afterAll(async () => {
  await server?.stop();
  await service?.stop();
  authority?.remove();
  stranger?.remove();
  certificates.remove();
});

async function mechanisms(listener: number, host: string, tls: ConnectionOptions): Promise<string[]> {
  const found = await opened(server.port('c2s', listener), host, tls);
  found.client.cut();
  return found.mechanisms;
}

describe('RFC 6120 §6.3.4: EXTERNAL is offered', () => {
  it('where the client showed a certificate that is accepted, and first', async () => {
    expect(await mechanisms(STRICT, HOST, tlsOf('romeo'))).toEqual(['EXTERNAL', 'SCRAM-SHA-1', 'PLAIN']);
  });

  it.each<[string, number, string, ConnectionOptions | string]>([
    ['without a certificate', LENIENT, HOST, {}],
    ['with one of another authority', LENIENT, HOST, 'of another authority'],
    ['with one that nobody asked for', UNASKED, HOST, 'romeo'],
    ['where no method takes certificates', STRICT, 'internal.example', 'romeo'],
    ['where the operator has not named the mechanism', STRICT, 'default.example', 'romeo'],
  ])('not %s; trying all the same fails, and another mechanism works', async (_name, listener, host, tls) => {
    const options = typeof tls === 'string' ? tlsOf(tls) : tls;
    const { client, mechanisms: offered } = await opened(server.port('c2s', listener), host, options);
    expect(offered).not.toContain('EXTERNAL');
    expect(await answerTo(client, auth('EXTERNAL', '='))).toBe('invalid-mechanism');
    if (host !== 'default.example') expect(await answerTo(client, plain('romeo'))).toBe('success');
    client.cut();
  });

  it('after STARTTLS, not before', async () => {
    const client = await TestClient.connect(server.port('c2s', STARTTLS));
    client.send(header({ to: HOST }));
    await client.expect('open');
    const before = await client.element();
    expect(before.child('mechanisms', NS_SASL)?.text() ?? '').not.toContain('EXTERNAL');
    client.send(`<starttls xmlns='${NS_TLS}'/>`);
    expect((await client.element()).name).toBe('proceed');
    await client.startTls(tlsOf('romeo'));
    client.send(header({ to: HOST }));
    await client.expect('open');
    const list = (await client.element()).child('mechanisms', NS_SASL)!;
    expect(list.elements()[0]!.text()).toBe('EXTERNAL');
    expect(await answerTo(client, auth('EXTERNAL', '='))).toBe('success');
    client.cut();
  });
});

describe('§2, by the addresses in the certificate', () => {
  it('one address, no authorization identity: that one', async () => {
    expect(await login('romeo')).toBe(`romeo@${HOST}/r`);
    expect(await login('capitals')).toBe(`juliet@${HOST}/r`);
  });

  it('one address and an authorization identity: its own is no harm, any other is invalid', async () => {
    expect(await login('romeo', `romeo@${HOST}`)).toBe(`romeo@${HOST}/r`);
    expect(await login('romeo', `juliet@${HOST}`)).toBe('invalid-authzid');
    expect(await login('romeo', `romeo@${HOST}/orchard`)).toBe('invalid-authzid');
    expect(await login('romeo', 'romeo@other.example')).toBe('invalid-authzid');
    expect(await login('romeo', 'romeo')).toBe('invalid-authzid');
    expect(await login('romeo', 'x'.repeat(5000))).toBe('invalid-authzid');
  });

  it('several addresses: an authorization identity chooses, and must be there', async () => {
    expect(await login('two', `juliet@${HOST}`)).toBe(`juliet@${HOST}/r`);
    expect(await login('two', `romeo@${HOST}`)).toBe(`romeo@${HOST}/r`);
    expect(await login('two')).toBe('invalid-authzid');
    expect(await login('two', `nurse@${HOST}`)).toBe('invalid-authzid');
  });

  it('no address of an account here: not authorized', async () => {
    for (const name of ['foreign', 'resource', 'domain', 'common name', 'other names'])
      expect(await login(name), name).toBe('not-authorized');
    // An address of another server stays one, whoever it is said to be.
    expect(await login('foreign', 'romeo@other.example')).toBe('invalid-authzid');
  });

  it('what is not text, or has a NUL in it, is malformed (T34)', async () => {
    for (const data of [Buffer.from([0xff, 0xfe]), Buffer.from(`romeo@${HOST}\0x`)]) {
      const { client } = await opened(server.port(), HOST, tlsOf('romeo'));
      expect(await answerTo(client, auth('EXTERNAL', data.toString('base64')))).toBe('malformed-request');
      client.cut();
    }
  });

  it('without initial response: an empty challenge, then the same (RFC 4422 appendix A)', async () => {
    const { client } = await opened(server.port(), HOST, tlsOf('romeo'));
    expect(await answerTo(client, auth('EXTERNAL'))).toBe('challenge');
    expect(await answerTo(client, `<response xmlns='${NS_SASL}'/>`)).toBe('success');
    client.cut();
  });
});

describe('the other ways to find an account', () => {
  it('the common name, with what stands before and after it', async () => {
    expect(await login('common name', undefined, STRICT, 'cn.example')).toBe('m.romeo.v@cn.example/r');
    expect(await login('common name', 'm.romeo.v@cn.example', STRICT, 'cn.example')).toBe(
      'm.romeo.v@cn.example/r',
    );
    expect(await login('common name', 'romeo@cn.example', STRICT, 'cn.example')).toBe('invalid-authzid');
    expect(await login('common name', 'm.romeo.v@other.example', STRICT, 'cn.example')).toBe(
      'invalid-authzid',
    );
    expect(await login('two', undefined, STRICT, 'cn.example')).toBe('not-authorized');
  });

  it('a common name is one, and only where it is one (T31)', async () => {
    expect(await login('hidden common name', undefined, STRICT, 'cn.example')).toBe('not-authorized');
    expect(await login('two common names', undefined, STRICT, 'cn.example')).toBe('not-authorized');
  });

  it('what the client says, on this domain', async () => {
    expect(await login('two', 'anybody@authid.example', STRICT, 'authid.example')).toBe(
      'anybody@authid.example/r',
    );
    expect(await login('two', undefined, STRICT, 'authid.example')).toBe('not-authorized');
    expect(await login('two', 'anybody@other.example', STRICT, 'authid.example')).toBe('not-authorized');
  });

  it('several in order', async () => {
    expect(await login('common name', undefined, STRICT, 'several.example')).toBe('romeo@several.example/r');
    expect(await login('two', undefined, STRICT, 'several.example')).toBe('not-authorized');
  });

  it('a module of the operator’s own', async () => {
    const by = (name: string, authzid?: string): Promise<string> =>
      login(name, authzid, STRICT, 'badges.example');
    expect(await by('common name')).toBe('verona@badges.example/r');
    expect(await by('common name', 'verona@badges.example')).toBe('verona@badges.example/r');
    expect(await by('common name', 'romeo@badges.example')).toBe('invalid-authzid');
    expect(await by('romeo')).toBe('not-authorized');
    expect(await by('common name', 'later@badges.example')).toBe('temporary-auth-failure');
    expect(await by('common name', 'broken@badges.example')).toBe('temporary-auth-failure');
    expect(await by('common name', 'space@badges.example')).toBe('not-authorized');
  });

  it('the method has the last word: a web service knows the certificates of its accounts', async () => {
    expect(await login('two', 'romeo@http.example', STRICT, 'http.example')).toBe('romeo@http.example/r');
    expect(await login('common name', 'known@http.example', STRICT, 'http.example')).toBe(
      'known@http.example/r',
    );
    expect(await login('common name', 'romeo@http.example', STRICT, 'http.example')).toBe('not-authorized');
    expect(await login('two', 'nobody@http.example', STRICT, 'http.example')).toBe('not-authorized');
    service.override = (_asked, response) => void response.writeHead(500).end();
    expect(await login('two', 'romeo@http.example', STRICT, 'http.example')).toBe('temporary-auth-failure');
    service.override = undefined;
  });
});

describe('in the extensible profile (XEP-0388)', () => {
  it('is one request to a session, and brings no token that would outlive the certificate', async () => {
    const stream = { index: STRICT, tls: tlsOf('romeo'), header: { to: HOST } };
    const { client, features } = await secureStream(server, stream);
    expect(features.child('authentication', NS_SASL2)!.childText('mechanism')).toBe('EXTERNAL');
    client.send(authenticate('EXTERNAL', '', agent() + requestToken() + bind2()));
    const success = await client.element();
    expect(success.childText('authorization-identifier')).toMatch(new RegExp(`^romeo@${HOST}/`));
    expect(tokenOf(success)).toBeUndefined();
    client.cut();
  });

  it('fails as in the classic one', async () => {
    const { client } = await secureStream(server, { tls: tlsOf('two'), header: { to: HOST } });
    client.send(authenticate('EXTERNAL', ''));
    expect(condition2(await client.element())).toBe('invalid-authzid');
    const wanted = Buffer.from(`juliet@${HOST}`).toString('base64');
    client.send(authenticate('EXTERNAL', wanted));
    expect((await client.element()).childText('authorization-identifier')).toBe(`juliet@${HOST}`);
    client.cut();
    const without = (await secureStream(server, { index: LENIENT, header: { to: HOST } })).client;
    without.send(authenticate('EXTERNAL', ''));
    expect(condition2(await without.element())).toBe('invalid-mechanism');
    without.cut();
  });
});

describe('certificates that TLS does not accept', () => {
  const BAD = ['expired', 'future', 'critical', 'server only', 'self-signed', 'of another authority'];

  it.each(BAD)('%s: the connection ends', async (name) => {
    await expect(opened(server.port('c2s', STRICT), HOST, tlsOf(name))).rejects.toThrow();
  });

  it('none at all: the connection ends', async () => {
    await expect(opened(server.port('c2s', STRICT), HOST, {})).rejects.toThrow();
  });

  it.each(BAD)('%s, where that does not end the connection: no EXTERNAL, but SCRAM', async (name) => {
    const { client, mechanisms: offered } = await opened(server.port('c2s', LENIENT), HOST, tlsOf(name));
    expect(offered).toEqual(['SCRAM-SHA-1', 'PLAIN']);
    expect(await answerTo(client, auth('EXTERNAL', '='))).toBe('invalid-mechanism');
    expect(await answerTo(client, plain('romeo'))).toBe('success');
    client.cut();
  });

  it('signed by itself: only where that is allowed, and nothing else may be wrong with it', async () => {
    expect(await login('self-signed', undefined, SELF_SIGNED)).toBe(`romeo@${HOST}/r`);
    expect(await login('romeo', undefined, SELF_SIGNED)).toBe(`romeo@${HOST}/r`);
    for (const name of [
      'self-signed and expired',
      'self-signed and critical',
      'of another authority',
      'expired',
    ])
      expect(await login(name, undefined, SELF_SIGNED), name).toBe('invalid-mechanism');
  });

  it('revoked: by the list', async () => {
    expect(await login('revoked', undefined, STRICT)).toBe(`romeo@${HOST}/r`);
    expect(await login('romeo', undefined, REVOKING)).toBe(`romeo@${HOST}/r`);
    await expect(opened(server.port('c2s', REVOKING), HOST, tlsOf('revoked'))).rejects.toThrow();
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s: nothing is resumed, each connection shows its certificate anew',
    async (version) => {
      const tls = { ...tlsOf('romeo'), minVersion: version, maxVersion: version };
      const first = await opened(server.port('c2s', LENIENT), HOST, tls);
      expect(first.mechanisms).toContain('EXTERNAL');
      // Of TLS 1.3 tickets come after the handshake, so before the features.
      const session = first.client.tlsSession!;
      expect(session.length).toBeGreaterThan(0);
      first.client.cut();
      const second = await opened(server.port('c2s', LENIENT), HOST, { ...tls, session });
      expect((second.client.socket as TLSSocket).isSessionReused()).toBe(false);
      expect(second.mechanisms).toContain('EXTERNAL');
      second.client.cut();
      // Nor does the session speak for whoever has only that.
      const thief = { minVersion: version, maxVersion: version, session };
      const third = await opened(server.port('c2s', LENIENT), HOST, thief);
      expect((third.client.socket as TLSSocket).isSessionReused()).toBe(false);
      expect(third.mechanisms).not.toContain('EXTERNAL');
      third.client.cut();
    },
  );
});
