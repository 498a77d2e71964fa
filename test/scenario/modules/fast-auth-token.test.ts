import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import type { Element } from '../../../src/xml/element.ts';
import { NS_FAST, newToken, requestToken, tokenLogin, tokenOf } from '../../helpers/fast.ts';
import { meerkat } from '../../helpers/meerkat.ts';
import { eventually } from '../../helpers/process.ts';
import {
  agent,
  authenticate,
  bind2,
  condition2,
  login2,
  NS_SASL2,
  plain2,
  secureStream,
  tlsConfig,
} from '../../helpers/sasl2.ts';
import { base64 } from '../../helpers/scram.ts';
import { TestServer } from '../../helpers/server.ts';
import { auth } from '../../helpers/xml.ts';
import { fixture, LAB } from './support.ts';

/** XEP-0484 over the wire, and threat T28. */

const HASHES = ['SHA-256', 'SHA-384', 'SHA-512', 'SHA-3-256', 'SHA-3-384', 'SHA-3-512'];
const ALL = ['EXPR', 'ENDP', 'NONE'].flatMap((binding) => HASHES.map((hash) => `HT-${hash}-${binding}`));
const OTHER_AGENT = '00000000-0000-4000-8000-000000000001';
const ROTATING = 'rotating.example';
const JWT_SECRET = 'a secret of 32 characters or more';
let server: TestServer;

beforeAll(async () => {
  const users = ['romeo', 'juliet', 'paris', 'tybalt', 'mercutio', 'benvolio', 'nurse', 'rosaline'];
  const modules = `
    [modules.mod_presence]
    [modules.mod_register]
    [modules.mod_sasl2]
    [modules.mod_bind2]
    [modules.mod_fast_auth_token]
    ${fixture('mod_inline', 'mod-inline.ts')}
    ${LAB}`;
  server = await TestServer.start({
    users: [...users, `romeo@${ROTATING}`],
    config: `
      ${tlsConfig(modules, `"localhost", "${ROTATING}", "anon.example", "jwt.example"`, '[auth.internal]')}
      [[host_config]]
        host = "jwt.example"
        [host_config.auth.jwt]
          algorithm = "HS256"
          username_key = "sub"
          secret.value = "${JWT_SECRET}"
      [[host_config]]
        host = "anon.example"
        [host_config.auth.anonymous]
      [[host_config]]
        host = "${ROTATING}"
        [host_config.modules.mod_sasl2]
        [host_config.modules.mod_fast_auth_token]
          validity_period.access = {value = 1, unit = "days"}
          validity_period.rotate_before_expire = {value = 2, unit = "days"}`,
  });
});

afterAll(() => server.stop());

function cli(...args: string[]): ReturnType<typeof meerkat> {
  return meerkat([...args, '--config', server.configFile]);
}

/** Changes what is stored while the server runs. */
function sql(statement: string, ...values: string[]): void {
  const db = openDatabase(join(server.directory, 'data'), 'normal');
  db.prepare(statement).run(...values);
  db.close();
}

/** Whether a token is good: the login's condition if not. */
async function fate(
  user: string,
  token: string,
  options: Parameters<typeof tokenLogin>[3] = {},
): Promise<string> {
  const { client, answer } = await tokenLogin(server, user, token, options);
  client.cut();
  return answer.name === 'success' ? 'success' : condition2(answer);
}

function fastFeature(features: Element): Element | undefined {
  return features.child('authentication', NS_SASL2)?.child('inline')?.child('fast', NS_FAST);
}

