import { describe, expect, it } from 'vitest';
import { MechanismOffer } from '../../../../src/auth/sasl/offer.ts';
import type { SaslResult } from '../../../../src/auth/sasl/result.ts';
import {
  ALL_OFFERED,
  type ClientOptions,
  conditionOf,
  END_POINT,
  EXPORTED,
  makeHost,
  POLICY,
  ScramClient,
  scramLogin,
  start,
  TLS,
  WITHOUT_PLUS,
} from '../support.ts';

const { host, store, tasks, method } = await makeHost();
const HASHES = [
  ['SCRAM-SHA-1', 'sha1'],
  ['SCRAM-SHA-224', 'sha224'],
  ['SCRAM-SHA-256', 'sha256'],
  ['SCRAM-SHA-384', 'sha384'],
  ['SCRAM-SHA-512', 'sha512'],
] as const;
const PASSWORD = 'r0m30myr0m30';

function login(username: string, password: string, options: ClientOptions = {}, mechanism = 'SCRAM-SHA-1') {
  return scramLogin(start(mechanism, host), new ScramClient(username, password, options));
}

/** The attributes of a server-first-message. */
function attributesOf(result: SaslResult): Map<string, string> {
  if (result.kind !== 'challenge') throw new Error(conditionOf(result));
  const text = result.data.toString();
  return new Map(text.split(',').map((attribute) => [attribute[0]!, attribute.slice(2)]));
}

describe('SCRAM', () => {
  it.each(HASHES)('%s lets in who knows the password', async (mechanism, hash) => {
    expect(await login('juliet', PASSWORD, { hash }, mechanism)).toMatchObject({
      kind: 'success',
      username: 'juliet',
      authzid: undefined,
      method: 'internal',
    });
    const wrong = await login('juliet', 'wrong', { hash }, mechanism);
    expect(wrong).toMatchObject({ condition: 'not-authorized', text: undefined, username: 'juliet' });
  });

  it.each(HASHES)('%s-PLUS binds to the channel, by either type', async (mechanism, hash) => {
    for (const [type, binding] of [
      ['tls-exporter', EXPORTED],
      ['tls-server-end-point', END_POINT],
    ] as const) {
      const options = { hash, gs2Header: `p=${type},,`, binding };
      expect(await login('juliet', PASSWORD, options, `${mechanism}-PLUS`)).toMatchObject({
        kind: 'success',
      });
    }
  });

  it('derives nothing: three HMACs and some hashes are all that a login costs', async () => {
    const before = tasks.derivations;
    await login('juliet', PASSWORD);
    expect(tasks.derivations).toBe(before);
  });

  it.each(['JULIET', 'juliet@example.com'])('knows %s as another way to write the name', async (name) => {
    expect(await login(name, PASSWORD)).toMatchObject({ kind: 'success', username: 'juliet' });
  });

  it('lets names contain what the messages use as separators', async () => {
    await method.tryRegister('example.com', 'a,b=c', PASSWORD);
    expect(await login('a,b=c', PASSWORD)).toMatchObject({ kind: 'success', username: 'a,b=c' });
  });

  it('works with passwords that are stored as they are', async () => {
    const plain = await makeHost({ ...POLICY, format: 'plain' });
    const exchange = start('SCRAM-SHA-256', plain.host);
    const client = new ScramClient('juliet', PASSWORD, { hash: 'sha256' });
    expect(await scramLogin(exchange, client)).toMatchObject({ kind: 'success', username: 'juliet' });
  });

  it('asks for the response that did not come along, once', async () => {
    const exchange = start('SCRAM-SHA-1', host);
    expect(await exchange.step(undefined)).toEqual({ kind: 'challenge', data: Buffer.alloc(0) });
    expect(await scramLogin(exchange, new ScramClient('juliet', PASSWORD))).toMatchObject({
      kind: 'success',
    });

    const silent = start('SCRAM-SHA-1', host);
    await silent.step(undefined);
    expect(conditionOf(await silent.step(undefined))).toBe('malformed-request');
  });

  it('reports a store that is down, with its cause', async () => {
    store.isDown = true;
    const result = await login('juliet', PASSWORD);
    store.isDown = false;
    expect(result).toMatchObject({
      condition: 'temporary-auth-failure',
      username: 'juliet',
      cause: { name: 'StoreUnavailable' },
    });
  });

  it('reports an exporter that throws, as on a closed connection', async () => {
    const tls = {
      ...TLS,
      exporter: () => {
        throw new Error('closed');
      },
    };
    const exchange = start('SCRAM-SHA-1-PLUS', host, { tls });
    const client = new ScramClient('juliet', PASSWORD, { gs2Header: 'p=tls-exporter,,' });
    expect(await exchange.step(client.first)).toMatchObject({ condition: 'temporary-auth-failure' });
  });
});

