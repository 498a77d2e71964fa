import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../src/auth/account-store.ts';
import { deriveKeys, makePasswordDetails } from '../../../src/auth/derive.ts';
import { parseCredentials } from '../../../src/auth/scram-text.ts';
import { ITERATIONS, makeInternal, POLICY } from './support.ts';

const SALT = Buffer.alloc(16, 9);
const QUERY = { hash: 'sha256', salt: SALT, iterations: ITERATIONS } as const;
const PLAIN_POLICY = { ...POLICY, format: 'plain' } as const;

describe('the internal method', () => {
  it('keeps no password, but credentials for the configured hashes', async () => {
    const { method, store } = makeInternal({ ...POLICY, hashes: ['sha256', 'sha512'] });
    expect(await method.tryRegister('a', 'juliet', 'r0m30myr0m30')).toBe('registered');
    const stored = store.accounts.get('a\0juliet')!;
    expect(stored.password).toBe('');
    expect([...parseCredentials(stored.details!)!.hashes.keys()]).toEqual(['sha256', 'sha512']);
  });

  it('registers a name once, also when two want it at the same moment', async () => {
    const { method } = makeInternal();
    const outcomes = await Promise.all(['x', 'y'].map((p) => method.tryRegister('a', 'juliet', p)));
    expect(outcomes.sort()).toEqual(['exists', 'registered']);
  });

  it('checks passwords', async () => {
    const { method } = makeInternal();
    await method.tryRegister('a', 'juliet', 'r0m30');
    expect(await method.checkPassword('a', 'juliet', 'r0m30')).toBe(true);
    expect(await method.checkPassword('a', 'juliet', 'R0m30')).toBe(false);
    expect(await method.checkPassword('a', 'romeo', 'r0m30')).toBe(false);
    expect(await method.checkPassword('b', 'juliet', 'r0m30')).toBe(false);
  });

  it('does the same work for a user who does not exist (T25)', async () => {
    const { method, tasks } = makeInternal();
    await method.tryRegister('a', 'juliet', 'r0m30');
    await method.checkPassword('a', 'juliet', 'wrong');
    expect(tasks.derivations).toBe(1);
    await method.checkPassword('a', 'nobody', 'wrong');
    expect(tasks.derivations).toBe(2);
  });

  it('accepts only the new password after a change', async () => {
    const { method } = makeInternal();
    await method.tryRegister('a', 'juliet', 'old');
    expect(await method.checkPassword('a', 'juliet', 'old')).toBe(true);
    expect(await method.setPassword('a', 'juliet', 'new')).toBe(true);
    expect(await method.checkPassword('a', 'juliet', 'old')).toBe(false);
    expect(await method.checkPassword('a', 'juliet', 'new')).toBe(true);
    expect(await method.setPassword('a', 'romeo', 'new')).toBe(false);
  });

  it('lets nobody in after removal', async () => {
    const { method, passwords } = makeInternal();
    await method.tryRegister('a', 'juliet', 'r0m30');
    await method.checkPassword('a', 'juliet', 'r0m30');
    expect(await method.removeUser('a', 'juliet')).toBe(true);
    expect(passwords.cachedAccounts).toBe(0);
    expect(await method.checkPassword('a', 'juliet', 'r0m30')).toBe(false);
    expect(await method.removeUser('a', 'juliet')).toBe(false);
    expect(await method.doesUserExist('a', 'juliet')).toBe(false);
  });

  it('removes a domain', async () => {
    const { method } = makeInternal();
    await method.tryRegister('a', 'juliet', 'x');
    await method.tryRegister('b', 'juliet', 'x');
    await method.removeDomain('a');
    expect([await method.count('a'), await method.count('b')]).toEqual([0, 1]);
  });

  it('refuses a password that cannot be used', async () => {
    const { method } = makeInternal();
    expect(await method.tryRegister('a', 'juliet', '\u00ad')).toBe('not_allowed');
    await method.tryRegister('a', 'juliet', 'x');
    expect(await method.setPassword('a', 'juliet', 'x'.repeat(5000))).toBe(false);
    expect(await method.checkPassword('a', 'juliet', 'x')).toBe(true);
  });

  it('hands out SCRAM keys as stored', async () => {
    const { method } = makeInternal();
    await method.tryRegister('a', 'juliet', 'r0m30');
    const keys = (await method.scramKeys('a', 'juliet', QUERY))!;
    expect(keys.salt).not.toEqual(SALT);
    expect(deriveKeys('r0m30', 'sha256', keys.salt, keys.iterations)?.storedKey).toEqual(keys.storedKey);
    expect(await method.scramKeys('a', 'nobody', QUERY)).toBeUndefined();
  });

  it('has no keys for a hash that an account lacks', async () => {
    const { method, store } = makeInternal();
    store.accounts.set('a\0old', { password: '', details: makePasswordDetails('x', ['sha'], 4096)! });
    expect(await method.scramKeys('a', 'old', QUERY)).toBeUndefined();
    expect(await method.checkPassword('a', 'old', 'x')).toBe(true);
  });

  it.each([
    ['10^9 iterations (T27)', makePasswordDetails('x', ['sha256'], 4096)!.replace('4096', '1000000000')],
    ['damage', '==MULTI_SCRAM==,4096,nonsense'],
    ['an empty string', ''],
  ])('locks out, and reports, an account with %s; the work is as for any other', async (_what, details) => {
    const { method, store, tasks, unreadable } = makeInternal();
    store.accounts.set('a\0juliet', { password: '', details });
    expect(await method.checkPassword('a', 'juliet', 'x')).toBe(false);
    expect(await method.scramKeys('a', 'juliet', QUERY)).toBeUndefined();
    expect(unreadable).toEqual(['juliet@a', 'juliet@a']);
    expect(tasks.derivations).toBe(1);
  });

  it('rejects when the store is down, whatever it is asked', async () => {
    const { method, store } = makeInternal();
    store.isDown = true;
    for (const question of [
      method.checkPassword('a', 'juliet', 'x'),
      method.scramKeys('a', 'juliet', QUERY),
      method.doesUserExist('a', 'juliet'),
      method.tryRegister('a', 'juliet', 'x'),
      method.setPassword('a', 'juliet', 'x'),
      method.removeUser('a', 'juliet'),
    ]) {
      await expect(question).rejects.toThrow(StoreUnavailable);
    }
  });

  it('keeps names apart that are properties of every object (T54)', async () => {
    const { method } = makeInternal();
    for (const name of ['__proto__', 'constructor', 'tostring']) {
      expect(await method.doesUserExist('a', name)).toBe(false);
      expect(await method.checkPassword('a', name, 'x')).toBe(false);
      expect(await method.tryRegister('a', name, `pw of ${name}`)).toBe('registered');
      expect(await method.checkPassword('a', name, `pw of ${name}`)).toBe(true);
    }
    expect(await method.list('a', { limit: 10 })).toEqual(['__proto__', 'constructor', 'tostring']);
  });
});