describe('the feature (§3.1)', () => {
  it('names what the connection can use', async () => {
    const { client, features } = await secureStream(server);
    expect(
      fastFeature(features)!
        .elements()
        .map((one) => one.text()),
    ).toEqual(ALL);
    // Nothing is said of early data, and the mechanisms are not among the others.
    expect(fastFeature(features)!.attribute('tls-0rtt')).toBeUndefined();
    const listed = features
      .child('authentication', NS_SASL2)!
      .elements()
      .map((one) => one.text());
    expect(listed.filter((name) => name.startsWith('HT-'))).toEqual([]);
    client.cut();
    const old = await secureStream(server, { tls: { maxVersion: 'TLSv1.2' } });
    const names = fastFeature(old.features)!
      .elements()
      .map((one) => one.text());
    expect(names).toEqual(ALL.filter((name) => !name.endsWith('EXPR')));
    old.client.cut();
  });
});

describe('a token', () => {
  it.each(ALL)(
    'for %s logs in, in one message, again and again; no other mechanism takes it',
    async (mechanism) => {
      const token = await newToken(server, 'romeo', { mechanism });
      expect(Buffer.from(token, 'base64')).toHaveLength(25);
      for (let i = 0; i < 3; i++) expect(await fate('romeo', token, { mechanism })).toBe('success');
      const others = ALL.filter((name) => name !== mechanism);
      const other = others[mechanism.length % others.length]!;
      expect(await fate('romeo', token, { mechanism: other })).toBe('not-authorized');
      const weaker = mechanism.replace(/EXPR|ENDP/, 'NONE');
      if (weaker !== mechanism)
        expect(await fate('romeo', token, { mechanism: weaker })).toBe('not-authorized');
    },
  );

  it('says when it ends, and brings a whole session along', async () => {
    const { client, success, jid } = await login2(server, 'romeo', { inside: agent() + requestToken() });
    const expiry = Date.parse(success.child('token', NS_FAST)!.attribute('expiry')!);
    expect(Math.abs(expiry - Date.now() - 3 * 86_400_000)).toBeLessThan(60_000);
    client.cut();
    const { client: again, answer } = await tokenLogin(server, 'romeo', tokenOf(success)!, {
      inside: bind2(),
    });
    const other = answer.childText('authorization-identifier')!;
    expect(other).toMatch(/^romeo@localhost\/[\w-]{16}$/);
    expect(other).not.toBe(jid);
    await again.nothingElse();
    again.cut();
  });

  it('is given to a session that was resumed, too', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo', `${agent()}${requestToken()}<ask xmlns='urn:test:inline' how='resume'/>`));
    const success = await client.element();
    expect(success.childText('authorization-identifier')).toBe('romeo@localhost/resumed');
    expect(await fate('romeo', tokenOf(success)!)).toBe('success');
    client.cut();
  });

  it('is not given for a mechanism that is not offered, nor to those who have no account', async () => {
    for (const mechanism of ['HT-SHA-1-NONE', 'PLAIN', '']) {
      const { client } = await secureStream(server);
      client.send(plain2('romeo', agent() + requestToken(mechanism)));
      expect(tokenOf(await client.element())).toBeUndefined();
      client.cut();
    }
    const { client } = await secureStream(server, { header: { to: 'anon.example' } });
    client.send(authenticate('ANONYMOUS', '', agent() + requestToken()));
    const success = await client.element();
    expect([success.name, tokenOf(success)]).toEqual(['success', undefined]);
    client.cut();
  });

  it('is not given for a JWT, which somebody else has given an end (X-OAUTH and EXTERNAL: in their tests)', async () => {
    const text = ['{"alg":"HS256"}', '{"sub":"romeo"}'].map((part) =>
      Buffer.from(part).toString('base64url'),
    );
    const mac = createHmac('sha256', JWT_SECRET).update(text.join('.')).digest('base64url');
    const { client } = await secureStream(server, { header: { to: 'jwt.example' } });
    client.send(plain2('romeo', agent() + requestToken() + bind2(), [...text, mac].join('.')));
    const success = await client.element();
    expect([success.name, tokenOf(success)]).toEqual(['success', undefined]);
    client.cut();
  });

  it('is not given after a failed login', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo', agent() + requestToken(), 'wrong'));
    expect(tokenOf(await client.element())).toBeUndefined();
    client.cut();
  });
});