describe('the authorization identity in a= (T22)', () => {
  it('may be the own bare JID', async () => {
    expect(await login('juliet', PASSWORD, { gs2Header: 'n,a=Juliet@example.com,' })).toMatchObject({
      kind: 'success',
      username: 'juliet',
      authzid: 'juliet@example.com',
    });
  });

  it.each([
    'romeo@example.com',
    'ROMEO@example.com',
    'romeo@example.com/balcony',
    'juliet@example.com/balcony',
    'juliet@example.net',
    'example.com',
    'juliet',
    'juliet@example.com=2Cromeo@example.com',
    `${'j'.repeat(5000)}@example.com`,
  ])('must be nothing else: %s', async (authzid) => {
    expect(await login('juliet', PASSWORD, { gs2Header: `n,a=${authzid},` })).toMatchObject({
      condition: 'invalid-authzid',
      username: 'juliet',
    });
  });
});

describe('users who do not exist (T25)', () => {
  async function serverFirst(username: string, hash = 'sha1', mechanism = 'SCRAM-SHA-1') {
    const exchange = start(mechanism, host);
    return attributesOf(await exchange.step(new ScramClient(username, 'x', { hash }).first));
  }

  it.each(HASHES)('see the same message with %s', async (mechanism, hash) => {
    const known = await serverFirst('juliet', hash, mechanism);
    const unknown = await serverFirst('romeo', hash, mechanism);
    expect([...unknown.keys()]).toEqual([...known.keys()]);
    for (const name of ['i', 'h']) expect(unknown.get(name)).toBe(known.get(name));
    for (const name of ['r', 's']) expect(unknown.get(name)!.length).toBe(known.get(name)!.length);
  });

  it('have a salt of their own, always the same', async () => {
    const salts = async (name: string) => (await serverFirst(name)).get('s');
    expect(await salts('romeo')).toBe(await salts('romeo'));
    expect(await salts('ROMEO')).toBe(await salts('romeo'));
    expect(await salts('romeo')).not.toBe(await salts('mercutio'));
    expect((await serverFirst('romeo', 'sha256', 'SCRAM-SHA-256')).get('s')).not.toBe(await salts('romeo'));
  });

  it('have another salt on another server and another domain', async () => {
    const salt = async (changed: typeof host) => {
      const exchange = start('SCRAM-SHA-1', changed);
      return attributesOf(await exchange.step(new ScramClient('romeo', 'x').first)).get('s');
    };
    const salts = [
      await salt(host),
      await salt({ ...host, decoySecret: Buffer.alloc(32, 8) }),
      await salt({ ...host, domain: 'example.net' }),
    ];
    expect(new Set(salts).size).toBe(3);
  });

  it('fail at the end, in the same words', async () => {
    const known = await login('juliet', 'wrong');
    const unknown = await login('romeo', 'wrong');
    expect({ ...unknown, username: 'juliet' }).toEqual(known);
  });

  it('fail even with a proof for their keys, which are all zero', async () => {
    // H(ClientKey) is all zero for no ClientKey that anybody knows; what is checked here is that success needs an account.
    for (const proof of [Buffer.alloc(20), Buffer.alloc(20, 0xff)]) {
      expect(conditionOf(await login('romeo', '', { proof: () => proof }))).toBe('not-authorized');
    }
  });

  it('look like an account that lacks this hash', async () => {
    const only = await makeHost({ ...POLICY, hashes: ['sha256'] });
    const messages = await Promise.all(
      ['juliet', 'romeo'].map(async (name) => {
        const exchange = start('SCRAM-SHA-1', only.host);
        const result = await scramLogin(exchange, new ScramClient(name, PASSWORD));
        return { ...result, username: undefined };
      }),
    );
    expect(messages[0]).toEqual(messages[1]);
    expect(conditionOf(messages[0]!)).toBe('not-authorized');
  });

  it.each([' juliet', 'ju liet', 'juliet@example.net', '\u202e', 'x'.repeat(1024)])(
    'cannot exist: %j fails at once',
    async (name) => {
      const result = await start('SCRAM-SHA-1', host).step(new ScramClient(name, PASSWORD).first);
      expect(result).toMatchObject({ condition: 'not-authorized', text: undefined });
    },
  );
});

