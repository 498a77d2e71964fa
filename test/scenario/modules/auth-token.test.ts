import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Element } from '../../../src/xml/element.ts';
import { TestClient } from '../../helpers/client.ts';
import { requestToken, tokenOf } from '../../helpers/fast.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import {
  agent,
  authenticate,
  bind2,
  login2,
  NS_SASL2,
  secureStream,
  tlsConfig,
} from '../../helpers/sasl2.ts';
import { base64 } from '../../helpers/scram.ts';
import { TestServer } from '../../helpers/server.ts';
import { auth, bind, header, NS_BIND, NS_SASL, NS_TLS } from '../../helpers/xml.ts';
import { condition, fixture } from './support.ts';

/** X-OAUTH and its tokens over the wire, with the keys of mod_keystore. */

const NS_TOKEN_AUTH = 'erlang-solutions.com:xmpp:token-auth:0';
const GREGORIAN_EPOCH_S = 62_167_219_200;
const HOUR_S = 3_600;
const directory = mkdtempSync(join(tmpdir(), 'mk-'));
const ownKey = randomBytes(64);
const provisionKey = randomBytes(32);
let server: TestServer;

beforeAll(async () => {
  writeFileSync(join(directory, 'own.key'), ownKey);
  writeFileSync(join(directory, 'provision.key'), provisionKey);
  const modules = `
    [modules.mod_presence]
    [modules.mod_disco]
    [modules.mod_sasl2]
    [modules.mod_bind2]
    [modules.mod_fast_auth_token]
    [modules.mod_keystore]
      keys = [
        {name = "token_secret", type = "file", path = "${join(directory, 'own.key')}"},
        {name = "provision_pre_shared", type = "file", path = "${join(directory, 'provision.key')}"}
      ]
    [modules.mod_auth_token]
    ${fixture('mod_inline', 'mod-inline.ts')}`;
  const host = (name: string, keys: string, rest = '[host_config.modules.mod_auth_token]'): string => `
    [[host_config]]
      host = "${name}"
      [host_config.modules.mod_sasl2]
      [host_config.modules.mod_bind2]
      [host_config.modules.mod_keystore]
        ${keys}
      ${rest}`;
  server = await TestServer.start({
    users: [
      'romeo',
      'juliet',
      'paris',
      'tybalt',
      'nurse',
      'romeo@ram.example',
      'romeo@keyless.example',
      'romeo@plain.example',
    ],
    config: `
      ${tlsConfig(modules, '"localhost", "ram.example", "keyless.example", "plain.example"', '[auth.internal]')}
      ${host('ram.example', 'keys = [{name = "token_secret", type = "ram"}]\n  ram_key_size = 64')}
      ${host('keyless.example', 'keys = [{name = "other", type = "ram"}]')}
      ${host('plain.example', '', '')}`,
  });
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

function cli(...args: string[]): ReturnType<typeof meerkat> {
  return meerkat([...args, '--config', server.configFile]);
}

function now(): number {
  return Math.floor(Date.now() / 1_000);
}

/** A token written from the page that describes its form, sharing no code with the server. */
function made(fields: readonly (string | number)[], key: Buffer = ownKey): string {
  const signed = fields.join('\0');
  return base64(`${signed}\0${createHmac('sha384', key).update(signed).digest('hex')}`);
}

function expiry(inSeconds: number): number {
  return now() + inSeconds + GREGORIAN_EPOCH_S;
}

/** Logs in with a token in the classic profile. Gives the address that was bound, or the failure's condition. */
async function oauth(
  token: string,
  domain = 'localhost',
): Promise<{ fate: string; data: string; client: TestClient }> {
  const { client } = await secureStream(server, { header: { to: domain } });
  client.send(auth('X-OAUTH', token));
  const answer = await client.element();
  if (answer.name !== 'success') return { fate: answer.elements()[0]!.name, data: '', client };
  client.send(header({ to: domain }) + bind('r'));
  await client.expect('open');
  await client.element();
  const result = await client.element();
  return { fate: result.child('bind', NS_BIND)!.childText('jid')!, data: answer.text(), client };
}

async function fate(token: string, domain?: string): Promise<string> {
  const { client, fate: how } = await oauth(token, domain);
  client.cut();
  return how;
}

function tokensOf(answer: Element): { access: string; refresh: string } {
  const items = answer.child('items', NS_TOKEN_AUTH)!;
  return { access: items.childText('access_token')!, refresh: items.childText('refresh_token')! };
}

/** Asks for tokens after a login with the password. */
async function newTokens(user: string, domain = 'localhost'): Promise<{ access: string; refresh: string }> {
  const { client } = await secureStream(server, { header: { to: domain } });
  const credentials = base64(`\0${user}\0secret`);
  client.send(authenticate('PLAIN', credentials, bind2()));
  for (let i = 0; i < 2; i++) await client.element();
  const answer = await client.iq('get', `${user}@${domain}`, `<query xmlns='${NS_TOKEN_AUTH}'/>`);
  client.cut();
  return tokensOf(answer);
}

function listed(features: Element): boolean {
  const names = (list: Element | undefined): string[] => (list?.elements() ?? []).map((one) => one.text());
  const classic = names(features.child('mechanisms', NS_SASL));
  const both = names(features.child('authentication', NS_SASL2));
  expect(both.includes('X-OAUTH')).toBe(classic.includes('X-OAUTH'));
  return classic.includes('X-OAUTH');
}

describe('the mechanism', () => {
  it('is offered inside TLS, where the module runs', async () => {
    for (const [to, expected] of [
      ['localhost', true],
      ['ram.example', true],
      ['plain.example', false],
    ] as const) {
      const { client, features } = await secureStream(server, { header: { to } });
      expect(listed(features)).toBe(expected);
      client.cut();
    }
    expect(await fate(made(['access', 'romeo@plain.example', expiry(60)]), 'plain.example')).toBe(
      'invalid-mechanism',
    );
  });

  it('waits for TLS on a listener that has it', async () => {
    const client = await TestClient.connect(server.port('c2s', 1));
    const features = await client.openStream('localhost');
    expect(features.child('starttls', NS_TLS)).toBeDefined();
    expect(listed(features)).toBe(false);
    client.send(auth('X-OAUTH', made(['access', 'romeo@localhost', expiry(60)])));
    expect((await client.element()).elements()[0]!.name).toBe('encryption-required');
    client.cut();
  });

  it('is announced by service discovery', async () => {
    const { client } = await login2(server, 'romeo');
    const answer = await client.iq(
      'get',
      'localhost',
      "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    );
    const features = answer
      .elements()[0]!
      .elements()
      .map((one) => one.attribute('var'));
    expect(features).toContain(NS_TOKEN_AUTH);
    client.cut();
  });
});

describe('a request', () => {
  it.each(['get', 'set'] as const)('of type %s to the own account brings both tokens', async (type) => {
    const { client } = await login2(server, 'romeo');
    const { access, refresh } = tokensOf(
      await client.iq(type, undefined, `<query xmlns='${NS_TOKEN_AUTH}'/>`),
    );
    const fields = Buffer.from(access, 'base64').toString().split('\0');
    expect(fields.slice(0, 2)).toEqual(['access', 'romeo@localhost']);
    expect(Math.abs(Number(fields[2]) - expiry(HOUR_S))).toBeLessThan(60);
    const signed = fields.slice(0, -1).join('\0');
    expect(fields.at(-1)).toBe(createHmac('sha384', ownKey).update(signed).digest('hex'));
    expect(Buffer.from(refresh, 'base64').toString().split('\0')[0]).toBe('refresh');
    client.cut();
  });

  it('to another account, or for one that is none, brings nothing', async () => {
    const { client } = await login2(server, 'romeo');
    for (const user of ['juliet', 'nobody']) {
      const answer = await client.iq('get', `${user}@localhost`, `<query xmlns='${NS_TOKEN_AUTH}'/>`);
      expect(condition(answer)).toBe('service-unavailable');
    }
    client.cut();
    const guest = await oauth(made(['provision', 'guest@localhost', expiry(60), '<vCard/>'], provisionKey));
    const answer = await guest.client.iq('get', undefined, `<query xmlns='${NS_TOKEN_AUTH}'/>`);
    expect(condition(answer)).toBe('not-allowed');
    guest.client.cut();
  });

  it('without a key to sign with is an internal-server-error, and nobody gets in', async () => {
    const { client } = await secureStream(server, { header: { to: 'keyless.example' } });
    client.send(authenticate('PLAIN', base64('\0romeo\0secret'), bind2()));
    for (let i = 0; i < 2; i++) await client.element();
    const answer = await client.iq('get', undefined, `<query xmlns='${NS_TOKEN_AUTH}'/>`);
    expect(condition(answer)).toBe('internal-server-error');
    client.cut();
    const token = made(['access', 'romeo@keyless.example', expiry(60)], Buffer.alloc(0));
    expect(await fate(token, 'keyless.example')).toBe('temporary-auth-failure');
  });
});

describe('a token logs in', () => {
  it('its owner: access tokens again and again, refresh tokens with a new access token', async () => {
    const { access, refresh } = await newTokens('romeo');
    for (let i = 0; i < 3; i++) expect(await fate(access)).toBe('romeo@localhost/r');
    const { client, fate: how, data } = await oauth(refresh);
    expect(how).toBe('romeo@localhost/r');
    client.cut();
    expect(Buffer.from(data, 'base64').toString()).toMatch(/^access\0romeo@localhost\0/);
    expect(await fate(data)).toBe('romeo@localhost/r');
    const juliet = await newTokens('juliet');
    expect(await fate(juliet.access)).toBe('juliet@localhost/r');
  });

  it('by SASL2, without a token that could be renewed for ever', async () => {
    const { refresh } = await newTokens('romeo');
    const { client } = await secureStream(server);
    client.send(authenticate('X-OAUTH', refresh, agent() + requestToken() + bind2()));
    const success = await client.element();
    expect(success.childText('authorization-identifier')).toMatch(/^romeo@localhost\//);
    expect(await fate(success.childText('additional-data')!)).toBe('romeo@localhost/r');
    expect(tokenOf(success)).toBeUndefined();
    client.cut();
  });

  it('that was not sent along is asked for', async () => {
    const { access } = await newTokens('romeo');
    const { client } = await secureStream(server);
    client.send(auth('X-OAUTH'));
    expect((await client.element()).name).toBe('challenge');
    client.send(`<response xmlns='${NS_SASL}'>${access}</response>`);
    expect((await client.element()).name).toBe('success');
    client.cut();
  });

  it('signed with a key in memory, on every shard, until the server stops', async () => {
    const { access } = await newTokens('romeo', 'ram.example');
    const fates = await Promise.all(Array.from({ length: 4 }, () => fate(access, 'ram.example')));
    expect(new Set(fates)).toEqual(new Set(['romeo@ram.example/r']));
    const { access: own } = await newTokens('romeo');
    await server.kill();
    await server.launch();
    expect(await fate(access, 'ram.example')).toBe('not-authorized');
    expect(await fate(own)).toBe('romeo@localhost/r');
  });
});

describe('refused', () => {
  const MAC = '0'.repeat(96);
  it.each<[string, string]>([
    ['nothing but NULs', base64('\0\0\0')],
    ['an unknown type', made(['admin', 'romeo@localhost', expiry(60)])],
    ['too few fields', made(['access', 'romeo@localhost'])],
    ['too many fields', made(['access', 'romeo@localhost', expiry(60), 1])],
    ['an access token as refresh token', made(['refresh', 'romeo@localhost', expiry(60)])],
    ['an owner that is no address', made(['access', '@', expiry(60)])],
    ['an owner without a name', made(['access', 'localhost', expiry(60)])],
    ['an owner of another domain', made(['access', 'romeo@ram.example', expiry(60)])],
    ['an owner that does not exist', made(['access', 'nobody@localhost', expiry(60)])],
    ['an end that is no number', made(['access', 'romeo@localhost', 'tomorrow'])],
    ['a number that is none', made(['refresh', 'romeo@localhost', expiry(60), '-1'])],
    ['a MAC that is none', base64(`access\0romeo@localhost\0${expiry(60)}\0x`)],
    ['a MAC of nobody', base64(`access\0romeo@localhost\0${expiry(60)}\0${MAC}`)],
    ['another key', made(['access', 'romeo@localhost', expiry(60)], provisionKey)],
    [
      'our key for what somebody else provides',
      made(['provision', 'romeo@localhost', expiry(60), '<vCard/>']),
    ],
    ['one that has ended', made(['access', 'romeo@localhost', expiry(-1)])],
    ['bytes that are no text', Buffer.from([0xff, 0, 0xfe, 0, 1]).toString('base64')],
  ])('%s', async (_what, token) => {
    expect(await fate(token)).toBe('not-authorized');
  });

  it('a changed owner, end or number', async () => {
    const { refresh } = await newTokens('romeo');
    const text = Buffer.from(refresh, 'base64').toString();
    for (const other of [
      text.replace('romeo', 'paris'),
      text.replace('refresh', 'access'),
      text.replace(/\0\d/, '\x009'),
    ]) {
      expect(await fate(base64(other))).toBe('not-authorized');
    }
  });

  it('well-signed ones from before the account had any, or with a number of before', async () => {
    expect(await fate(made(['access', 'tybalt@localhost', expiry(HOUR_S)]))).toBe('not-authorized');
    await newTokens('tybalt');
    expect(await fate(made(['access', 'tybalt@localhost', expiry(HOUR_S - 60)]))).toBe('not-authorized');
    expect(await fate(made(['refresh', 'tybalt@localhost', expiry(25 * 86_400), 1]))).toBe('not-authorized');
  });
});

describe('the end of tokens', () => {
  it('by the operator: all so far, none that come after; sessions stay', async () => {
    const { access, refresh } = await newTokens('paris');
    const { client } = await oauth(access);
    expect((await cli('user', 'revoke', 'paris@localhost')).status).toBe(0);
    expect(await fate(refresh)).toBe('not-authorized');
    expect(await fate(access)).toBe('not-authorized');
    await client.nothingElse();
    client.cut();
    const next = await newTokens('paris');
    expect(await fate(next.refresh)).toBe('paris@localhost/r');
    expect(await fate(next.access)).toBe('paris@localhost/r');
    expect((await cli('user', 'revoke', 'nobody@localhost')).stderr).toContain('no user nobody@localhost');
  });

  it('with a new password', async () => {
    const { access, refresh } = await newTokens('paris');
    expect((await cli('user', 'passwd', 'paris@localhost', 'secret')).status).toBe(0);
    for (const token of [access, refresh]) expect(await fate(token)).toBe('not-authorized');
  });

  it('with the account, also for who has its name next; what is kept is shown', async () => {
    const { access, refresh } = await newTokens('nurse');
    const { stdout } = await cli('user', 'export', 'nurse@localhost', '--json');
    const { tables } = JSON.parse(stdout) as { tables: { name: string; rows: string[][] }[] };
    expect(tables.find(({ name }) => name === 'auth_token')!.rows).toHaveLength(1);
    expect((await cli('user', 'delete', 'nurse@localhost')).status).toBe(0);
    expect(await fate(refresh)).toBe('not-authorized');
    expect((await cli('user', 'add', 'nurse@localhost', 'secret')).status).toBe(0);
    for (const token of [access, refresh]) expect(await fate(token)).toBe('not-authorized');
  });

  it('with the data of the domain', async () => {
    const { refresh } = await newTokens('romeo', 'ram.example');
    expect((await cli('domain', 'remove-data', 'ram.example', '--yes')).status).toBe(0);
    expect((await cli('user', 'add', 'romeo@ram.example', 'secret')).status).toBe(0);
    expect(await fate(refresh, 'ram.example')).toBe('not-authorized');
  });
});

describe('a provision token', () => {
  it.each([
    ['<vCard xmlns="vcard-temp"><FN>Balthasar</FN></vCard>', 'Balthasar'],
    ['<vCard', 'null'],
    ['', 'null'],
  ])('with the vCard %j lets a new user in', async (vcard, expected) => {
    const user = `balthasar${expected === 'null' ? vcard.length : ''}@localhost`;
    const { client, fate: how } = await oauth(made(['provision', user, expiry(60), vcard], provisionKey));
    expect(how).toBe(`${user}/r`);
    const answer = await client.iq('get', 'localhost', `<query xmlns='urn:test:inline'>${user}</query>`);
    expect(answer.childText('vcard', 'urn:test:inline')).toBe(expected);
    client.cut();
  });
});

describe('the keystore', () => {
  it('a file that cannot be read, or two keys of one name, keep the server from starting', async () => {
    const check = async (keys: string): Promise<string> => {
      const file = join(directory, 'bad.toml');
      writeFileSync(file, tlsConfig(`[modules.mod_keystore]\n  keys = [${keys}]`));
      const { status, stdout, stderr } = await meerkat(['check-config', '--config', file]);
      expect(status).not.toBe(0);
      return stdout + stderr;
    };
    expect(await check('{name = "a", type = "file", path = "/nowhere/key"}')).toContain(
      'not a readable file',
    );
    expect(await check('{name = "a", type = "ram"}, {name = "a", type = "ram"}')).toContain('same name');
    expect(await check('{name = "a", type = "disk"}')).toContain('type');
  });
});