describe('refused (T28)', () => {
  it('a wrong one, that of another user, of another client, of another domain, or none', async () => {
    const token = await newToken(server, 'romeo');
    await newToken(server, 'juliet');
    expect(await fate('romeo', 'wrong')).toBe('not-authorized');
    expect(await fate('juliet', token)).toBe('not-authorized');
    expect(await fate('nobody', token)).toBe('not-authorized');
    expect(await fate('romeo', token, { agent: OTHER_AGENT })).toBe('not-authorized');
    expect(await fate('romeo', token, { domain: ROTATING })).toBe('not-authorized');
    expect(await fate('romeo@localhost', token)).toBe('success');
    expect(await fate('romeo@rotating.example', token)).toBe('not-authorized');
  });

  it('a client that does not say who it is', async () => {
    const { client } = await secureStream(server);
    client.send(plain2('romeo', requestToken()));
    const failure = await client.element();
    expect([condition2(failure), failure.childText('text')]).toEqual([
      'malformed-request',
      'User agent required',
    ]);
    client.cut();
    const token = await newToken(server, 'romeo');
    expect(await fate('romeo', token, { agent: '' })).toBe('malformed-request');
  });

  it('in the classic profile', async () => {
    const { client } = await secureStream(server);
    client.send(auth('HT-SHA-256-NONE', base64('romeo\0x')));
    const failure = await client.element();
    expect(failure.elements()[0]!.name).toBe('invalid-mechanism');
    client.cut();
  });

  it.each<[string, string | undefined]>([
    ['no message', undefined],
    ['an empty one', ''],
    ['one without NUL', base64('romeo')],
    ['one without a name', base64('\0hash')],
  ])('%s', async (_what, data) => {
    const { client } = await secureStream(server);
    client.send(authenticate('HT-SHA-256-NONE', data, agent()));
    expect(condition2(await client.element())).toBe('malformed-request');
    client.cut();
  });

  it.each(['x', '-1', '1.5', '9999999999', '99999999999999999999', ''])('the count %j', async (count) => {
    const token = await newToken(server, 'romeo');
    expect(await fate('romeo', token, { fast: `count='${count}'` })).toBe('malformed-request');
  });

  it('a count that is not above all earlier ones', async () => {
    const token = await newToken(server, 'romeo');
    for (const [count, expected] of [
      ['1', 'success'],
      ['1', 'not-authorized'],
      ['7', 'success'],
      ['6', 'not-authorized'],
      ['0', 'not-authorized'],
      ['8', 'success'],
    ]) {
      expect(await fate('romeo', token, { fast: `count='${count}'` })).toBe(expected);
    }
  });

  it('of many that come at the same time with one count, on all shards, all but one', async () => {
    const token = await newToken(server, 'romeo');
    const fates = await Promise.all(
      Array.from({ length: 8 }, () => fate('romeo', token, { fast: "count='3'" })),
    );
    expect(fates.filter((one) => one === 'success')).toHaveLength(1);
  });

  it('one that has expired, in words that only its owner hears', async () => {
    const used = await newToken(server, 'paris');
    expect(await fate('paris', used)).toBe('success');
    const fresh = await newToken(server, 'paris');
    sql("UPDATE fast_auth_token SET expire = 1 WHERE username = 'paris'");
    expect(await fate('paris', used)).toBe('credentials-expired');
    expect(await fate('paris', fresh)).toBe('credentials-expired');
    expect(await fate('paris', 'guess')).toBe('not-authorized');
  });
});