describe('downgrades and forgeries (T26)', () => {
  it('y, although -PLUS was offered', async () => {
    const exchange = start('SCRAM-SHA-1', host);
    const result = await exchange.step(new ScramClient('juliet', PASSWORD, { gs2Header: 'y,,' }).first);
    expect(conditionOf(result)).toBe('not-authorized');
  });

  it('y is fine when none was offered', async () => {
    const exchange = start('SCRAM-SHA-1', host, { offer: WITHOUT_PLUS });
    const client = new ScramClient('juliet', PASSWORD, { gs2Header: 'y,,' });
    expect(await scramLogin(exchange, client)).toMatchObject({ kind: 'success' });
  });

  it.each([
    ['p without -PLUS', 'SCRAM-SHA-1', 'p=tls-exporter,,', EXPORTED],
    ['n with -PLUS', 'SCRAM-SHA-1-PLUS', 'n,,', Buffer.alloc(0)],
    ['y with -PLUS', 'SCRAM-SHA-1-PLUS', 'y,,', Buffer.alloc(0)],
    ['tls-unique under TLS 1.3', 'SCRAM-SHA-1-PLUS', 'p=tls-unique,,', EXPORTED],
    ['an invented type', 'SCRAM-SHA-1-PLUS', 'p=none,,', Buffer.alloc(0)],
    ['a property of objects as type', 'SCRAM-SHA-1-PLUS', 'p=constructor,,', Buffer.alloc(0)],
    ['data of another connection', 'SCRAM-SHA-1-PLUS', 'p=tls-exporter,,', Buffer.alloc(32, 0xef)],
    ['data of another type', 'SCRAM-SHA-1-PLUS', 'p=tls-exporter,,', END_POINT],
    ['no data', 'SCRAM-SHA-1-PLUS', 'p=tls-exporter,,', Buffer.alloc(0)],
    ['data cut short', 'SCRAM-SHA-1-PLUS', 'p=tls-exporter,,', EXPORTED.subarray(1)],
    ['data without channel binding', 'SCRAM-SHA-1', 'n,,', EXPORTED],
  ])('%s', async (_what, mechanism, gs2Header, binding) => {
    expect(conditionOf(await login('juliet', PASSWORD, { gs2Header, binding }, mechanism))).toBe(
      'not-authorized',
    );
  });

  it('a type that this connection cannot use', async () => {
    const offer = new MechanismOffer(['SCRAM-SHA-1-PLUS'], ['tls-server-end-point']);
    const exchange = start('SCRAM-SHA-1-PLUS', host, { offer });
    const client = new ScramClient('juliet', PASSWORD, { gs2Header: 'p=tls-exporter,,', binding: EXPORTED });
    expect(conditionOf(await exchange.step(client.first))).toBe('not-authorized');
  });

  it.each([
    ['another header in c= than in the first message', (s: string) => s.replace('c=biws', 'c=eSws')],
    ['an authzid in c= that the first message had not', (s: string) => s.replace('biws', 'bixhPWp1bGlldCw=')],
    ['an empty c=', (s: string) => s.replace('biws', '')],
    ['the client’s nonce alone', (s: string) => s.replace(/,r=.*/, ',r=clientnonce')],
    ['a nonce cut by one character', (s: string) => s.slice(0, -1)],
    ['a nonce with one character more', (s: string) => `${s}x`],
    ['a nonce with another case', (s: string) => s.replace('clientnonce', 'CLIENTnonce')],
  ])('%s', async (_what, final) => {
    expect(conditionOf(await login('juliet', PASSWORD, { final }))).toBe('not-authorized');
  });

  it.each([
    ['empty', () => Buffer.alloc(0)],
    ['too short', (proof: Buffer) => proof.subarray(1)],
    ['too long', (proof: Buffer) => Buffer.concat([proof, Buffer.alloc(1)])],
    ['of zeros', () => Buffer.alloc(20)],
    ['with one bit changed', (proof: Buffer) => Buffer.from(proof.map((b, i) => (i === 19 ? b ^ 1 : b)))],
  ])('a proof that is %s', async (_what, proof) => {
    expect(conditionOf(await login('juliet', PASSWORD, { proof }))).toBe('not-authorized');
  });

  it('a mandatory extension, in either message', async () => {
    const first = Buffer.from('n,,m=new,n=juliet,r=nonce');
    expect(conditionOf(await start('SCRAM-SHA-1', host).step(first))).toBe('not-authorized');
    const final = (text: string) => `${text},m=new`;
    expect(conditionOf(await login('juliet', PASSWORD, { final }))).toBe('not-authorized');
  });

  it('an optional extension is no offence', async () => {
    const final = (text: string) => `${text},x=new,Z=1`;
    expect(await login('juliet', PASSWORD, { final })).toMatchObject({ kind: 'success' });
  });

  it('a whole login played again', async () => {
    const one = start('SCRAM-SHA-1', host);
    const client = new ScramClient('juliet', PASSWORD);
    const challenge = await one.step(client.first);
    if (challenge.kind !== 'challenge') throw new Error();
    const recorded = client.final(challenge.data);
    expect(await one.step(recorded)).toMatchObject({ kind: 'success' });
    const two = start('SCRAM-SHA-1', host);
    await two.step(client.first);
    expect(conditionOf(await two.step(recorded))).toBe('not-authorized');
  });

  it('the nonce is new each time, with 144 bits from the server', async () => {
    const nonces = new Set<string>();
    for (let i = 0; i < 1000; i++) {
      const attributes = attributesOf(
        await start('SCRAM-SHA-1', host).step(new ScramClient('juliet', 'x').first),
      );
      const nonce = attributes.get('r')!;
      expect(nonce).toMatch(/^clientnonce[A-Za-z0-9+/]{24}$/);
      nonces.add(nonce);
    }
    expect(nonces.size).toBe(1000);
  });
});

