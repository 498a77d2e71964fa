import { describe, expect, it } from 'vitest';
import { conditionOf, makeHost, plainMessage, start } from '../support.ts';

const { host, store, tasks } = await makeHost();

async function login(authzid: string, authcid: string, password: string) {
  return start('PLAIN', host).step(plainMessage(authzid, authcid, password));
}

describe('PLAIN', () => {
  it('lets in who knows the password', async () => {
    expect(await login('', 'juliet', 'r0m30myr0m30')).toEqual({
      kind: 'success',
      username: 'juliet',
      authzid: undefined,
      data: undefined,
      method: 'internal',
    });
  });

  it.each(['JULIET', 'Juliet', 'ｊｕｌｉｅｔ', 'juliet@example.com', 'Juliet@EXAMPLE.com'])(
    'knows %s as another way to write the name',
    async (name) => {
      expect(await login('', name, 'r0m30myr0m30')).toMatchObject({ username: 'juliet' });
    },
  );

  it.each([
    ['wrong password', 'juliet', 'wrong'],
    ['password in other case', 'juliet', 'R0m30myr0m30'],
    ['empty password', 'juliet', ''],
    ['unknown user', 'romeo', 'r0m30myr0m30'],
    ['leading space', ' juliet', 'r0m30myr0m30'],
    ['name that is none', 'ju liet', 'r0m30myr0m30'],
    ['name too long', 'j'.repeat(2000), 'r0m30myr0m30'],
    ['other domain', 'juliet@example.net', 'r0m30myr0m30'],
    ['no name before the domain', '@example.com', 'r0m30myr0m30'],
    ['resource', 'juliet@example.com/x', 'r0m30myr0m30'],
    ['property of objects', '__proto__', 'r0m30myr0m30'],
    ['very long password', 'juliet', 'x'.repeat(6000)],
  ])('not-authorized, without text (T25): %s', async (_what, name, password) => {
    expect(await login('', name, password)).toMatchObject({ condition: 'not-authorized', text: undefined });
  });

  it('fails alike for a wrong password and an unknown user, at the same cost (T25)', async () => {
    const costs: number[] = [];
    const results: unknown[] = [];
    for (const name of ['juliet', 'romeo']) {
      const before = tasks.derivations;
      results.push({ ...(await login('', name, 'guess')), username: undefined });
      costs.push(tasks.derivations - before);
    }
    expect(results[0]).toEqual(results[1]);
    expect(costs).toEqual([1, 1]);
  });

  it.each(['juliet@example.com', 'Juliet@Example.COM', 'juliet@example.com.'])(
    'takes %s as the user’s own authorization identity',
    async (authzid) => {
      expect(await login(authzid, 'juliet', 'r0m30myr0m30')).toMatchObject({
        kind: 'success',
        username: 'juliet',
        authzid: 'juliet@example.com',
      });
    },
  );

  it.each([
    ['another user', 'romeo@example.com'],
    ['another user with resource', 'romeo@example.com/balcony'],
    ['a case variant of another user', 'ROMEO@example.com'],
    ['own account with resource', 'juliet@example.com/balcony'],
    ['own account with empty resource', 'juliet@example.com/'],
    ['other host', 'juliet@example.net'],
    ['subdomain', 'juliet@admin.example.com'],
    ['the host', 'example.com'],
    ['no domain', 'juliet'],
    ['name only', 'juliet@'],
    ['5 KB', `${'j'.repeat(5000)}@example.com`],
    ['a look-alike in Cyrillic', 'julіet@example.com'],
    ['a soft hyphen', 'jul\u00adiet@example.com'],
    ['white space', ' juliet@example.com'],
    ['two addresses', 'juliet@example.com,romeo@example.com'],
    ['no address', '\u202e'],
  ])('invalid-authzid (T22): %s', async (_what, authzid) => {
    const before = tasks.derivations;
    expect(await login(authzid, 'juliet', 'r0m30myr0m30')).toMatchObject({
      kind: 'failure',
      condition: 'invalid-authzid',
      username: 'juliet',
    });
    expect(tasks.derivations).toBe(before);
  });

  it.each([
    ['nothing', ''],
    ['no NUL', 'juliet'],
    ['one NUL', 'juliet\0pw'],
    ['three NULs', '\0juliet\0pw\0'],
    ['NUL in the password', '\0juliet\0p\0w'],
    ['nobody', '\0\0pw'],
    ['only NULs', '\0\0'],
  ])('malformed-request: %s', async (_what, text) => {
    expect(await start('PLAIN', host).step(Buffer.from(text))).toMatchObject({
      condition: 'malformed-request',
    });
  });

  it('malformed-request: not UTF-8, or UTF-16 (T34)', async () => {
    const latin1 = Buffer.from('\0juliet\0pässword', 'latin1');
    const utf16 = Buffer.from('\0juliet\0password', 'utf16le');
    for (const data of [latin1, utf16]) {
      expect(conditionOf(await start('PLAIN', host).step(data))).toBe('malformed-request');
    }
  });

  it('asks for the response that did not come along, once', async () => {
    const exchange = start('PLAIN', host);
    expect(await exchange.step(undefined)).toEqual({ kind: 'challenge', data: Buffer.alloc(0) });
    expect(await exchange.step(plainMessage('', 'juliet', 'r0m30myr0m30'))).toMatchObject({
      kind: 'success',
    });

    const silent = start('PLAIN', host);
    await silent.step(undefined);
    expect(conditionOf(await silent.step(undefined))).toBe('malformed-request');
  });

  it('is over after its result', async () => {
    const exchange = start('PLAIN', host);
    await exchange.step(plainMessage('', 'juliet', 'wrong'));
    const again = await exchange.step(plainMessage('', 'juliet', 'r0m30myr0m30'));
    expect(conditionOf(again)).toBe('malformed-request');
    expect(conditionOf(await exchange.step(undefined))).toBe('malformed-request');
  });

  it('temporary-auth-failure with its cause when the store is down', async () => {
    store.isDown = true;
    const result = await login('', 'juliet', 'r0m30myr0m30');
    store.isDown = false;
    expect(result).toMatchObject({
      condition: 'temporary-auth-failure',
      username: 'juliet',
      cause: { name: 'StoreUnavailable' },
    });
  });
});