describe('rotation (§3.5)', () => {
  it('a login with one that gets old brings a new one; the old one is good until the new one is used', async () => {
    const domain = ROTATING;
    let token = await newToken(server, 'romeo', { domain, mechanism: 'HT-SHA-512-EXPR' });
    for (let i = 0; i < 3; i++) {
      const { client, answer } = await tokenLogin(server, 'romeo', token, {
        domain,
        mechanism: 'HT-SHA-512-EXPR',
      });
      client.cut();
      const lost = tokenOf(answer)!;
      const { client: again, answer: second } = await tokenLogin(server, 'romeo', token, {
        domain,
        mechanism: 'HT-SHA-512-EXPR',
      });
      again.cut();
      const next = tokenOf(second)!;
      expect(new Set([token, lost, next]).size).toBe(3);
      const options = { domain, mechanism: 'HT-SHA-512-EXPR' };
      expect(await fate('romeo', lost, options)).toBe('not-authorized');
      expect(await fate('romeo', next, options)).toBe('success');
      expect(await fate('romeo', token, options)).toBe('not-authorized');
      // That login has brought yet another one, which nobody kept: the one in use stays good.
      token = next;
    }
  });

  it('with much time left none is brought, unless it is asked for, for another mechanism if need be', async () => {
    const token = await newToken(server, 'romeo');
    const { client, answer } = await tokenLogin(server, 'romeo', token);
    expect(tokenOf(answer)).toBeUndefined();
    client.cut();
    const mechanism = 'HT-SHA-384-ENDP';
    const again = await tokenLogin(server, 'romeo', token, { inside: requestToken(mechanism) });
    again.client.cut();
    const other = tokenOf(again.answer)!;
    expect(await fate('romeo', token)).toBe('success');
    expect(await fate('romeo', other, { mechanism })).toBe('success');
    expect(await fate('romeo', token)).toBe('not-authorized');
  });

  it('asking with one that was not used yet keeps that one until the next is used', async () => {
    const first = await newToken(server, 'romeo');
    const { client, answer } = await tokenLogin(server, 'romeo', first, {
      inside: requestToken(),
      fast: "count='4'",
    });
    client.cut();
    expect(await fate('romeo', first, { fast: "count='4'" })).toBe('not-authorized');
    expect(await fate('romeo', first, { fast: "count='5'" })).toBe('success');
    expect(await fate('romeo', tokenOf(answer)!)).toBe('success');
    expect(await fate('romeo', first)).toBe('not-authorized');
  });
});

