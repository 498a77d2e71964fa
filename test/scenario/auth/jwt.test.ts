import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tryPlain } from '../../helpers/login.ts';
import { TestServer } from '../../helpers/server.ts';

/** The method `jwt`. Tokens are made here by hand from RFC 7515 and 7519, without the server's library. */

const HS_SECRET = 'a shared secret that is long enough for HS256';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsaPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const directory = mkdtempSync(join(tmpdir(), 'mk-jwt-'));

let server: TestServer;

beforeAll(async () => {
  writeFileSync(join(directory, 'rsa.pem'), rsaPem);
  const hosts = [
    ['hs.example', `algorithm = "HS256"\n  secret.env = "JWT_TEST_SECRET"`],
    ['rs.example', `algorithm = "RS256"\n  secret.file = "${join(directory, 'rsa.pem')}"`],
    [
      'es.example',
      `algorithm = "ES256"\n  secret.value = """${ec.publicKey.export({ type: 'spki', format: 'pem' })}"""`,
    ],
    [
      'strict.example',
      `algorithm = "HS256"\n  secret.value = "${HS_SECRET}"\n  issuer = "https://login.example"\n  audience = "xmpp"`,
    ],
  ];
  server = await TestServer.start({
    env: { JWT_TEST_SECRET: HS_SECRET },
    config: `
      [general]
        hosts = [${hosts.map(([host]) => `"${host}"`).join(', ')}]
        loglevel = "debug"
        shards = 2
      [[listen.c2s]]
        port = 0
        ip_address = "127.0.0.1"
        shaper = "none"
        connections_per_second_per_address = "infinity"
      [storage]
        directory = "./data"
      [modules.mod_presence]
      ${hosts
        .map(
          ([host, options]) => `
      [[host_config]]
        host = "${host}"
        [host_config.auth.jwt]
          username_key = "preferred_username"
          ${options}`,
        )
        .join('\n')}`,
  });
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

const now = (): number => Math.floor(Date.now() / 1000);

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function claims(more: object = {}): object {
  return { preferred_username: 'romeo', iat: now(), exp: now() + 600, ...more };
}

function signed(header: object, payload: object, signer: (text: string) => Buffer): string {
  const text = `${base64url(header)}.${base64url(payload)}`;
  return `${text}.${signer(text).toString('base64url')}`;
}

function hs(payload: object, secret: string | Buffer = HS_SECRET, alg = 'HS256'): string {
  return signed({ alg, typ: 'JWT' }, payload, (text) => createHmac('sha256', secret).update(text).digest());
}

function rs(payload: object, key: KeyObject = rsa.privateKey, alg = 'RS256'): string {
  return signed({ alg, typ: 'JWT' }, payload, (text) => sign('sha256', Buffer.from(text), key));
}

function es(payload: object, key: KeyObject = ec.privateKey): string {
  return signed({ alg: 'ES256' }, payload, (text) =>
    sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }),
  );
}

function login(domain: string, token: string, user = 'romeo'): Promise<string> {
  return tryPlain(server.port(), domain, user, token);
}

describe('a token that is right', () => {
  it.each([
    ['HS256', 'hs.example', () => hs(claims())],
    ['RS256', 'rs.example', () => rs(claims())],
    ['ES256', 'es.example', () => es(claims())],
    ['without times', 'hs.example', () => hs({ preferred_username: 'romeo' })],
    [
      'with a bare JID of this domain as the name',
      'hs.example',
      () => hs(claims({ preferred_username: 'Romeo@hs.example' })),
    ],
    ['a little over its time (T73)', 'hs.example', () => hs(claims({ exp: now() - 20 }))],
    ['a little before it', 'hs.example', () => hs(claims({ nbf: now() + 20, iat: now() + 20 }))],
    [
      'with issuer and audience',
      'strict.example',
      () => hs(claims({ iss: 'https://login.example', aud: ['other', 'xmpp'] })),
    ],
  ])('%s', async (_name, domain, token) => {
    expect(await login(domain, token())).toBe('success');
  });
});

