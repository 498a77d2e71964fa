import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loaded, problemsOf, warningsOf } from './helpers.ts';

/** `[auth]` with methods whose accounts are elsewhere, and `[outgoing_pools]`. */

const HOSTS = '[general]\nhosts = ["a.example", "b.example"]\n';

function pem(type: 'rsa' | 'ec', details: object): string {
  const { publicKey } = generateKeyPairSync(type as 'rsa', details as { modulusLength: number });
  return publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

const RSA = pem('rsa', { modulusLength: 2048 });
const WEAK_RSA = pem('rsa', { modulusLength: 1024 });
const P256 = pem('ec', { namedCurve: 'P-256' });

function jwt(algorithm: string, secret: string): string {
  return `[auth.jwt]\nalgorithm = "${algorithm}"\nusername_key = "sub"\nsecret = ${secret}\n`;
}

/** Without line and column. */
function problems(text: string, env: Record<string, string> = {}): string[] {
  return problemsOf(HOSTS + text, { env }).map((line) => line.replace(/^\d+:\d+ /, ''));
}

describe('a method that lacks something', () => {
  it.each<[string, string, string[]]>([
    [
      'jwt without its section',
      '[auth]\nmethods = ["jwt"]',
      ['auth.jwt: missing, the method "jwt" needs this section'],
    ],
    [
      'ldap likewise',
      '[auth]\nmethods = ["ldap"]',
      ['auth.ldap: missing, the method "ldap" needs this section'],
    ],
    [
      'external likewise',
      '[auth]\nmethods = ["external"]',
      ['auth.external: missing, the method "external" needs this section'],
    ],
    [
      'http without a pool',
      '[auth.http]',
      ['auth.http: the method "http" needs a section [outgoing_pools.http.auth]'],
    ],
    [
      'ldap without pools',
      '[auth.ldap]\nbase = "dc=x"\n[outgoing_pools.ldap.bond]',
      [
        'auth.ldap.pool_tag: no [outgoing_pools.ldap] has the tag "default"',
        'auth.ldap.bind_pool_tag: no [outgoing_pools.ldap] has the tag "bind"; did you mean "bond"?',
      ],
    ],
    [
      'a filter that is none',
      '[auth.ldap]\nbase = "dc=x"\npool_tag = "p"\nbind_pool_tag = "p"\nfilter = "(&(a=b)(c=d)"\n[outgoing_pools.ldap.p]',
      ['auth.ldap.filter: not a filter: it is to be in brackets, each of them closed'],
    ],
    [
      'a program without a name',
      '[auth.external]\nprogram = " "',
      ['auth.external.program: names no program'],
    ],
    [
      'a web service with an address that is none',
      '[outgoing_pools.http.auth]\nconnection.host = "http://[::1"',
      [
        'outgoing_pools.http.auth.connection.host: expected "http://HOST:PORT" or "https://HOST:PORT", got "http://[::1"',
      ],
    ],
    [
      'a web service that is none',
      '[outgoing_pools.http.auth]\nconnection.host = "localhost:80"',
      [
        'outgoing_pools.http.auth.connection.host: expected "http://HOST:PORT" or "https://HOST:PORT", got "localhost:80"',
      ],
    ],
  ])('%s', (_name, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });
});

describe('the secret of jwt', () => {
  it.each<[string, string, string[]]>([
    ['none', jwt('HS256', '{}'), ['auth.jwt.secret: expected exactly one of "value", "file" and "env"']],
    [
      'two',
      jwt('HS256', '{value = "x", env = "y"}'),
      ['auth.jwt.secret: expected exactly one of "value", "file" and "env"'],
    ],
    [
      'a variable that is not set',
      jwt('HS256', '{env = "NO_SUCH"}'),
      ['auth.jwt.secret.env: the environment has no NO_SUCH'],
    ],
    ['a file that is not there', jwt('RS256', '{file = "no.pem"}'), ['auth.jwt.secret.file: cannot use']],
    [
      'a public key as a shared secret (T33)',
      jwt('HS256', `{value = """${RSA}"""}`),
      ['auth.jwt.secret: is a key in PEM, which is no secret for HS256'],
    ],
    [
      'no key',
      jwt('RS256', '{value = "secret"}'),
      ['auth.jwt.secret: is no public key in PEM, which RS256 needs'],
    ],
    [
      'a key of another kind',
      jwt('RS256', `{value = """${P256}"""}`),
      ['auth.jwt.secret: is no RSA key, which RS256 needs'],
    ],
    [
      'a short key',
      jwt('RS512', `{value = """${WEAK_RSA}"""}`),
      ['auth.jwt.secret: has fewer than 2048 bits'],
    ],
    [
      'a key on another curve',
      jwt('ES384', `{value = """${P256}"""}`),
      ['auth.jwt.secret: is no key on the curve secp384r1, which ES384 needs'],
    ],
  ])('%s', (_name, text, expected) => {
    const found = problems(text);
    expect(found).toHaveLength(expected.length);
    for (const [i, line] of found.entries()) expect(line).toContain(expected[i]);
    expect(found.join()).not.toContain('BEGIN');
  });

  it('is taken from the environment, and an algorithm as MongooseIM spells it', () => {
    const config = loaded(HOSTS + jwt('HS386', '{env = "KEY"}'), { env: { KEY: 'a secret' } });
    expect(config.hostTypes.get('a.example')!.auth).toMatchObject({
      methods: ['jwt'],
      jwt: { algorithm: 'HS384', secret: 'a secret', usernameKey: 'sub', issuer: undefined },
    });
  });
});

describe('pools', () => {
  const TEXT = `${HOSTS}
    [outgoing_pools.http.auth]
      strategy = "available_worker"
      workers = 3
      max_worker_queue_len = 4
      [outgoing_pools.http.auth.connection]
        host = "https://localhost:1"
        path_prefix = "/x"
        tls.server_name_indication.host = "accounts.example"
    [outgoing_pools.ldap.default]
      connection.tls.verify_mode = "selfsigned_peer"
    [[host_config]]
      host = "b.example"
      [host_config.outgoing_pools.http.auth]
        scope = "host_type"
        connection.host = "http://localhost:2"
  `;

  it('are those of the server and, by kind and tag, those of a host type', () => {
    const { hostTypes } = loaded(TEXT);
    expect(hostTypes.get('a.example')!.pools.http.get('auth')).toMatchObject({
      name: 'http.auth',
      host: 'https://localhost:1',
      pathPrefix: '/x/',
      workers: 3,
      queueMax: 12,
      callTimeoutMs: 5000,
      requestTimeoutMs: 2000,
      tls: { verifyMode: 'peer', serverName: 'accounts.example', minVersion: 'TLSv1.2' },
    });
    const { pools } = hostTypes.get('b.example')!;
    expect(pools.http.get('auth')).toMatchObject({
      scope: 'host_type',
      host: 'http://localhost:2',
      tls: undefined,
    });
    expect(pools.ldap.get('default')).toMatchObject({ port: 636, servers: ['localhost'], rootDn: '' });
  });

  it('say what has no effect, or another one', () => {
    expect(warningsOf(TEXT).map((line) => line.replace(/^\d+:\d+ /, ''))).toEqual([
      'outgoing_pools.http.auth.strategy: has no effect in Meerkat, ignored',
      'outgoing_pools.ldap.default.connection.tls.verify_mode: is "peer" here: name the certificate of the server in cacertfile to trust it',
    ]);
  });
});

it('what would send passwords over the network in clear is worth a warning', () => {
  const found = (text: string): string[] =>
    warningsOf(HOSTS + text).map((line) => line.replace(/^\d+:\d+ /, ''));
  const clear = 'what is sent there, passwords too, crosses the network in clear';
  expect(found('[outgoing_pools.http.x]\nconnection.host = "http://accounts.example:80"')).toEqual([
    `outgoing_pools.http.x.connection.host: ${clear}`,
  ]);
  expect(found('[outgoing_pools.ldap.x]\nconnection.servers = ["localhost", "ldap.example"]')).toEqual([
    `outgoing_pools.ldap.x.connection: has no tls section: ${clear}`,
  ]);
  expect(
    found('[outgoing_pools.http.x]\nconnection.host = "http://[::1]:80"\n[outgoing_pools.ldap.x]'),
  ).toEqual([]);
  expect(found('[outgoing_pools.http.x]\nconnection.host = "https://accounts.example"')).toEqual([]);
  expect(
    found(
      '[outgoing_pools.ldap.x]\nconnection.servers = ["ldap.example"]\nconnection.tls.verify_mode = "peer"',
    ),
  ).toEqual([]);
});

it('certificates of anybody, and a method that believes them, are worth a warning', () => {
  const text = (verify: string, auth = 'sasl_mechanisms = ["external"]'): string =>
    `${HOSTS}[[listen.c2s]]\nport = 1\n[listen.c2s.tls]\n${verify}\n[auth]\n${auth}\n[auth.pki]`;
  const found = (...args: Parameters<typeof text>): string => warningsOf(text(...args)).join();
  expect(found('verify_mode = "selfsigned_peer"')).toContain(
    'with the method "pki" anybody can log in as anybody',
  );
  expect(found('verify_mode = "peer"')).toContain(
    'tls.cacertfile: missing, so that with the method "pki" every authority',
  );
  expect(found('verify_mode = "peer"\ncacertfile = "ca.pem"')).not.toContain('pki');
  expect(found('verify_mode = "none"')).toBe('');
  expect(found('verify_mode = "selfsigned_peer"', '')).toBe('');
});