describe('the internal method with passwords stored as they are', () => {
  it('stores, checks and changes them', async () => {
    const { method, store } = makeInternal(PLAIN_POLICY);
    await method.tryRegister('a', 'juliet', 'r0m30');
    expect(store.accounts.get('a\0juliet')).toEqual({ password: 'r0m30', details: undefined });
    expect(await method.checkPassword('a', 'juliet', 'r0m30')).toBe(true);
    expect(await method.checkPassword('a', 'juliet', 'r0m3')).toBe(false);
    expect(await method.checkPassword('a', 'nobody', '')).toBe(false);
  });

  it('derives SCRAM keys with the salt that strangers are shown, and as much for strangers (T25)', async () => {
    const { method, tasks } = makeInternal(PLAIN_POLICY);
    await method.tryRegister('a', 'juliet', 'r0m30');
    const keys = (await method.scramKeys('a', 'juliet', QUERY))!;
    expect(keys).toEqual({
      ...deriveKeys('r0m30', 'sha256', SALT, ITERATIONS),
      salt: SALT,
      iterations: ITERATIONS,
    });
    expect(tasks.derivations).toBe(1);
    expect(await method.scramKeys('a', 'nobody', QUERY)).toBeUndefined();
    expect(tasks.derivations).toBe(2);
  });

  it('has no way in for an account without password', async () => {
    const { method, store } = makeInternal();
    store.accounts.set('a\0juliet', { password: '', details: undefined });
    expect(await method.checkPassword('a', 'juliet', '')).toBe(false);
    expect(await method.scramKeys('a', 'juliet', QUERY)).toBeUndefined();
  });
});