describe('a token that is not (T33)', () => {
  const cases: [string, string, () => string][] = [
    ['another secret', 'hs.example', () => hs(claims(), 'another secret, as long as it should be')],
    ['another key', 'rs.example', () => rs(claims(), otherRsa.privateKey)],
    ['no signature: alg none', 'hs.example', () => `${base64url({ alg: 'none' })}.${base64url(claims())}.`],
    ['alg none, with a signature', 'hs.example', () => hs(claims(), HS_SECRET, 'none')],
    ['alg None', 'rs.example', () => `${base64url({ alg: 'None' })}.${base64url(claims())}.`],
    ['HS256 with the public key as the secret', 'rs.example', () => hs(claims(), rsaPem)],
    ['another algorithm of the same kind', 'hs.example', () => hs(claims(), HS_SECRET, 'HS512')],
    ['RS256 where HS256 is configured', 'hs.example', () => rs(claims())],
    ['ES256 where RS256 is configured', 'rs.example', () => es(claims())],
    [
      'a key of its own in the header',
      'rs.example',
      () =>
        signed({ alg: 'RS256', jwk: otherRsa.publicKey.export({ format: 'jwk' }) }, claims(), (text) =>
          sign('sha256', Buffer.from(text), otherRsa.privateKey),
        ),
    ],
    [
      'a path as the key id',
      'hs.example',
      () =>
        signed({ alg: 'HS256', kid: '../../../../dev/null' }, claims(), (text) =>
          createHmac('sha256', '').update(text).digest(),
        ),
    ],
    [
      'an extension that must be understood',
      'hs.example',
      () =>
        signed({ alg: 'HS256', crit: ['x'], x: 1 }, claims(), (text) =>
          createHmac('sha256', HS_SECRET).update(text).digest(),
        ),
    ],
    ['expired', 'hs.example', () => hs(claims({ exp: now() - 120 }))],
    ['not yet valid', 'hs.example', () => hs(claims({ nbf: now() + 120 }))],
    ['issued in the future', 'hs.example', () => hs(claims({ iat: now() + 120 }))],
    ['times that are no numbers', 'hs.example', () => hs(claims({ exp: 'tomorrow' }))],
    ['of somebody else', 'hs.example', () => hs(claims({ preferred_username: 'juliet' }))],
    ['of another domain', 'hs.example', () => hs(claims({ preferred_username: 'romeo@rs.example' }))],
    ['of nobody', 'hs.example', () => hs({ sub: 'romeo', exp: now() + 60 })],
    ['of a list', 'hs.example', () => hs(claims({ preferred_username: ['romeo'] }))],
    ['another issuer', 'strict.example', () => hs(claims({ iss: 'https://evil.example', aud: 'xmpp' }))],
    ['no issuer', 'strict.example', () => hs(claims({ aud: 'xmpp' }))],
    ['another audience', 'strict.example', () => hs(claims({ iss: 'https://login.example', aud: 'mail' }))],
    [
      'a payload that is no object',
      'hs.example',
      () =>
        signed({ alg: 'HS256' }, ['romeo'], (text) => createHmac('sha256', HS_SECRET).update(text).digest()),
    ],
    ['no token', 'hs.example', () => 'secret'],
    ['dots', 'hs.example', () => '..'],
    [
      'a changed payload',
      'hs.example',
      () => hs(claims({ preferred_username: 'juliet' })).replace(/\.[^.]+\./, `.${base64url(claims())}.`),
    ],
  ];

  it.each(cases)('%s', async (_name, domain, token) => {
    expect(await login(domain, token())).toBe('not-authorized');
  });

  it('the one and the same token on another host, with another key', async () => {
    const token = hs(claims());
    expect(await login('hs.example', token)).toBe('success');
    expect(await login('es.example', token)).toBe('not-authorized');
  });

  it('leaves no token in the log (T69)', () => {
    expect(server.log).not.toContain('eyJ');
    expect(server.log).not.toContain(HS_SECRET);
  });
});