describe('the end of a token', () => {
  it.each(['true', '1'])('invalidate=%j: it served for the last time (§3.6)', async (value) => {
    const first = await newToken(server, 'romeo');
    expect(await fate('romeo', first)).toBe('success');
    const second = await newToken(server, 'romeo');
    const { client, answer } = await tokenLogin(server, 'romeo', first, { fast: `invalidate='${value}'` });
    expect([answer.name, tokenOf(answer)]).toEqual(['success', undefined]);
    client.cut();
    for (const token of [first, second]) expect(await fate('romeo', token)).toBe('not-authorized');
  });

  it('with a new one asked for at the same time, that one is good', async () => {
    const token = await newToken(server, 'romeo');
    const { client, answer } = await tokenLogin(server, 'romeo', token, {
      fast: "invalidate='true'",
      inside: requestToken(),
    });
    client.cut();
    expect(await fate('romeo', token)).toBe('not-authorized');
    expect(await fate('romeo', tokenOf(answer)!)).toBe('success');
  });

  it('a new password ends those of all clients, whoever sets it', async () => {
    const tokens = [
      await newToken(server, 'tybalt'),
      await newToken(server, 'tybalt', { agent: OTHER_AGENT }),
    ];
    expect((await cli('user', 'passwd', 'tybalt@localhost', 'other')).status).toBe(0);
    expect(await fate('tybalt', tokens[0]!)).toBe('not-authorized');
    expect(await fate('tybalt', tokens[1]!, { agent: OTHER_AGENT })).toBe('not-authorized');

    const { client } = await login2(server, 'mercutio', { inside: agent() + requestToken() });
    const token = await newToken(server, 'mercutio');
    const answer = await client.iq(
      'set',
      'localhost',
      "<query xmlns='jabber:iq:register'><username>mercutio</username><password>new</password></query>",
    );
    expect(answer.attribute('type')).toBe('result');
    expect(await fate('mercutio', token)).toBe('not-authorized');
    client.cut();
  });

  it('a login that began with the old password gets none', async () => {
    const { client } = await secureStream(server);
    client.send(authenticate('PLAIN', undefined, agent() + requestToken()));
    expect((await client.element()).name).toBe('challenge');
    expect((await cli('user', 'revoke', 'benvolio@localhost')).stdout).toBe(
      'tokens of benvolio@localhost ended\n',
    );
    client.send(`<response xmlns='${NS_SASL2}'>${base64('\0benvolio\0secret')}</response>`);
    const success = await client.element();
    expect([success.name, tokenOf(success)]).toEqual(['success', undefined]);
    client.cut();
  });

  it('the account takes them along, and who has its name next does not inherit them', async () => {
    const token = await newToken(server, 'nurse');
    expect((await cli('user', 'delete', 'nurse@localhost')).status).toBe(0);
    expect(await fate('nurse', token)).toBe('not-authorized');
    sql(
      `INSERT INTO fast_auth_token (server, username, user_agent_id, slot, token, mechanism, auth_method, expire, count)
        VALUES ('localhost', 'nurse', ?, 0, 'left', 'HT-SHA-256-NONE', 'internal', 9e18, -1)`,
      'd4565fa7-4d72-4749-b3d3-740edbf87770',
    );
    expect(await fate('nurse', 'left')).toBe('not-authorized');
    expect((await cli('user', 'add', 'nurse@localhost', 'secret')).status).toBe(0);
    expect(await fate('nurse', 'left')).toBe('not-authorized');
  });

  it('whoever is thrown out loses the token of that client, and of no other', async () => {
    const { client, success, jid } = await login2(server, 'rosaline', { inside: agent() + requestToken() });
    const other = await newToken(server, 'rosaline', { agent: OTHER_AGENT });
    const token = tokenOf(success)!;
    expect((await cli('session', 'kick', jid)).status).toBe(0);
    expect(await client.streamError()).toBe('conflict');
    await eventually(async () => (await fate('rosaline', token)) === 'not-authorized', 'the token has ended');
    expect(await fate('rosaline', other, { agent: OTHER_AGENT })).toBe('success');
  });

  it('the data of a domain take them along', async () => {
    const token = await newToken(server, 'romeo', { domain: ROTATING });
    expect((await cli('domain', 'remove-data', ROTATING, '--yes')).status).toBe(0);
    expect((await cli('user', 'add', `romeo@${ROTATING}`, 'secret')).status).toBe(0);
    expect(await fate('romeo', token, { domain: ROTATING })).toBe('not-authorized');
  });
});

describe('what is stored', () => {
  it('is shown to its owner without the secret', async () => {
    const token = await newToken(server, 'juliet', { mechanism: 'HT-SHA-256-EXPR' });
    const { stdout } = await cli('user', 'export', 'juliet@localhost', '--json');
    const { tables } = JSON.parse(stdout) as { tables: { name: string; rows: string[][] }[] };
    const rows = tables.find(({ name }) => name === 'fast_auth_token')!.rows;
    expect(
      rows.some(([id, mechanism]) => id!.startsWith('d4565fa7') && mechanism === 'HT-SHA-256-EXPR'),
    ).toBe(true);
    expect(stdout).not.toContain(token);
  });
});

describe('the module', () => {
  it('can be taken away and brought back while the server runs', async () => {
    const token = await newToken(server, 'paris');
    const config = readFileSync(server.configFile, 'utf8');
    writeFileSync(server.configFile, config.replaceAll(/\[modules\.mod_fast_auth_token\]/g, ''));
    expect((await cli('reload')).status).toBe(0);
    const { client, features } = await secureStream(server);
    expect(fastFeature(features)).toBeUndefined();
    client.cut();
    expect(await fate('paris', token)).toBe('invalid-mechanism');
    writeFileSync(server.configFile, config);
    expect((await cli('reload')).status).toBe(0);
    expect(await fate('paris', token)).toBe('success');
  });
});