describe('the hash of what was offered (XEP-0474)', () => {
  async function hashOf(changes: Parameters<typeof start>[2], hasDowngradeProtection = true) {
    const exchange = start('SCRAM-SHA-1', { ...host, hasDowngradeProtection }, changes);
    return attributesOf(await exchange.step(new ScramClient('juliet', 'x').first)).get('h');
  }

  it('is that of the lists on this very stream', async () => {
    expect(await hashOf({})).toBe(ALL_OFFERED.downgradeHash('sha'));
    expect(await hashOf({ offer: WITHOUT_PLUS })).toBe(WITHOUT_PLUS.downgradeHash('sha'));
  });

  it('can be left out', async () => {
    expect(await hashOf({}, false)).toBeUndefined();
  });

  it('is signed: who changes it spoils the proof', async () => {
    const exchange = start('SCRAM-SHA-1', host);
    const client = new ScramClient('juliet', PASSWORD);
    const challenge = await exchange.step(client.first);
    if (challenge.kind !== 'challenge') throw new Error();
    const forged = challenge.data.toString().replace(/h=.*/, `h=${WITHOUT_PLUS.downgradeHash('sha')}`);
    expect(conditionOf(await exchange.step(client.final(Buffer.from(forged))))).toBe('not-authorized');
  });
});

describe('messages at the wrong time', () => {
  it.each(['', 'junk', 'c=biws,r=x,p=AAAA'])('a first message that is %j', async (text) => {
    const result = await start('SCRAM-SHA-1', host).step(Buffer.from(text));
    expect(result).toMatchObject({ condition: 'malformed-request', username: undefined });
  });

  it.each([undefined, '', 'junk', 'n,,n=juliet,r=x'])('a final message that is %j', async (text) => {
    const exchange = start('SCRAM-SHA-1', host);
    await exchange.step(new ScramClient('juliet', PASSWORD).first);
    const result = await exchange.step(text === undefined ? undefined : Buffer.from(text));
    expect(result).toMatchObject({ condition: 'malformed-request', username: 'juliet' });
  });

  it('one more after success, and after failure', async () => {
    for (const password of [PASSWORD, 'wrong']) {
      const exchange = start('SCRAM-SHA-1', host);
      const client = new ScramClient('juliet', password);
      await scramLogin(exchange, client);
      expect(conditionOf(await exchange.step(client.first))).toBe('malformed-request');
    }
  });

  it('a second attempt at the proof', async () => {
    const exchange = start('SCRAM-SHA-1', host);
    const client = new ScramClient('juliet', PASSWORD);
    const challenge = await exchange.step(client.first);
    if (challenge.kind !== 'challenge') throw new Error();
    const right = client.final(challenge.data);
    const wrong = Buffer.from(right.toString().replace(/p=./, 'p=!'));
    expect(conditionOf(await exchange.step(wrong))).toBe('malformed-request');
    expect(conditionOf(await exchange.step(right))).toBe('malformed-request');
  });

  it('one while the account is being looked up spoils both', async () => {
    const exchange = start('SCRAM-SHA-1', host);
    const client = new ScramClient('juliet', PASSWORD);
    const pending = exchange.step(client.first);
    expect(conditionOf(await exchange.step(client.first))).toBe('malformed-request');
    expect(conditionOf(await pending)).toBe('malformed-request');
  });
});
